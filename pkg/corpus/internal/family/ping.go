package family

import "kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"

func pingFederate(b *book) {
	s := b.managers()
	s.Config = members(object{"issuers": list{with(federateTrust(), object{"jwks_uris": list{federateKeys, federateManager}, "accept_missing_issuer": true})}})
	b.under("pingfederate, two access token managers", s)
	central, manager := b.federateToken(), b.managerToken()
	const defaults = "PingFederate: defaults of a JWT access token manager"

	b.add("central signing key", "the shape of a current release", "PingFederate 12", central, passes().upstream("X-Authenticated-Userid", "maria.keller"))
	b.add("signing key of the manager", "published under /ext only", "PingFederate: JWKS Endpoint Path", manager, passes())
	b.add("no iss, no kid, no typ", "what an access token manager writes when nothing is set", defaults, central.noC("iss").noH("kid", "typ", "pi.atm"), passes())
	b.add("no iss, manager's key", "keys of both sets are the issuer's", defaults, manager.noC("iss").noH("kid", "typ"), passes())
	b.add("no aud", "the audience is empty by default", defaults, central.noC("aud"), is("audience_missing"))
	b.add("scope as an array", "Space Delimit Scope Values off", defaults, central.c("scope", list{"orders:read", "orders:write"}), passes(), config("scopes_required", list{"orders:write"}))
	b.add("another name for the client", "Client ID Claim Name", "PingFederate", central.noC("client_id").c("client_id_name", "orders-frontend"), passes(), config("upstream_headers", object{"X-Client": "client_id_name"}))
	b.add("token exchange", "act says who acts for whom", "RFC 8693 4.1", central.c("act", object{"sub": "perf-agent-3"}), passes())
	b.add("ES256 by the central key", "JWS Algorithm of the manager", "PingFederate", central.by(b.ring["federate-p256"], "ES256"), passes())
	b.add("key that was published twice", "a kid per algorithm", "PingFederate kid suffix _RS256", central.h("kid", central.key.Kid+"_RS256"), passes())
	b.add("pending key", "published before it signs", "PingFederate dynamic keys", central.by(b.ring["federate-rsa-next"], "RS256"), passes())
	b.add("key of a manager that is not published", "Publish Keys is off and /ext is not configured", "PingFederate: Publish Keys to the PingFederate JWKS Endpoint", manager, is("kid_unknown"), config("issuers", list{federateTrust()}))
	b.add("symmetric key", "JWS Algorithm HS256", "PingFederate symmetric keys", central.h("alg", "HS256").h("kid", "MAIN").forged("signed with a secret", hmacOf("s3cr3t-of-the-token-manager-12345")), is("alg_symmetric_forbidden"))
	b.add("reference token", "Internally Managed Reference Tokens", "PingFederate reference token", raw("Zx4Rt7Yq2Lm9Kp1Wv6Bn3Cs8Hd5J"), is("token_opaque"))
	b.add("encrypted token", "JWE Algorithm of the manager", "PingFederate", raw("eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIiwia2lkIjoiSldFIiwicGkuYXRtIjoiNSJ9..Zm9vYmFyZm9vYmFyZm9v.AAECAwQFBgcICQoLDA0ODw.EBESExQVFhcYGRobHB0eHw"), is("token_encrypted"))
	b.add("ID token", "signed by the same key, for the client", "PingFederate OpenID Connect policy", central.noH("typ", "pi.atm").noC("scope", "client_id", "authorization_details").c("aud", "orders-frontend").c("nonce", "x7Kd").c("at_hash", "77QmUPtjPfzWtF2AnpK9RQ").c("pi.sri", "b1Yc8TqLzF"), is("token_is_id_token").and("audience_mismatch"))
	b.add("of another environment", "the same shape, another host", "", central.c("iss", "https://sso-test.example.com:9031").secretly(b.ring["stranger-rsa"]), is("issuer_untrusted"))
	b.add("iss with :443", "Base URL behind a load balancer", "PingFederate base URL", central.c("iss", "https://sso.example.com:443"), is("issuer_near_miss"))
}

