package token_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// shape is what one Ping product issues, and the configuration that takes it.
type shape struct {
	name           string
	product        token.Product
	header, claims obj
	configure      func(*token.Rules)
}

const (
	oneIssuer = "https://auth.pingone.eu/01d89b06-0000-4000-8000-000000000000/as"
	amIssuer  = "https://am.example:443/am/oauth2/alpha"
)

func forIssuer(iss, aud string) func(*token.Rules) {
	return func(r *token.Rules) {
		r.Issuers[0].Issuer, r.Issuers[0].Audiences = iss, []string{aud}
		r.Scopes = token.Requirement{Required: []string{"read"}, Claims: [][]string{{"scope"}, {"scp"}}}
	}
}

var shapes = []shape{
	{
		"PingFederate with a central key", token.PingFederate,
		obj{"alg": "RS256", "kid": "ejOM-MOWkc272nB1UwDyUGPasY4_RS256", "pi.atm": "8dzf", "typ": "at+jwt"},
		obj{"scope": "read write", "authorization_details": []any{}, "client_id": "app", "iss": "https://pf.example", "iat": seconds(-5), "sub": "u", "aud": "https://api.example", "act": obj{"sub": "app"}, "exp": seconds(300)},
		forIssuer("https://pf.example", "https://api.example"),
	},
	{
		"PingFederate's default access token manager", token.PingFederate,
		obj{"alg": "RS256", "pi.atm": "5", "x5t": "abc"},
		obj{"scope": []string{"read"}, "client_id_name": "app", "exp": seconds(7200)},
		func(r *token.Rules) {
			forIssuer("https://pf.example", "")(r)
			r.Issuers[0].AcceptMissingIssuer, r.Issuers[0].SkipAudience = true, true
		},
	},
	{
		"PingOne for a client", token.PingOne,
		obj{"alg": "RS256", "kid": "2f1c", "typ": "at+jwt", "x5t": "abc"},
		obj{"client_id": "0b412e8b", "iss": oneIssuer, "jti": "c7387ad7", "iat": seconds(-5), "exp": seconds(3595), "aud": []string{"api.demo"}, "scope": "read", "env": "01d89b06", "org": "97ba44f2", "p1.rid": "c7387ad7"},
		forIssuer(oneIssuer, "api.demo"),
	},
	{
		"PingOne for a user, without typ", token.PingOne,
		obj{"alg": "RS256", "kid": "2f1c"},
		obj{"client_id": "83572007", "iss": "https://login.example/as", "jti": "46ea24cd", "iat": seconds(-5), "exp": seconds(3595), "aud": []string{"api.demo"}, "scope": "openid profile read", "sub": "1aee74ae", "sid": "17698419", "auth_time": seconds(-6), "acr": "Login", "may_act": obj{"sub": "0b412e8b"}, "env": "01d89b06", "org": "97ba44f2"},
		forIssuer("https://login.example/as", "api.demo"),
	},
	{
		"PingAM", token.PingAM,
		obj{"alg": "RS256", "kid": "wU3ifIIaLOUAReRB/FG6eM1P1QM=", "typ": "JWT"},
		obj{"sub": "(usr!bjensen)", "cts": "OAUTH2_STATELESS_GRANT", "auth_level": 3, "auditTrackingId": "c9611769-297791", "subname": "bjensen", "iss": amIssuer, "tokenName": "access_token", "token_type": "Bearer", "client_id": "app", "aud": "app", "nbf": seconds(-5), "grant_type": "authorization_code", "scope": []string{"address", "read"}, "auth_time": seconds(-5), "realm": "/alpha", "exp": seconds(3595), "iat": seconds(-5), "expires_in": 3600, "jti": "XSmy3al"},
		forIssuer(amIssuer, "app"),
	},
}

func (s *shape) rules() *token.Rules {
	r := rules()
	s.configure(r)
	return r
}

// judge runs all stages as a request flow does.
func judge(t *testing.T, r *token.Rules, raw string) []diagnosis.Failure {
	t.Helper()
	tok, f := token.Parse(raw, token.Limits{})
	if f != nil {
		return []diagnosis.Failure{*f}
	}
	if f := r.CheckHeader(tok); f != nil {
		return []diagnosis.Failure{*f}
	}
	p, f := r.SelectIssuer(tok)
	if f != nil {
		return []diagnosis.Failure{*f}
	}
	if f := token.Verify(tok, token.Key{ID: tok.Header.KeyID, Public: keys().rsa.Public()}); f != nil {
		return []diagnosis.Failure{*f}
	}
	return r.Judge(tok, p, now)
}

