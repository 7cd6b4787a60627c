package family

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/corpus"
)

// signing is an edge configuration with one key, changed.
func signing(witness string, more object) object {
	return with(object{"witness": witness, "keys": list{object{"id": edgeKey, "secret": edgeSecret}}}, more)
}

func witness(b *book) {
	for _, word := range []string{"optional", "required"} {
		s := b.federate()
		s.Config = members(object{"issuers": list{federateTrust()}, "edge": signing(word, nil)})
		b.under("pingfederate, witness "+word, s)
		if word == "optional" {
			b.decisions()
			b.single()
			b.ignored()
			b.keyBounds()
		} else {
			b.demanded()
		}
	}
}

// ways are the values that travel in the cases.
type ways struct {
	good, other, expired       token
	line, otherLine, staleLine string
	basic                      string
}

func (b *book) ways() ways {
	good := b.federateToken()
	w := ways{good: good, other: good.c("sub", "somebody.else"), expired: good.times(clock-7200, clock-312), basic: "Basic bWFyaWE6c2VjcmV0"}
	w.line, w.otherLine, w.staleLine = line(w.good), line(w.other), line(w.expired)
	return w
}

const (
	in  = "edge-in"
	out = "edge-out"
)

// decisions are the rows of the decision table: what two points and the gateway
// saw, and what follows.
func (b *book) decisions() {
	w := b.ways()
	const table = "decision table"
	stripped, replaced, rewritten := is("credential_stripped"), is("credential_replaced"), is("credential_rewritten")
	pass := func(line string) []sight { return []sight{saw(in, line), saw(out, line)} }
	inside := func(line string, left ...string) []sight { return []sight{saw(in, line), saw(out, left...)} }

	b.add("intact, expired", "the edge changed nothing: look at the token", table, arrives(w.staleLine, pass(w.staleLine)...), is("token_expired").n(312))
	cut := w.line[:len(w.line)-8]
	b.add("intact, cut before", "cut by the client, or before the first point: the edge is acquitted", table, arrives(cut, pass(cut)...), is("credential_truncated").n(6).proved("client"))
	b.add("intact, a password", "the client sent it", table, arrives(w.basic, pass(w.basic)...), is("scheme_unsupported").proved("client"))
	b.add("intact, good", "evidence never decides", table, arrives(w.line, pass(w.line)...), passes())
	b.add("taken out and put back", "what came in is what arrived", table, arrives(w.staleLine, inside(w.staleLine)...), is("token_expired").n(312))

	b.add("stripped inside", "it came in and did not go out", table, arrives("-", inside(w.line)...), stripped)
	b.add("blanked inside", "the name is left", "F5 Request Header Erase", arrives("", inside(w.line, "      ")...), is("credential_empty").proved("edge"))
	b.add("stripped behind", "it went out and did not arrive", table, arrives("-", pass(w.line)...), stripped)
	b.add("blanked behind", "it went out and arrived blank", table, arrives("", pass(w.line)...), is("credential_empty").proved("edge"))

	b.add("rewritten inside", "another token went out", table, arrives(w.staleLine, inside(w.line, w.staleLine)...), rewritten.and("token_expired"))
	b.add("rewritten behind", "another token arrived than went out", table, arrives(w.staleLine, pass(w.line)...), rewritten.and("token_expired"))
	b.add("rewritten, and good", "optional is evidence for what is refused anyway", table, arrives(w.otherLine, pass(w.line)...), passes())
	b.add("replaced inside", "single sign-on put a password in its place", table, arrives(w.basic, inside(w.line, w.basic)...), replaced.and("scheme_unsupported"))
	b.add("replaced behind", "somebody behind the edge did", table, arrives(w.basic, pass(w.line)...), replaced.and("scheme_unsupported"))
	b.add("the scheme cut off behind", "the rest is what went out", table, arrives(w.good.String(), pass(w.line)...), is("scheme_missing").proved("edge"))
	b.add("the scheme added inside", "it had one", table, arrives("Bearer "+w.line, inside(w.line, "Bearer "+w.line)...), is("scheme_repeated").proved("edge"))
	b.add("joined behind", "with one that never came in", table, arrives(w.basic+", "+w.line, pass(w.line)...), is("credential_comma_joined").proved("edge"))
	b.add("encoded behind", "bytes that no token has, put there on the way", table, arrives(strings.ReplaceAll(w.line, ".", "%2E"), pass(w.line)...), rewritten.and("token_bad_charset"))

	b.add("cut in the signature behind", "the number counts bytes of the line, as the edge saw it", table, arrives(cut, pass(w.line)...), is("credential_truncated").n(8).proved("edge"))
	b.add("cut in the payload inside", "without a witness this is token_segments", table, arrives(w.line[:200], inside(w.line, w.line[:200])...), is("credential_truncated").n(int64(len(w.line)-200)).proved("edge").and("token_segments"))

	b.add("moved inside", "the same bytes under another name", table, arrives("-", inside(w.line)...).and("x-forwarded-authorization", w.line), is("credential_moved").proved("edge"))
	b.add("moved behind", "the same bytes under another name", table, arrives("-", pass(w.line)...).and("x-edge-credential", w.line), is("credential_moved").proved("edge"))
	b.add("moved without its scheme", "a hop that keeps tokens bare", "oauth2-proxy", arrives("-", inside(w.line)...).and("x-forwarded-access-token", w.good.String()), is("credential_moved").proved("edge"))
	b.add("not moved, of the same length", "equal length is not the same value", table, arrives("-", inside(w.line)...).and("x-note", strings.Repeat("n", len(w.line))), stripped)

	b.add("never came", "the client, a redirect, a CDN before, or on BIG-IP an LTM policy", table, arrives("-", inside("")...), is("credential_missing").proved("client"), nobodySaw)
	b.add("came blank", "an empty variable at the client", table, arrives("", pass("")...), is("credential_empty").proved("client"))
	b.add("injected inside", "the edge put its own credential there", table, arrives(w.basic, sees(in), saw(out, w.basic)), is("scheme_unsupported").proved("edge").finding("credential_injected"))
	b.add("injected behind", "somebody behind the edge did", table, arrives(w.basic, sees(in), sees(out)), is("scheme_unsupported").proved("edge").finding("credential_injected"))

	b.add("no witness, nothing arrived", "the edge was passed by or does not sign: unknown", table, arrives("-"), is("credential_missing"))
	b.add("no witness, cut", "nobody is accused with more than weak", table, arrives(cut), is("credential_truncated").n(6))
	placeholder := is("token_placeholder")
	b.add("host rewritten inside", "what arrived is what went out", table, arrives("Bearer null", saw(in, "Bearer null").asking("GET", "www.example.com"), saw(out, "Bearer null")), placeholder.finding("host_rewritten"))
	b.add("host in another case, with the port of its scheme", "is the same host", table, arrives("Bearer null", saw(in, "Bearer null").asking("GET", "API.Example.com:443"), saw(out, "Bearer null")), placeholder)
	b.add("host with another port", "is another host", table, arrives("Bearer null", saw(in, "Bearer null").asking("GET", "api.example.com:8443"), saw(out, "Bearer null")), placeholder.finding("host_rewritten"))
	b.add("method rewritten behind", "the gateway's request is a GET", table, arrives("Bearer null", saw(in, "Bearer null").asking("POST", "api.example.com"), saw(out, "Bearer null").asking("POST", "api.example.com")), placeholder.finding("method_rewritten"))
	b.add("a host that is not repeated", "a host of such bytes is signed as a question mark, which compares with nothing", `Host: a";p=1;x="`,
		arrives("Bearer null", saw(in, "Bearer null").asking("GET", "?"), saw(out, "Bearer null").asking("GET", "?")).host(`a";p=1;x="`), placeholder)
}

// nobodySaw has the two points of a case see no line at all.
func nobodySaw(c *corpus.Case) {
	c.Headers["x-auth-witness"] = []string{sees(in).member(), sees(out).member()}
}

// sees is a point that saw no line of Authorization.
func sees(point string) sight { return saw(point) }

// host replaces the request's Host.
func (h headers) host(name string) headers { h["host"] = []string{name}; return h }

// single are an edge with one point, of which no inside can be told.
func (b *book) single() {
	w := b.ways()
	const one = "a single signing point"
	b.add("one point, stripped behind it", "one is enough for that", one, arrives("-", saw(in, w.line)), is("credential_stripped"))
	b.add("one point, rewritten behind it", "one is enough for that", one, arrives(w.staleLine, saw(in, w.line)), is("credential_rewritten").and("token_expired"))
	b.add("one point, at the entrance, saw nothing", "it never reached the edge", one, arrives("-", sees(in)), is("credential_missing").proved("client"))
	b.add("one point, at the exit, saw nothing", "the edge itself may have removed it: unknown", one, arrives("-", sees(out)), is("credential_missing"))
	b.add("one point, intact", "the way behind it is acquitted", one, arrives(w.basic, saw(in, w.basic)), is("scheme_unsupported").proved("client"))
}