func pingOne(b *book) {
	b.under("pingone", b.one())
	user := b.oneToken()
	client := user.noC("sub", "sid", "auth_time", "acr").c("scope", "orders:read").c("p1.rid", "46ea24cd-90b1-4d7f-a3c8-e5f601729384")

	b.add("a user's token", "sub, sid, acr, and aud always an array", "PingOne", user, passes().upstream("X-Authenticated-Userid", "1aee74ae-3c8d-4b27-9f10-6d5e8a2b7c49"))
	b.add("a client's token", "no sub, p1.rid in its place", "PingOne client_credentials", client, passes().upstream("X-Authenticated-Userid", ""))
	b.add("typ at+jwt", "PingOne will always write it", "PingOne, announced for 2027", user.h("typ", "at+jwt"), passes())
	b.add("with x5t", "optional there", "PingOne", user.h("x5t", "Yk8vTq1nZs5cLw3xRb7dHf0jMgE"), passes())
	b.add("for PingOne's own API", "the wrong resource was asked for", "PingOne: aud https://api.pingone.com", user.c("aud", list{"https://api.pingone.com"}), is("audience_mismatch"))
	b.add("of another environment", "the environment is in the issuer", "PingOne", user.c("iss", "https://auth.pingone.eu/5d0f9e2c-b6a3-4a1e-7c52-01d89b068b41/as"), is("issuer_untrusted"))
	b.add("of another region", "so is the region", "PingOne", user.c("iss", "https://auth.pingone.com/"+oneEnvironment+"/as"), is("issuer_untrusted"))
	b.add("with a slash at the end", "copied from a browser", "PingOne", user.c("iss", oneIssuer+"/"), is("issuer_near_miss"))
	b.add("with the environment in upper case", "copied from a console", "PingOne", user.c("iss", "https://auth.pingone.eu/01D89B06-7C52-4A1E-B6A3-5D0F9E2C8B41/as"), is("issuer_near_miss"))
	b.add("act as a text", "a mapping that went wrong is nobody's business here", "PingOne: act mis-mapped", user.c("act", `{"sub":"agent"}`), passes())
	b.add("ID token", "a nonce and at_hash, aud the client", "PingOne", user.noC("scope").c("aud", "83572007-2f6b-4c19-8e5d-7a90b4c3d216").c("nonce", "x7Kd").c("at_hash", "77QmUPtjPfzWtF2AnpK9RQ"), is("token_is_id_token").and("audience_mismatch"))
	b.add("expired after its hour", "an hour and 312 seconds ago", "PingOne lifetime 3600 s", user.times(clock-3912, clock-312), is("token_expired").n(312))
	b.add("p1.rid demanded", "a name with a dot", "PingOne p1.rid", client, passes(), config("required_claims", list{object{"name": `p1\.rid`, "values": list{}}}))
	b.add("without scopes", "no scope claim at all", "PingOne", user.noC("scope"), is("scope_claim_missing").scope("orders:read"), config("scopes_required", list{"orders:read"}))
	b.add("a custom domain", "the issuer is the one at which the token was asked for", "PingOne custom domains", user.c("iss", "https://login.example.com/as"), passes(),
		config("issuers", list{oneTrust(), object{"issuer": "https://login.example.com/as", "jwks_uris": list{oneKeys}, "audiences": list{"orders.example.com"}}}))
}

func pingAM(b *book) {
	b.under("pingam", b.am())
	user := b.amToken()
	iss := func(s string) token { return user.c("iss", s) }
	near := is("issuer_near_miss")

	b.add("client-based token", "scope an array, aud the client, tokenName access_token", "PingAM client-based OAuth 2.0 tokens", user, passes().upstream("X-Authenticated-Userid", "445957f9-8d20-4e6b-97c1-b3a5f0e2d648"))
	b.add("a client's own token", "a typed subject", "PingAM client_credentials", user.c("sub", "(age!orders-app)").c("subname", "orders-app").c("grant_type", "client_credentials"), passes().upstream("X-Authenticated-Userid", "(age!orders-app)"))
	b.add("ES256", "its keys name their algorithms", "PingAM", user.by(b.ring["am-p256"], "ES256"), passes())
	b.add("key bound to RS256, token PS256", "its keys name their algorithms", "PingAM", user.by(b.ring["am-rsa"], "PS256"), is("alg_key_mismatch"))
	b.add("scopes of the array", "each element is a scope", "PingAM", user, passes(), config("scopes_required", list{"orders:read openid"}))
	b.add("without the scope", "no element of the array equals it", "PingAM", user, is("scope_insufficient").scope("orders:write"), config("scopes_required", list{"orders:write"}))
	b.add("issuer without :443", "the base URL is made of the request", "PingAM base URL source", iss("https://am.example.com/am/oauth2/realms/root/realms/alpha"), near)
	b.add("issuer over http", "TLS ends at the load balancer", "PingAM base URL source", iss("http://am.example.com:80/am/oauth2/realms/root/realms/alpha"), near)
	b.add("short form of the realm", "the same realm, written otherwise", "PingAM realm paths", iss("https://am.example.com:443/am/oauth2/alpha"), near)
	b.add("another realm", "that is another issuer", "PingAM realm paths", iss("https://am.example.com:443/am/oauth2/realms/root/realms/bravo"), is("issuer_untrusted"))
	b.add("the top realm", "that is another issuer too", "PingAM realm paths", iss("https://am.example.com:443/am/oauth2"), is("issuer_untrusted"))
	b.add("another host", "AM behind another name", "PingAM base URL source", iss("https://am-internal.example.com:443/am/oauth2/realms/root/realms/alpha"), is("issuer_untrusted"))
	b.add("ID token", "tokenName says so", "PingAM tokenName", user.noC("scope", "token_type").c("tokenName", "id_token").c("at_hash", "77QmUPtjPfzWtF2AnpK9RQ"), is("token_is_id_token"))
	b.add("refresh token", "tokenName says so", "PingAM tokenName", user.c("tokenName", "refresh_token"), is("token_wrong_kind"))
	b.add("access token with a nonce", "what calls itself an access token is believed", "PingAM tokenName", user.noC("scope").c("nonce", "x7Kd"), passes())
	b.add("server-side token", "the default of PingAM", "PingAM server-side tokens", raw("fpO7HNZXq2kVbT5wMs9yJd3aLcE"), is("token_opaque"))
	b.add("for another client", "aud is the client's name", "PingAM", user.c("aud", "reports-app").c("client_id", "reports-app"), is("audience_mismatch"))
	b.add("not valid before", "nbf is always there; the server's clock is ahead", "PingAM", user.c("nbf", clock+90).times(clock-20, clock+3580), is("token_not_yet_valid").n(90))
	b.add("issued ahead", "nbf and iat move together", "PingAM", user.c("nbf", clock+90).times(clock+90, clock+3690), is("token_not_yet_valid").n(90).and("token_issued_in_future"))
	b.add("signed by PingFederate", "another product's key is not AM's", "", user.by(b.ring["federate-rsa"], "RS256"), is("kid_unknown"))
}

// hmacOf signs with a shared secret.
func hmacOf(secret string) func(string) []byte {
	return func(input string) []byte { return forge.HMAC([]byte(secret), input) }
}
