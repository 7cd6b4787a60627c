package family

import (
	"encoding/json"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/corpus"
	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

// The issuers.
const (
	federateIssuer  = "https://sso.example.com:9031"
	federateKeys    = federateIssuer + "/pf/JWKS"
	federateManager = federateIssuer + "/ext/oauth/jwks"

	oneEnvironment = "01d89b06-7c52-4a1e-b6a3-5d0f9e2c8b41"
	oneIssuer      = "https://auth.pingone.eu/" + oneEnvironment + "/as"
	oneDiscovery   = oneIssuer + "/.well-known/openid-configuration"
	oneKeys        = oneIssuer + "/jwks"

	amIssuer = "https://am.example.com:443/am/oauth2/realms/root/realms/alpha"
	amKeys   = amIssuer + "/connect/jwk_uri"

	audience = "https://api.example.com/orders"
)

// answers is a document that is always the same JSON.
func answers(text string) corpus.Answer { return corpus.Answer{Body: json.RawMessage(text)} }

// set is a JWKS of JWKs.
func set(jwks ...string) corpus.Answer {
	return answers(`{"keys":[` + strings.Join(jwks, ",") + `]}`)
}

// federateSet is what PingFederate publishes: the active key twice, the pending
// one, other algorithms' keys and one for encryption.
func (b *book) federateSet(more ...string) corpus.Answer {
	const sig = `"sig"`
	var jwks []string
	for _, name := range []string{"federate-rsa", "federate-rsa-next", "federate-rsa-3072", "federate-p256", "federate-p384", "federate-p521", "federate-ed25519"} {
		jwks = append(jwks, b.ring[name].Public("use", sig))
	}
	twin := *b.ring["federate-rsa"]
	twin.Kid += "_RS256"
	jwks = append(jwks, twin.Public("use", sig, "alg", `"RS256"`))
	jwks = append(jwks, b.ring["federate-encryption"].Public("use", `"enc"`))
	return set(append(jwks, more...)...)
}

func federateTrust() object {
	return object{"issuer": federateIssuer, "jwks_uris": list{federateKeys}, "audiences": list{audience}}
}

func oneTrust() object { return object{"issuer": oneIssuer, "audiences": list{"orders.example.com"}} }

func amTrust() object {
	return object{"issuer": amIssuer, "jwks_uris": list{amKeys}, "audiences": list{"orders-app"}}
}

// with adds members to an object.
func with(o object, more object) object {
	m := object{}
	for k, v := range o {
		m[k] = v
	}
	for k, v := range more {
		m[k] = v
	}
	return m
}

// federate trusts PingFederate by its central key set.
func (b *book) federate() corpus.Setup {
	return corpus.Setup{
		Config:    members(object{"issuers": list{federateTrust()}}),
		Documents: map[string][]corpus.Answer{federateKeys: {b.federateSet()}},
	}
}

// one trusts PingOne by discovery.
func (b *book) one() corpus.Setup {
	return corpus.Setup{
		Config: members(object{"issuers": list{oneTrust()}}),
		Documents: map[string][]corpus.Answer{
			oneDiscovery: {answers(forge.JSON(object{"issuer": oneIssuer, "jwks_uri": oneKeys}))},
			oneKeys:      {set(b.ring["one-rsa"].Public("use", `"sig"`))},
		},
	}
}

// am trusts a realm of PingAM.
func (b *book) am() corpus.Setup {
	return corpus.Setup{
		Config: members(object{"issuers": list{amTrust()}}),
		Documents: map[string][]corpus.Answer{
			amKeys: {set(
				b.ring["am-rsa"].Public("use", `"sig"`, "alg", `"RS256"`),
				b.ring["am-p256"].Public("use", `"sig"`, "alg", `"ES256"`),
			)},
		},
	}
}

// both trusts PingFederate and PingOne.
func (b *book) both() corpus.Setup {
	s := b.federate()
	s.Config = members(object{"issuers": list{federateTrust(), oneTrust()}})
	for url, a := range b.one().Documents {
		s.Documents[url] = a
	}
	return s
}

// federateToken is a good token of PingFederate's central token manager.
func (b *book) federateToken() token {
	k := b.ring["federate-rsa"]
	return token{
		key: k, algorithm: "RS256",
		header: forge.Object{}.Set("alg", "RS256").Set("kid", k.Kid).Set("pi.atm", "8dzf").Set("typ", "at+jwt"),
		payload: forge.Object{}.Set("scope", "orders:read orders:write").Set("authorization_details", list{}).
			Set("client_id", "orders-frontend").Set("iss", federateIssuer).Set("iat", clock-60).
			Set("sub", "maria.keller").Set("aud", audience).Set("exp", clock+7140).Set("jti", "rW4cTz9mQx2LkPv7BnYs1a"),
	}
}

// oneToken is a good token that a user got from PingOne.
func (b *book) oneToken() token {
	k := b.ring["one-rsa"]
	return token{
		key: k, algorithm: "RS256",
		header: forge.Object{}.Set("alg", "RS256").Set("kid", k.Kid),
		payload: forge.Object{}.Set("client_id", "83572007-2f6b-4c19-8e5d-7a90b4c3d216").Set("iss", oneIssuer).
			Set("jti", "46ea24cd-90b1-4d7f-a3c8-e5f601729384").Set("iat", clock-60).Set("exp", clock+3540).
			Set("aud", list{"orders.example.com"}).Set("scope", "openid profile email read").
			Set("sub", "1aee74ae-3c8d-4b27-9f10-6d5e8a2b7c49").Set("sid", "17698419-e0d4-4f3a-b1c2-95867a4d3e20").
			Set("auth_time", clock-62).Set("acr", "Single_Factor").Set("env", oneEnvironment).
			Set("org", "97ba44f2-6e1d-4c85-a0b7-3f92d8c5e164"),
	}
}

// amToken is a good client-based access token of PingAM.
func (b *book) amToken() token {
	k := b.ring["am-rsa"]
	return token{
		key: k, algorithm: "RS256",
		header: forge.Object{}.Set("typ", "JWT").Set("kid", k.Kid).Set("alg", "RS256"),
		payload: forge.Object{}.Set("sub", "445957f9-8d20-4e6b-97c1-b3a5f0e2d648").Set("cts", "OAUTH2_STATELESS_GRANT").
			Set("auth_level", 3).Set("auditTrackingId", "c9611769-5b3e-4a02-8d7f-1e94c6b0a253-297791").
			Set("subname", "445957f9-8d20-4e6b-97c1-b3a5f0e2d648").Set("iss", amIssuer).
			Set("tokenName", "access_token").Set("token_type", "Bearer").Set("authGrantId", "fpO7HNZXq2kVbT5wMs9yJd3aLcE").
			Set("client_id", "orders-app").Set("aud", "orders-app").Set("nbf", clock-60).
			Set("grant_type", "authorization_code").Set("scope", list{"address", "openid", "orders:read"}).
			Set("auth_time", clock-60).Set("realm", "/alpha").Set("exp", clock+3540).Set("iat", clock-60).
			Set("expires_in", 3600).Set("jti", "XSmy3alKp8TqWd5vRz0cNb7hUeI"),
	}
}
