package access_test

import (
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// TestPingFederateAtItsBarest: an access token manager may leave out issuer,
// audience, key ID and type, and write scopes as a list.
func TestPingFederateAtItsBarest(t *testing.T) {
	b := newBench(t, ping.Options{OmitIssuer: true, ScopeAsArray: true})
	bare := func(c claims) *gateway {
		return bearer(b.issuer.Token(ping.WithoutKid(), ping.Header(claims{"typ": nil}), ping.Claims(c)))
	}
	trusting := b.issuers(map[string]any{"accept_missing_issuer": true, "skip_audience_check": true, "audiences": nil})
	trusting["scopes_required"] = []any{"read write"}
	strict := func(over map[string]any) map[string]any {
		over["accept_missing_issuer"] = true
		return b.issuers(over)
	}
	two := b.issuers(map[string]any{})
	two["issuers"] = append(two["issuers"].([]any), map[string]any{"issuer": "https://b.example", "jwks_uris": []any{b.issuer.JWKSURL()}, "skip_audience_check": true})

	for name, h := range map[string]hostile{
		"trusted":                   {send: bare(claims{"aud": nil}), over: trusting},
		"expired":                   {send: bare(claims{"aud": nil, "exp": noon.Unix() - 312, "iat": noon.Unix() - 7512}), over: trusting, code: "token_expired", by: 312},
		"without the second scope":  {send: bare(claims{"aud": nil, "scope": []any{"read"}}), over: trusting, code: "scope_insufficient"},
		"audience needed":           {send: bare(claims{"aud": nil}), over: strict(map[string]any{}), code: "audience_missing"},
		"type needed":               {send: bare(nil), over: strict(map[string]any{"require_token_type": true}), code: "typ_not_allowed"},
		"key ID needed":             {send: bare(nil), over: strict(map[string]any{"require_kid": true}), code: "kid_missing"},
		"issuer needed":             {send: bare(nil), over: b.issuers(nil), code: "issuer_missing"},
		"one of two issuers, which": {send: bare(nil), over: two, code: "issuer_missing"},
		"tampered":                  {send: bearer(ping.Tamper(b.issuer.Token(ping.WithoutKid()))), over: trusting, code: "signature_invalid"},
		"HS256 of its secret":       {send: bearer(ping.AlgHS256(b.issuer.Token(), []byte("s"))), over: trusting, code: "alg_symmetric_forbidden"},
	} {
		b.try(name, h)
	}
}

func TestPingAMAndPingOne(t *testing.T) {
	am := newBench(t, ping.Options{Product: ping.PingAM})
	client := am.issuers(map[string]any{"audiences": []any{"free-client"}})
	for name, h := range map[string]hostile{
		"its audience is the client": {send: bearer(am.issuer.Token()), over: client},
		"another client":             {send: bearer(am.issuer.Token(ping.ForClient("other"))), over: client, code: "audience_mismatch"},
		"scope is a list":            {send: bearer(am.issuer.Token()), over: merged(client, map[string]any{"scopes_required": []any{"read"}})},
		"ID token":                   {send: bearer(am.issuer.Token(ping.IDToken())), over: client, code: "token_is_id_token"},
		"refresh token":              {send: bearer(am.issuer.Token(ping.Claims(claims{"tokenName": "refresh_token"}))), over: client, code: "token_wrong_kind"},
		"nbf ahead":                  {send: bearer(am.issuer.Token(ping.Claims(claims{"nbf": noon.Unix() + 31}))), over: client, code: "token_not_yet_valid", by: 31},
		"a session id for a token":   {send: bearer("AQIC5wM2LY4SfczntBbXVEAoECbqMY3J4NW3byH6bwgkGE.*AAJTSQ"), over: client, code: "token_bad_charset"},
	} {
		am.try(name, h)
	}
	one := newBench(t, ping.Options{Product: ping.PingOne})
	for name, h := range map[string]hostile{
		"today":                        {send: bearer(one.issuer.Token())},
		"from 2027 on":                 {send: bearer(one.issuer.Token(ping.Header(claims{"typ": "at+jwt"})))},
		"for the API of PingOne":       {send: bearer(one.issuer.Token(ping.Audience("https://api.pingone.com"))), code: "audience_mismatch"},
		"ID token":                     {send: bearer(one.issuer.Token(ping.IDToken(), ping.Subject("alice"))), code: "token_is_id_token"},
		"another environment's issuer": {send: bearer(one.issuer.Token(ping.IssuedBy(one.issuer.BaseURL() + "/00000000-0000-4000-8000-000000000000/as"))), code: "issuer_untrusted"},
	} {
		one.try(name, h)
	}
}

func merged(maps ...map[string]any) map[string]any {
	all := map[string]any{}
	for _, m := range maps {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}
