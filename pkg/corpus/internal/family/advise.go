package family

import "kong-plugin-auth-diagnosis/pkg/corpus"

func advise(b *book) {
	advising := object{"mode": "advise", "expects": list{"bearer", "basic", "key"}, "key_names": list{"apikey"}, "issuers": list{federateTrust()}}
	b.under("advise, any credential", corpus.Setup{Config: members(advising), Documents: b.federate().Documents})
	good := b.federateToken()
	arrived := is("credential_arrived")
	tells := func(code string) label { return is(code).advised() }

	b.add("a good token", "advise says accepted too", "", good, passes())
	b.add("an expired token", "told, and not refused", "", good.times(clock-7200, clock-312), tells("token_expired").n(312))
	b.add("a forged token", "told, and not refused", "", good.secretly(b.ring["stranger-rsa"]), tells("signature_invalid"))
	b.add("nothing", "told, and not refused", "", headers{}, tells("credential_missing"))
	b.add("an API key", "whether it is good is the next plugin's business", "", headers{"apikey": {"k-5f1d9a-8c2e"}}, arrived)
	b.add("a password", "whether it is good is the next plugin's business", "RFC 7617 2", authorized("Basic bWFyaWE6c2VjcmV0"), arrived)
	b.add("a password without padding", "gateways take it", "RFC 7617 2", authorized("Basic bWFyaWE6eA"), arrived)
	b.add("a password cut off", "no colon is left", "RFC 7617 2", authorized("Basic bWFy"), tells("token_bad_charset"))
	b.add("a user name alone", "there must be a colon", "RFC 7617 2", authorized("Basic bWFyaWE="), tells("token_bad_charset"))
	b.add("Basic and nothing", "an empty variable behind Basic", "RFC 7617 2", authorized("Basic"), tells("scheme_only"))
	b.add("Basic twice", "a prefix that was added twice", "", authorized("Basic Basic bWFyaWE6c2VjcmV0"), tells("scheme_repeated"))
	b.add("a blank key", "the header is there and says nothing", "", headers{"apikey": {""}}, tells("credential_empty"))
	b.add("a placeholder for a key", "a variable that nobody filled in", "client templating", headers{"apikey": {"{{api_key}}"}}, tells("token_placeholder"))
	b.add("a key in another header", "the usual name, not the configured one", "", headers{"x-api-key": {"k-5f1d9a-8c2e"}}, tells("credential_moved"))
	b.add("Digest", "a scheme that no plugin here takes", "RFC 7616", authorized(`Digest username="maria", realm="api", uri="/"`), tells("scheme_unsupported"))
	b.add("no keys", "told, and not refused", "", good, tells("jwks_connect"), document(federateKeys, connectFault))
}
