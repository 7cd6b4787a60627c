package family

func claim(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()
	aud := func(v any) token { return good.c("aud", v) }

	const rfc = "RFC 7519 4.1.3"
	b.add("no aud", "PingFederate sends none unless it is set", "PingFederate: Audience Claim Value", good.noC("aud"), is("audience_missing"))
	b.add("aud an empty array", "nobody is meant", rfc, aud(list{}), is("audience_missing"))
	b.add("aud of another API", "the token was issued for something else", rfc, aud("https://api.example.com/invoices"), is("audience_mismatch"))
	b.add("aud an array of others", "none of them is accepted", rfc, aud(list{"https://a.example.com", "https://b.example.com"}), is("audience_mismatch"))
	b.add("aud empty", "a name, and not ours", rfc, aud(""), is("audience_mismatch"))
	b.add("aud a prefix of ours", "no prefix counts", rfc, aud("https://api.example.com/"), is("audience_mismatch"))
	b.add("aud longer than ours", "no prefix counts", rfc, aud(audience+"/v2"), is("audience_mismatch"))
	b.add("aud in other case", "audiences have case", rfc, aud("HTTPS://api.example.com/orders"), is("audience_mismatch"))
	b.add("aud with a slash more", "compared byte for byte", rfc, aud(audience+"/"), is("audience_mismatch"))
	b.add("aud two names in a string", "a string is one name", rfc, aud(audience+" https://b.example.com"), is("audience_mismatch"))
	b.add("aud a number", "an audience is a name", rfc, aud(17), is("audience_bad_type"))
	b.add("aud null", "present, and no name", rfc, aud(nil), is("audience_bad_type"))
	b.add("aud true", "an audience is a name", rfc, aud(true), is("audience_bad_type"))
	b.add("aud an object", "an audience is a name, not something that holds one", rfc, aud(object{"id": audience}), is("audience_bad_type"))
	b.add("aud an array with a number", "one bad element spoils it, though ours is there", rfc, aud(list{audience, 17}), is("audience_bad_type"))
	b.add("aud an array in an array", "an element must be a name", rfc, aud(list{list{audience}}), is("audience_bad_type"))
	off := config("issuers", list{object{"issuer": federateIssuer, "jwks_uris": list{federateKeys}, "skip_audience_check": true}})
	b.add("no aud where it is not checked", "absence is not looked at either", "skip_audience_check", good.noC("aud"), passes(), off)
	b.add("aud a number where it is not checked", "nor is its type", "skip_audience_check", aud(17), passes(), off)
	several := config("issuers", list{with(federateTrust(), object{"audiences": list{"https://api.example.com/invoices", audience}})})
	b.add("one of several accepted audiences", "any of them", "audiences", good, passes(), several)

	require := func(rules ...any) change { return config("required_claims", list(rules)) }
	rule := func(name string, values ...any) object { return object{"name": name, "values": list(values)} }
	match := func(name, expression string) object { return object{"name": name, "match": expression} }

	b.add("required, absent", "the claim is not in the token", "required_claims", good, is("claim_missing"), require(rule("department")))
	b.add("required, null", "null says nothing", "required_claims", good.c("department", nil), is("claim_missing"), require(rule("department")))
	b.add("required, there", "presence is enough without values", "required_claims", good.c("department", ""), passes(), require(rule("department")))
	b.add("required, an object", "presence is enough without values", "required_claims", good.c("department", object{}), passes(), require(rule("department")))
	b.add("required value", "one of several", "required_claims", good.c("department", "sales"), passes(), require(rule("department", "support", "sales")))
	b.add("another value", "none of the accepted values", "required_claims", good.c("department", "research"), is("claim_value_mismatch"), require(rule("department", "support", "sales")))
	b.add("value in other case", "values have case", "required_claims", good.c("department", "Sales"), is("claim_value_mismatch"), require(rule("department", "sales")))
	b.add("value longer", "no prefix counts", "required_claims", good.c("department", "sales-emea"), is("claim_value_mismatch"), require(rule("department", "sales")))
	b.add("value in an array", "one element is enough", "required_claims", good.c("department", list{"research", "sales"}), passes(), require(rule("department", "sales")))
	b.add("value not in the array", "no element is accepted", "required_claims", good.c("department", list{"research"}), is("claim_value_mismatch"), require(rule("department", "sales")))
	b.add("an empty array", "it has no value", "required_claims", good.c("department", list{}), is("claim_value_mismatch"), require(rule("department", "sales")))
	b.add("a number", "compared by its digits", "required_claims", good.c("level", 3), passes(), require(rule("level", "3")))
	b.add("a number written otherwise", "3.0 is other text than 3", "required_claims", good.cRaw("level", "3.0"), is("claim_value_mismatch"), require(rule("level", "3")))
	b.add("a large number", "no digit is lost", "numbers beyond 2^53", good.cRaw("account", "9007199254740993"), passes(), require(rule("account", "9007199254740993")))
	b.add("its neighbour", "what a float would take for it", "numbers beyond 2^53", good.cRaw("account", "9007199254740992"), is("claim_value_mismatch"), require(rule("account", "9007199254740993")))
	b.add("a boolean", "true and false as text", "required_claims", good.c("verified", true), passes(), require(rule("verified", "true")))
	b.add("the other boolean", "false is a value, and not the accepted one", "required_claims", good.c("verified", false), is("claim_value_mismatch"), require(rule("verified", "true")))
	b.add("an object where a value is required", "it has no text", "required_claims", good.c("department", object{"name": "sales"}), is("claim_bad_type"), require(rule("department", "sales")))
	b.add("an array of objects", "nor do these", "required_claims", good.c("department", list{object{"name": "sales"}}), is("claim_bad_type"), require(rule("department", "sales")))
	b.add("an array with one text among objects", "the text counts", "required_claims", good.c("department", list{object{}, "sales"}), passes(), require(rule("department", "sales")))

	b.add("a path", "names joined by dots", "Keycloak realm_access.roles", good.c("realm_access", object{"roles": list{"admin"}}), passes(), require(rule("realm_access.roles", "admin")))
	b.add("a path that ends early", "the last name is missing", "required_claims", good.c("realm_access", object{}), is("claim_missing"), require(rule("realm_access.roles", "admin")))
	b.add("a path through a text", "a text has no members", "required_claims", good.c("realm_access", "roles"), is("claim_missing"), require(rule("realm_access.roles", "admin")))
	b.add("a name with a dot", "escaped in the path", "PingOne p1.rid", good.c("p1.region", "EU"), passes(), require(rule(`p1\.region`, "EU")))
	b.add("a name with a dot is no path", "the same name without an escape is looked for inside", "PingOne p1.rid", good.c("p1.region", "EU"), is("claim_missing"), require(rule("p1.region", "EU")))
	b.add("a URL as a name", "namespaced claims", "OpenID Connect Core 5.1.2", good.c("https://example.com/tenant", "acme"), passes(), require(rule(`https://example\.com/tenant`, "acme")))

	b.add("a pattern that matches", "anywhere in the text", "required_claims", good.c("email", "maria@example.com"), passes(), require(match("email", "@example\\.com$")))
	b.add("a pattern that does not", "no match anywhere in the text", "required_claims", good.c("email", "maria@example.org"), is("claim_pattern_mismatch"), require(match("email", "@example\\.com$")))
	b.add("a pattern and a line break", "$ is the end of the text, not of a line", "RE2", good.c("email", "maria@example.com\nx"), is("claim_pattern_mismatch"), require(match("email", "@example\\.com$")))
	b.add("a pattern on an array", "one element is enough", "required_claims", good.c("email", list{"x@example.org", "maria@example.com"}), passes(), require(match("email", "^maria@")))
	b.add("a pattern on an object", "an object has no text to match", "required_claims", good.c("email", object{}), is("claim_bad_type"), require(match("email", "^maria@")))
	b.add("a pattern for backtrackers", "RE2 takes time in proportion to the text", "catastrophic backtracking", good.c("email", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), is("claim_pattern_mismatch"), require(match("email", "^(a+)+$")))
	b.add("value and pattern on different elements", "one text must satisfy both", "required_claims", good.c("role", list{"admin", "x-owner"}), is("claim_pattern_mismatch"), require(object{"name": "role", "values": list{"admin"}, "match": "^x-"}))

	b.add("two claims missing", "all are collected", "required_claims", good, is("claim_missing").and("claim_missing"), require(rule("department"), rule("region")))
	b.add("audience and claims wrong", "the audience comes first, then by the catalogue", "required_claims", aud("https://b.example.com").c("department", "x"), is("audience_mismatch").and("claim_missing", "claim_value_mismatch"), require(rule("department", "sales"), rule("region")))
}
