package family

import "kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"

// The order is credential, structure, header, issuer, key, signature, kind,
// time, claims, authorization. Up to the signature the first fault is the only
// one told; behind it all are collected.
func order(b *book) {
	s := b.federate()
	s.Config = members(object{
		"issuers":         list{federateTrust()},
		"scopes_required": list{"orders:read"},
		"required_claims": list{object{"name": "department", "values": list{"sales"}}},
	})
	b.under("pingfederate, scope and department required", s)
	good := b.federateToken().c("department", "sales")
	worst := good.times(clock-7200, clock-3600).c("aud", "https://b.example.com").c("department", "research").c("scope", "profile").c("nonce", "x").c("at_hash", "x")
	flipped := func(t token) token {
		return t.damaged("one bit of the signature turned", segment(2, func(s string) string {
			sig := decode(s)
			sig[9] ^= 4
			return forge.B64(sig)
		}))
	}

	b.add("nothing wrong", "the token that the others are made of", "", good, passes())
	b.add("everything behind the signature", "all are collected, in order", "", worst.noH("typ"),
		is("token_is_id_token").and("token_expired", "audience_mismatch", "claim_value_mismatch", "scope_insufficient"))
	b.add("everything, and the signature", "no claim is judged before the signature holds", "CVE-2024-51744", flipped(worst), is("signature_invalid"))
	b.add("expired and tampered with", "a forger does not learn that the time is over", "CVE-2024-51744", flipped(good.times(clock-7200, clock-3600)), is("signature_invalid"))
	b.add("expired and of an unknown key", "the key comes first", "", good.times(clock-7200, clock-3600).h("kid", "not-published"), is("kid_unknown"))
	b.add("unknown key and issuer", "the issuer comes first: keys are its own", "", good.h("kid", "not-published").c("iss", "https://evil.example.com"), is("issuer_untrusted"))
	b.add("crit and another issuer", "the header comes before the issuer", "", good.h("crit", list{"x"}).c("iss", "https://evil.example.com"), is("crit_unsupported"))
	b.add("alg none, crit and jwk", "alg is the header's first", "", good.h("alg", "none").h("crit", list{"x"}).h("jwk", object{}), is("alg_none"))
	b.add("crit and jku", "crit before embedded keys", "", good.h("crit", list{"x"}).h("jku", "https://evil.example.com"), is("crit_unsupported"))
	b.add("jku and cty", "embedded keys before nesting", "", good.h("cty", "JWT").h("jku", "https://evil.example.com"), is("embedded_key_forbidden"))
	b.add("cty and a bad kid", "nesting before the kid", "", good.h("cty", "JWT").h("kid", 7), is("nested_token_unsupported"))
	b.add("bad kid and no iss", "the header before the issuer", "", good.h("kid", "").noC("iss"), is("kid_invalid"))
	b.add("a name twice and alg none", "structure before the header's meaning", "", good.h("alg", "none").addC("iss", "x"), is("claim_duplicate"))
	b.add("bad header and bad payload", "of two faults of structure the header's is told", "", good.headerIs(`{"alg":}`).payloadIs(`{"iss":}`), is("header_bad_json"))
	b.add("bad payload and no signature", "JSON before the empty signature", "", good.payloadIs(`null`).forged("the signature is empty", func(string) []byte { return nil }), is("payload_bad_json"))
	b.add("typ and time", "the kind before the time", "", good.h("typ", "JOSE").times(clock-7200, clock-3600), is("typ_not_allowed").and("token_expired"))
	b.add("time and audience", "the time before the claims", "", good.times(clock-7200, clock-3600).c("aud", "https://b.example.com"), is("token_expired").n(3600).and("audience_mismatch"))
	b.add("audience and scope", "the claims before authorization", "", good.c("aud", "https://b.example.com").c("scope", "profile"), is("audience_mismatch").and("scope_insufficient"))
	b.add("department and scope", "401 before 403", "", good.c("department", "x").c("scope", "profile"), is("claim_value_mismatch").and("scope_insufficient"))
	b.add("bad times", "in the catalogue's order, not the token's", "", good.c("exp", "tomorrow").cRaw("nbf", "1e300").cRaw("iat", "1772360000000"),
		is("time_claim_bad_type").and("time_claim_milliseconds", "time_claim_out_of_range"))
	b.add("expired, with a bad nbf", "expiry comes before types", "", good.times(clock-7200, clock-3600).c("nbf", "x"), is("token_expired").n(3600).and("time_claim_bad_type"))
	b.add("bad charset and cut", "bytes that no token has are told before its structure", "", authorized("Bearer "+good.String()[:200]+"\u00e9"), is("token_bad_charset"))
	b.add("too large and a placeholder's look", "the size is told first", "", raw("${"+string(bytesOf('A', 300))+"}"), is("credential_too_large").n(47), config("maximum_token_size", 256))
	b.add("cut within a byte, of another issuer", "the encoding is broken, and structure comes first", "", good.c("iss", "https://evil.example.com").cut(1, "1 character cut off"), is("signature_bad_base64"))
	b.add("cut between bytes, of another issuer", "only a key tells that something is missing, and none is looked up", "", good.c("iss", "https://evil.example.com").cut(2+4, "6 characters cut off"), is("issuer_untrusted"))
	b.add("no keys and expired", "without keys nothing is judged", "", worst, is("jwks_connect"), document(federateKeys, connectFault))
	b.add("no keys and alg none", "the header needs no keys", "", good.h("alg", "none"), is("alg_none"), document(federateKeys, connectFault))
	b.add("no keys and another issuer", "nor does the issuer", "", good.c("iss", "https://evil.example.com"), is("issuer_untrusted"), document(federateKeys, connectFault))
}
