package family

import "kong-plugin-auth-diagnosis/pkg/corpus"

var connectFault = corpus.Answer{Fault: corpus.Connect}

func level(b *book) {
	b.under("pingfederate and pingone", b.both())
	good := b.federateToken()
	minimal := config("diagnosis", object{"detail": "minimal"})
	full := config("diagnosis", object{"detail": "full"})
	expired := good.times(clock-7200, clock-312)
	const why = "minimal shows the code and the request id only"

	b.add("standard: expired", "hop, certainty, number and fix", "", expired, is("token_expired").n(312))
	b.add("minimal: expired", why, "", expired, is("token_expired").n(312).bare("token_expired"), minimal)
	b.add("full: expired", "and detail", "", expired, is("token_expired").n(312), full)
	b.add("full: expired, for another audience", "every check that failed", "", expired.c("aud", "https://b.example.com"), is("token_expired").n(312).and("audience_mismatch"), full)

	for _, c := range []struct {
		code string
		r    request
		l    label
	}{
		{"token_opaque", raw("kP3vXw8rLs1QnTz5Yb2McF7dHgJ0"), is("token_opaque")},
		{"token_segments", good.cut(343, "cut before the last dot"), is("token_segments").n(2)},
		{"header_bad_json", good.headerIs(`["RS256"]`), is("header_bad_json")},
		{"payload_bad_json", good.payloadIs(`null`), is("payload_bad_json")},
		{"claim_duplicate", good.addC("iss", "x"), is("claim_duplicate")},
		{"claim_name_ambiguous", good.c("ISS", "x"), is("claim_name_ambiguous")},
		{"signature_empty", good.forged("the signature is empty", func(string) []byte { return nil }), is("signature_empty")},
		{"token_json_serialized", authorized(`Bearer {"payload":"e30"}`), is("token_json_serialized")},
	} {
		b.add("minimal: "+c.code, "faults of structure are one code", "", c.r, c.l.bare("token_malformed"), minimal)
	}
	b.add("minimal: issuer_near_miss", "how close a guess came is not told", "", good.c("iss", federateIssuer+"/"), is("issuer_near_miss").bare("issuer_untrusted"), minimal)
	b.add("standard: issuer_near_miss", "from standard on it is", "", good.c("iss", federateIssuer+"/"), is("issuer_near_miss"))
	b.add("full: issuer_near_miss", "with both spellings", "", good.c("iss", federateIssuer+"/"), is("issuer_near_miss"), full)

	otherKey := good.secretly(b.ring["federate-rsa-next"])
	b.add("minimal: signature_other_key", "whose key it was is for full only", "", otherKey, is("signature_other_key").bare("signature_invalid"), minimal)
	b.add("standard: signature_other_key", "whose key it was is for full only", "", otherKey, is("signature_other_key").as("signature_invalid"))
	b.add("full: signature_other_key", "the exact code", "", otherKey, is("signature_other_key"), full)
	foreign := b.oneToken().c("iss", federateIssuer)
	b.add("minimal: kid_other_issuer", "whose key it was is for full only", "", foreign, is("kid_other_issuer").bare("kid_unknown"), minimal)
	b.add("standard: kid_other_issuer", "whose key it was is for full only", "", foreign, is("kid_other_issuer").as("kid_unknown"))
	b.add("full: kid_other_issuer", "the exact code", "", foreign, is("kid_other_issuer"), full)

	b.add("minimal: credential_missing", why, "", headers{}, is("credential_missing").bare("credential_missing"), minimal)
	b.add("minimal: jwks_connect", why, "", good, is("jwks_connect").bare("jwks_connect"), minimal, document(federateKeys, connectFault))
	b.add("minimal: credential_too_large", why, "", good, is("credential_too_large").n(int64(len(good.String())-400)).bare("credential_too_large"), minimal, config("maximum_token_size", 400))
	b.add("full: names with odd bytes", "at full a name of the token is shown, cleaned and cut", "", good.c("iss", "https://evil.example.com/\r\nX-Admin: 1\u00e9\""), is("issuer_untrusted"), full)
	b.add("full: a long name", "at full a name of the token is shown, cleaned and cut", "", good.c("iss", "https://evil.example.com/"+string(bytesOf('a', 3000))), is("issuer_untrusted"), full)
	b.add("full: claim values stay", "what a claim says is never shown, only its name", "", good.c("department", "board-of-directors"), is("claim_value_mismatch"), full, config("required_claims", list{object{"name": "department", "values": list{"sales"}}}))
	b.add("on_accept", "an accepted request can be told so", "", good, passes(), config("diagnosis", object{"on_accept": true}))
}
