package family

import "kong-plugin-auth-diagnosis/pkg/corpus"

func consumer(b *book) {
	const frontend, reports = "3f0c1f9e-61d2-4b7a-8c35-0a9e4d2b7f11", "3f0c1f9e-61d2-4b7a-8c35-0a9e4d2b7f12"
	s := b.federate()
	s.Config = members(object{"issuers": list{federateTrust()}, "consumer_claim": list{"client_id"}})
	s.Consumers = []corpus.Consumer{
		{ID: frontend, Username: "orders-frontend", CustomID: "C-17"},
		{ID: reports, Username: "reports"},
		{ID: "3f0c1f9e-61d2-4b7a-8c35-0a9e4d2b7fff", Username: "visitor"},
	}
	b.under("pingfederate, client_id names the consumer", s)
	good := b.federateToken()
	named := func(name any) token { return good.c("client_id", name) }
	required := config("consumer_optional", false)
	by := func(what ...any) change { return config("consumer_by", list(what)) }
	nobody := func(l label) label { return l.upstream("X-Consumer-ID", "").upstream("X-Consumer-Username", "") }
	denied := func(code string) label { return is(code).as("authorization_denied") }
	mapped := passes().upstream("X-Consumer-ID", frontend).upstream("X-Consumer-Username", "orders-frontend").upstream("X-Consumer-Custom-ID", "C-17").upstream("X-Anonymous-Consumer", "")

	b.add("by username", "the claim equals a consumer's username", "Kong consumers", good, mapped)
	b.add("by id", "the claim equals a consumer's id", "Kong consumers", named(frontend), mapped, by("id"))
	b.add("headers that the client forged", "only what was found stands in them", "CVE-2025-64484 and the like", good.with(headers{"x-consumer-id": {reports}, "x-consumer-username": {"reports"}, "x-anonymous-consumer": {"true"}}), mapped)
	b.add("nobody, and that is allowed", "the token is good without a consumer", "consumer_optional", named("unheard-of"), nobody(passes()))
	b.add("nobody", "403: who it is is known, and has no place here", "consumer_optional", named("unheard-of"), denied("consumer_not_found"), required)
	b.add("no claim", "nobody is named", "consumer_optional", good.noC("client_id"), denied("consumer_not_found"), required)
	b.add("an empty name", "nobody is named", "consumer_optional", named(""), denied("consumer_not_found"), required)
	b.add("another case", "usernames have a case", "consumer_optional", named("Orders-Frontend"), denied("consumer_not_found"), required)
	b.add("a custom id", "neither a username nor an id", "consumer_optional", named("C-17"), denied("consumer_not_found"), required)
	b.add("another consumer's id for a username", "Kong looks names up as ids first, so its answer has to be compared", "Kong kong.client.load_consumer", named(reports), denied("consumer_ambiguous"), required, by("username"))
	b.add("another consumer's id, nobody required", "and then it is nobody's token", "Kong kong.client.load_consumer", named(reports), nobody(passes()), by("username"))
	b.add("two names", "one of them would have to be picked", "", named(list{"orders-frontend", "reports"}), denied("consumer_ambiguous"), required)
	b.add("a list of one name", "there is nothing to pick", "", named(list{"orders-frontend"}), mapped, required)
	b.add("minimal: nobody", "the code alone", "", named("unheard-of"), denied("consumer_not_found").bare("authorization_denied"), required, config("diagnosis", object{"detail": "minimal"}))
	b.add("full: nobody", "the exact code", "", named("unheard-of"), is("consumer_not_found"), required, config("diagnosis", object{"detail": "full"}))
	b.add("expired, and nobody", "a consumer is looked for when the token is good", "", named("unheard-of").times(clock-7200, clock-312), is("token_expired").n(312), required)
	b.add("scope absent, and nobody", "a consumer is looked for when the token is good", "", named("unheard-of"), is("scope_insufficient").scope("admin"), required, config("scopes_required", list{"admin"}))

	anonymous := config("anonymous", "visitor")
	visitor := func(l label) label {
		return l.advised().upstream("X-Anonymous-Consumer", "true").upstream("X-Consumer-Username", "visitor")
	}
	b.add("anonymous: nothing arrived", "the request goes on as somebody known to be nobody", "Kong anonymous", headers{}, visitor(is("credential_missing")), anonymous)
	b.add("anonymous: an expired token", "as with Kong's own plugins, any failure to authenticate", "Kong anonymous", good.times(clock-7200, clock-312), visitor(is("token_expired").n(312)), anonymous)
	b.add("anonymous: a good token", "counts for itself", "Kong anonymous", good, mapped, anonymous)
	b.add("anonymous: no keys", "an issuer that is down says nothing about the caller", "", good, is("jwks_connect"), anonymous, document(federateKeys, connectFault))
	b.add("anonymous: too large", "what was not read says nothing about the caller", "", good, is("credential_too_large").n(int64(len(good.String())-400)), anonymous, config("maximum_token_size", 400))
	b.add("anonymous: whom nobody knows", "a fault of the configuration", "Kong anonymous", headers{}, is("config_invalid").and("credential_missing"), config("anonymous", "unheard-of"))
}
