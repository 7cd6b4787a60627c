package family

func kind(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()
	typed := func(typ any) token { return good.h("typ", typ) }
	plain := good.noH("typ")

	for _, w := range []struct{ typ, source string }{
		{"logout+jwt", "OpenID Connect Back-Channel Logout 1.0 2.4"}, {"dpop+jwt", "RFC 9449 4.2"}, {"secevent+jwt", "RFC 8417 2.3"},
		{"token-introspection+jwt", "RFC 9701 5"}, {"oauth-authz-req+jwt", "RFC 9101 10.8"}, {"application/logout+jwt", "RFC 7515 4.1.9"}, {"LOGOUT+JWT", "RFC 2045 5.1"},
	} {
		b.add("typ "+w.typ, "a token of that kind grants no access", w.source, typed(w.typ), is("token_wrong_kind"))
	}
	for _, typ := range []string{"vc+sd-jwt", "JOSE", "at+jwt2", "at jwt", ""} {
		b.add("typ "+typ+", not accepted", "not among the accepted types", "RFC 9068 4", typed(typ), is("typ_not_allowed"))
	}
	b.add("typ a number", "a type must be a name", "RFC 7515 4.1.9", typed(1), is("typ_not_allowed"))
	strict := config("issuers", list{with(federateTrust(), object{"token_types": list{"at+jwt"}})})
	b.add("typ JWT where at+jwt is demanded", "the issuer's list", "RFC 9068 4", typed("JWT"), is("typ_not_allowed"), strict)
	b.add("no typ where at+jwt is the only type", "an absent type is another question", "RFC 9068 4", plain, passes(), strict)
	b.add("no typ where one is demanded", "require_token_type", "RFC 9068 4", plain, is("typ_not_allowed"), config("issuers", list{with(federateTrust(), object{"require_token_type": true})}))

	id := is("token_is_id_token")
	b.add("at_hash", "only an ID token has it", "OpenID Connect Core 3.1.3.6", plain.c("at_hash", "77QmUPtjPfzWtF2AnpK9RQ"), id)
	b.add("c_hash", "only an ID token has it", "OpenID Connect Core 3.3.2.11", plain.c("c_hash", "LDktKdoQak3Pk0cnXxCltA"), id)
	b.add("nonce and no scopes", "a nonce is for the client", "OpenID Connect Core 2", plain.noC("scope").c("nonce", "n-0S6_WzA2Mj"), id)
	b.add("nonce and scope", "an access token may have a nonce", "", plain.c("nonce", "n-0S6_WzA2Mj"), passes())
	b.add("nonce and scp", "scopes by their other name", "", plain.noC("scope").c("scp", list{"orders:read"}).c("nonce", "n-0S6_WzA2Mj"), passes())
	b.add("at_hash with typ at+jwt", "what calls itself an access token is believed", "RFC 9068 2.1", good.c("at_hash", "77QmUPtjPfzWtF2AnpK9RQ"), passes())
	b.add("at_hash with typ JWT", "JWT says nothing about the kind", "", typed("JWT").c("at_hash", "77QmUPtjPfzWtF2AnpK9RQ"), id)
	b.add("ID token for the client", "what was sent explains more than whom it is for", "the commonest mix-up", plain.noC("scope").c("nonce", "n-0S6_WzA2Mj").c("aud", "orders-frontend"), id.and("audience_mismatch"))
	b.add("expired ID token", "its kind comes before its age", "", plain.c("at_hash", "77QmUPtjPfzWtF2AnpK9RQ").expires(clock-3600).noC("iat"), id.and("token_expired"))

	b.add("logout event", "known by its event, whatever its type", "OpenID Connect Back-Channel Logout 1.0 2.4", plain.c("events", object{"http://schemas.openid.net/event/backchannel-logout": object{}}), is("token_wrong_kind"))
	b.add("refresh token", "known by its claim", "Keycloak", plain.c("typ", "Refresh"), is("token_wrong_kind"))
	b.add("token_use refresh", "known by its claim", "Amazon Cognito", plain.c("token_use", "refresh"), is("token_wrong_kind"))
	b.add("claim typ Bearer", "an access token says so", "Keycloak", plain.c("typ", "Bearer"), passes())
}
