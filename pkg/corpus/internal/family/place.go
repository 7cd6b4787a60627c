package family

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/corpus"
)

// query is a request with a query string, and whatever else it holds.
type query struct {
	carrier request
	text    string
}

func (q query) request() corpus.Request { r := q.carrier.request(); r.Query = q.text; return r }

func place(b *book) {
	s := b.federate()
	s.Config = members(object{"issuers": list{federateTrust()}, "cookie_names": list{"bearer"}, "uri_param_names": list{"access_token"}})
	b.under("pingfederate, cookie and argument", s)
	good, other := b.federateToken(), b.federateToken().c("sub", "somebody.else")
	text := good.String()
	cookie := func(line string) headers { return headers{"cookie": {line}} }
	argument := func(q string) request { return query{headers{}, q} }
	conflict := is("credential_conflict")

	b.add("in the header as usual", "further places take nothing away", "", good, passes())
	b.add("in a cookie", "bare, without a scheme", "RFC 6265 4.2", cookie("bearer="+text), passes())
	b.add("in a cookie among others", "pairs end at semicolons", "RFC 6265 4.2", cookie("lang=de; bearer="+text+"; theme=dark"), passes())
	b.add("in a quoted cookie", "the quotes are no part of the value", "RFC 6265 4.1.1", cookie(`bearer="`+text+`"`), passes())
	b.add("in a cookie of another name", "names have a case", "RFC 6265 4.2", cookie("BEARER="+text), is("credential_missing"))
	b.add("in a query argument", "RFC 6750 allows it and advises against it", "RFC 6750 2.3", argument("access_token="+text), passes())
	b.add("in an argument among others", "arguments end at ampersands", "RFC 6750 2.3", argument("page=2&access_token="+text+"&sort=asc"), passes())
	b.add("in an encoded argument", "query arguments are decoded", "RFC 3986 2.1", argument("access_token="+strings.ReplaceAll(text, ".", "%2E")), passes())
	b.add("in an argument of another name", "not a configured one", "RFC 6750 2.3", argument("token="+text), is("credential_missing"))

	b.add("the same in all three places", "saying a thing three times is no conflict", "RFC 6750 2", query{good.with(cookie("bearer=" + text)), "access_token=" + text}, passes())
	b.add("another in the cookie", "which one counts must not depend on who reads", "RFC 6750 2", good.with(cookie("bearer="+other.String())), conflict)
	b.add("another in the argument", "which one counts must not depend on who reads", "RFC 6750 2", query{good, "access_token=" + other.String()}, conflict)
	b.add("two cookies that differ", "browsers send one name twice, for two paths", "RFC 6265 4.2.2", cookie("bearer="+text+"; bearer="+other.String()), conflict)
	b.add("two arguments that differ", "the first counts for some, the last for others", "", argument("access_token="+text+"&access_token="+other.String()), conflict)

	b.add("a placeholder in the cookie", "a variable that nobody filled in", "client templating", cookie("bearer=undefined"), is("token_placeholder"))
	b.add("a placeholder in the argument", "a variable that nobody filled in", "client templating", argument("access_token=null"), is("token_placeholder"))
	b.add("an expired token in the cookie", "judged as any other", "", cookie("bearer="+good.times(clock-7200, clock-312).String()), is("token_expired").n(312))
	b.add("an opaque token in the argument", "judged as any other", "", argument("access_token=kP3vXw8rLs1QnTz5Yb2McF7dHgJ0"), is("token_opaque"))
	b.add("a password in the header, a token in the cookie", "a good credential counts whatever stands beside it", "", headers{"authorization": {"Basic bWFyaWE6c2VjcmV0"}, "cookie": {"bearer=" + text}}, passes())
}

func (q query) parts() *corpus.Parts { return q.carrier.parts() }
