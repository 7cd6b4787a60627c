package family

func authorization(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()
	scopes := func(v any) token { return good.c("scope", v) }
	need := func(entries ...any) change { return config("scopes_required", list(entries)) }
	const rfc = "RFC 6750 3.1"

	b.add("scope there", "among others", rfc, good, passes(), need("orders:read"))
	b.add("scope absent", "403: the token is good for something else", rfc, scopes("profile"), is("scope_insufficient").scope("orders:read"), need("orders:read"))
	b.add("both scopes of an entry", "an entry needs all of its words", rfc, good, passes(), need("orders:write orders:read"))
	b.add("one scope of two", "an entry needs all of its words", rfc, scopes("orders:read"), is("scope_insufficient").scope("orders:read orders:write"), need("orders:read orders:write"))
	b.add("the second entry", "one entry is enough", rfc, scopes("admin"), passes(), need("orders:read orders:write", "admin"))
	b.add("half of each entry", "words of two entries make none", rfc, scopes("a c"), is("scope_insufficient").scope("a b"), need("a b", "c d"))
	b.add("scope as an array", "PingFederate and PingAM write it so", "PingFederate: Space Delimit Scope Values off", scopes(list{"openid", "orders:read"}), passes(), need("orders:read"))
	b.add("scope array without it", "no element equals the scope", rfc, scopes(list{"openid"}), is("scope_insufficient").scope("orders:read"), need("orders:read"))
	b.add("a text in the array is not taken apart", "an element is one scope", "", scopes(list{"openid orders:read"}), is("scope_insufficient").scope("orders:read"), need("orders:read"))
	b.add("scope in other case", "scopes have case", "RFC 6749 3.3", scopes("Orders:Read"), is("scope_insufficient").scope("orders:read"), need("orders:read"))
	b.add("scope as a prefix", "no prefix counts", "RFC 6749 3.3", scopes("orders:readonly"), is("scope_insufficient").scope("orders:read"), need("orders:read"))
	b.add("several spaces in the scope", "empty words between spaces are none", "RFC 6749 3.3", scopes("openid   orders:read "), passes(), need("orders:read"))
	b.add("a tab is no separator", "only the space is one", "RFC 6749 3.3", scopes("openid\torders:read"), is("scope_insufficient").scope("orders:read"), need("orders:read"))
	b.add("scope empty", "the claim is there and grants nothing", rfc, scopes(""), is("scope_insufficient").scope("orders:read"), need("orders:read"))
	b.add("scope an empty array", "the claim is there and grants nothing", rfc, scopes(list{}), is("scope_insufficient").scope("orders:read"), need("orders:read"))
	b.add("scope a number", "the claim is there and grants nothing", rfc, scopes(7), is("scope_insufficient").scope("orders:read"), need("orders:read"))
	b.add("no scope claim", "another thing than a scope too few", rfc, good.noC("scope"), is("scope_claim_missing").scope("orders:read"), need("orders:read"))
	b.add("scope null", "null counts as absent", rfc, scopes(nil), is("scope_claim_missing").scope("orders:read"), need("orders:read"))
	b.add("scp in place of scope", "looked at when scope is absent", "Microsoft, Okta", good.noC("scope").c("scp", "orders:read"), passes(), need("orders:read"))
	b.add("scp beside scope", "the first claim that is there counts", "", scopes("profile").c("scp", "orders:read"), is("scope_insufficient").scope("orders:read"), need("orders:read"))
	b.add("a claim of one's own", "scopes_claim", "", good.noC("scope").c("permissions", list{"orders:read"}), passes(), need("orders:read"), config("scopes_claim", list{"permissions"}))
	b.add("no scopes needed", "nothing is demanded", "", good.noC("scope"), passes())

	roles := config("roles_required", list{"admin"})
	b.add("role there", "among others", "", good.c("roles", list{"user", "admin"}), passes(), roles)
	b.add("role absent", "403: another role does not help", rfc, good.c("roles", list{"user"}), is("role_insufficient"), roles)
	b.add("no roles claim", "one code serves both", rfc, good, is("role_insufficient"), roles)
	b.add("role inside an object", "not a list of words", rfc, good.c("roles", list{object{"name": "admin"}}), is("role_insufficient"), roles)
	b.add("role in a text", "words of a text count each", "", good.c("roles", "user admin"), passes(), roles)
	b.add("role part of a longer one", "a role with a space is one role", "", good.c("roles", list{"read admin"}), is("role_insufficient"), roles)
	b.add("roles at a path", "roles_claim", "Keycloak", good.c("realm_access", object{"roles": list{"admin"}}), passes(), roles, config("roles_claim", list{"realm_access.roles"}))

	groups := config("groups_required", list{"sales", "support"})
	b.add("group there", "either is enough", "", good.c("groups", list{"support"}), passes(), groups)
	b.add("group absent", "403: another group does not help", rfc, good.c("groups", list{"research"}), is("group_insufficient"), groups)
	b.add("no groups claim", "one code serves both", rfc, good, is("group_insufficient"), groups)
	b.add("one group as a text", "a text is a list of one", "", good.c("groups", "sales"), passes(), groups)
	b.add("group as a distinguished name", "compared as a whole", "Active Directory", good.c("groups", list{"CN=sales,OU=Groups,DC=example,DC=com"}), is("group_insufficient"), groups)

	b.add("scope, role and group absent", "scopes first, then roles, then groups", rfc, scopes("profile"), is("scope_insufficient").scope("orders:read").and("role_insufficient", "group_insufficient"), need("orders:read"), roles, groups)
	b.add("audience wrong and scope absent", "401 before 403: whose token it is comes first", rfc, scopes("profile").c("aud", "https://b.example.com"), is("audience_mismatch").and("scope_insufficient"), need("orders:read"))
	b.add("expired and scope absent", "401 before 403", rfc, scopes("profile").times(clock-7200, clock-3600), is("token_expired").n(3600).and("scope_insufficient"), need("orders:read"))
}