func TestPingTokensAreAccepted(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			raw := mint("RS256", keys().rsa, s.header, s.claims)
			if fs := judge(t, s.rules(), raw); len(fs) != 0 {
				t.Errorf("expected a good token, got %+v", fs)
			}
			if got := parse(t, raw).Product(); got != s.product {
				t.Errorf("expected product %q, got %q", s.product, got)
			}
		})
	}
}

func TestPingTokensThatGoWrong(t *testing.T) {
	byName := make(map[string]*shape)
	for i := range shapes {
		byName[shapes[i].name] = &shapes[i]
	}
	federate, central := byName["PingFederate's default access token manager"], byName["PingFederate with a central key"]
	one, am := byName["PingOne for a client"], byName["PingAM"]
	for _, tc := range []struct {
		name           string
		shape          *shape
		header, claims obj
		rules          func(*token.Rules)
		code           diagnosis.Code
		detail         string
	}{
		{"no issuer where one is needed", federate, nil, nil, func(r *token.Rules) { r.Issuers[0].AcceptMissingIssuer = false }, diagnosis.IssuerMissing, `access token manager index "5"`},
		{"no audience where one is needed", federate, nil, nil, func(r *token.Rules) {
			r.Issuers[0].SkipAudience, r.Issuers[0].Audiences = false, []string{"api"}
		}, diagnosis.AudienceMissing, "PingFederate"},
		{"no kid where one is needed", federate, nil, nil, func(r *token.Rules) { r.Issuers[0].RequireKid = true }, diagnosis.KidMissing, "PingFederate"},
		{"no typ where one is needed", federate, nil, nil, func(r *token.Rules) { r.Issuers[0].RequireType = true }, diagnosis.TypNotAllowed, "PingFederate"},
		{"a symmetric access token manager", central, obj{"alg": "HS256"}, nil, nil, diagnosis.AlgSymmetricForbidden, ""},
		{"a token for Ping's own API", one, nil, obj{"aud": []string{"https://api.pingone.eu"}}, nil, diagnosis.AudienceMismatch, "PingOne"},
		{"a port behind the load balancer", am, nil, obj{"iss": strings.Replace(amIssuer, ":443", "", 1)}, nil, diagnosis.IssuerNearMiss, amIssuer},
		{"PingAM's ID token", am, nil, obj{"tokenName": "id_token", "aud": "another"}, nil, diagnosis.TokenIsIDToken, ""},
		{"an expired token", am, nil, obj{"exp": seconds(-900)}, nil, diagnosis.TokenExpired, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := tc.shape.rules()
			if tc.rules != nil {
				tc.rules(r)
			}
			fs := judge(t, r, mint("RS256", keys().rsa, tc.shape.header.with(tc.header), tc.shape.claims.with(tc.claims)))
			if len(fs) == 0 || fs[0].Code != tc.code || !strings.Contains(fs[0].Detail, tc.detail) {
				t.Errorf("expected %s with %q in its detail, got %+v", tc.code, tc.detail, fs)
			}
		})
	}
}

// All that is wrong is collected, kind before time before claims.
func TestJudgeCollectsInOrder(t *testing.T) {
	r := rules()
	r.RequiredClaims = []token.ClaimRule{{Path: path("tenant")}}
	r.Scopes = token.Requirement{Required: []string{"admin"}, Claims: [][]string{{"scope"}}}
	fs := judge(t, r, mint("RS256", keys().rsa, goodHeader.with(obj{"typ": "JWT"}), goodClaims.with(obj{"at_hash": "x", "exp": seconds(-500), "aud": "x"})))
	got := codes(fs)
	want := []diagnosis.Code{diagnosis.TokenIsIDToken, diagnosis.TokenExpired, diagnosis.AudienceMismatch, diagnosis.ClaimMissing, diagnosis.ScopeInsufficient}
	if len(got) != len(want) {
		t.Fatalf("expected %v, got %v", want, got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("expected %v, got %v", want, got)
		}
	}
}

// Whoever forges a token learns nothing of what it should have claimed.
func TestClaimsOfAForgedTokenAreNotJudged(t *testing.T) {
	input := encode(goodHeader) + "." + encode(goodClaims.with(obj{"exp": 1}))
	forged := input + "." + b64(string(signature("RS256", keys().otherRSA, input)))
	fs := judge(t, rules(), forged)
	if len(fs) != 1 || fs[0].Code != diagnosis.SignatureInvalid {
		t.Errorf("expected signature_invalid alone, got %+v", fs)
	}
}
