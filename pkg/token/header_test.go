package token_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

var headerCases = []struct {
	name   string
	header any
	policy func(*token.Policy)
	code   diagnosis.Code
}{
	{"a usual header", goodHeader, nil, ""},
	{"x5t beside kid", goodHeader.with(obj{"x5t": "abc", "pi.atm": "5"}), nil, ""},
	{"no alg", goodHeader.with(obj{"alg": nil}), nil, diagnosis.AlgMissing},
	{"alg null", `{"alg":null}`, nil, diagnosis.AlgMissing},
	{"alg a number", goodHeader.with(obj{"alg": 5}), nil, diagnosis.AlgMissing},
	{"alg empty", goodHeader.with(obj{"alg": ""}), nil, diagnosis.AlgMissing},
	{"alg none with a signature", goodHeader.with(obj{"alg": "none"}), nil, diagnosis.AlgNone},
	{"alg none in other case", goodHeader.with(obj{"alg": "NonE"}), nil, diagnosis.AlgNone},
	{"alg HS256", goodHeader.with(obj{"alg": "HS256"}), nil, diagnosis.AlgSymmetricForbidden},
	{"alg hs512 in lower case", goodHeader.with(obj{"alg": "hs512"}), nil, diagnosis.AlgSymmetricForbidden},
	{"alg in lower case", goodHeader.with(obj{"alg": "rs256"}), nil, diagnosis.AlgUnsupported},
	{"alg ES256K", goodHeader.with(obj{"alg": "ES256K"}), nil, diagnosis.AlgUnsupported},
	{"alg of a JWE", goodHeader.with(obj{"alg": "RSA-OAEP"}), nil, diagnosis.AlgUnsupported},
	{"an alg that the issuer must not use", goodHeader, func(p *token.Policy) { p.Algorithms = []string{"ES256"} }, diagnosis.AlgNotAllowed},
	{"crit with a name", goodHeader.with(obj{"crit": []string{"exp"}, "exp": 1}), nil, diagnosis.CritUnsupported},
	{"crit empty", goodHeader.with(obj{"crit": []string{}}), nil, diagnosis.CritUnsupported},
	{"crit null", `{"alg":"RS256","crit":null}`, nil, diagnosis.CritUnsupported},
	{"b64 false without crit", goodHeader.with(obj{"b64": false}), nil, diagnosis.CritUnsupported},
	{"b64 true", goodHeader.with(obj{"b64": true}), nil, ""},
	{"jwk", goodHeader.with(obj{"jwk": obj{"kty": "RSA"}}), nil, diagnosis.EmbeddedKeyForbidden},
	{"jku", goodHeader.with(obj{"jku": "https://evil.example"}), nil, diagnosis.EmbeddedKeyForbidden},
	{"x5u", goodHeader.with(obj{"x5u": "https://evil.example"}), nil, diagnosis.EmbeddedKeyForbidden},
	{"x5c", goodHeader.with(obj{"x5c": []string{}}), nil, diagnosis.EmbeddedKeyForbidden},
	{"a nested token", goodHeader.with(obj{"cty": "JWT"}), nil, diagnosis.NestedTokenUnsupported},
	{"a nested token, long form", goodHeader.with(obj{"cty": "application/jwt"}), nil, diagnosis.NestedTokenUnsupported},
	{"no kid", goodHeader.with(obj{"kid": nil}), nil, ""},
	{"no kid where one is needed", goodHeader.with(obj{"kid": nil}), func(p *token.Policy) { p.RequireKid = true }, diagnosis.KidMissing},
	{"kid a number", goodHeader.with(obj{"kid": 7}), nil, diagnosis.KidInvalid},
	{"kid empty", goodHeader.with(obj{"kid": ""}), nil, diagnosis.KidInvalid},
	{"kid as long as allowed", goodHeader.with(obj{"kid": strings.Repeat("k", 256)}), nil, ""},
	{"kid too long", goodHeader.with(obj{"kid": strings.Repeat("k", 257)}), nil, diagnosis.KidInvalid},
	{"kid with a quote", goodHeader.with(obj{"kid": "x' UNION SELECT 'k"}), nil, diagnosis.KidInvalid},
	{"kid with a NUL", goodHeader.with(obj{"kid": "a\x00b"}), nil, diagnosis.KidInvalid},
	{"kid an address", goodHeader.with(obj{"kid": "did:web:ping.example#key-1"}), nil, ""},
	{"alg before crit", goodHeader.with(obj{"alg": "HS256", "crit": []string{"x"}}), nil, diagnosis.AlgSymmetricForbidden},
}

func TestCheckHeader(t *testing.T) {
	for _, tc := range headerCases {
		t.Run(tc.name, func(t *testing.T) {
			r := rules()
			if tc.policy != nil {
				tc.policy(&r.Issuers[0])
			}
			f := r.CheckHeader(parse(t, unsigned(tc.header, goodClaims)))
			if code(f) != tc.code {
				t.Fatalf("expected %q, got %+v", tc.code, f)
			}
			if f != nil && strings.Contains(f.Detail, "evil") {
				t.Errorf("detail repeats an address of the token: %s", f.Detail)
			}
		})
	}
}

// Which algorithms are allowed is the issuer's to say, before it is verified.
func TestCheckHeaderUsesThePolicyThatIssNames(t *testing.T) {
	r := rules()
	other := policy()
	other.Issuer, other.Algorithms, other.RequireKid = "https://other.example", []string{"ES256"}, true
	r.Issuers = append(r.Issuers, other)
	noKid := goodHeader.with(obj{"kid": nil})
	for _, tc := range []struct {
		name   string
		header obj
		iss    any
		code   diagnosis.Code
	}{
		{"the first issuer allows it", goodHeader, issuer, ""},
		{"the second does not", goodHeader, other.Issuer, diagnosis.AlgNotAllowed},
		{"an unknown issuer, one allows it", goodHeader, "https://unknown.example", ""},
		{"an unknown issuer, none allows it", goodHeader.with(obj{"alg": "ES512"}), "https://unknown.example", ""},
		{"the first issuer takes tokens without kid", noKid, issuer, ""},
		{"the second needs one", noKid.with(obj{"alg": "ES256"}), other.Issuer, diagnosis.KidMissing},
		{"an unknown issuer, one needs none", noKid, "https://unknown.example", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tok := parse(t, unsigned(tc.header, goodClaims.with(obj{"iss": tc.iss})))
			expect(t, r.CheckHeader(tok), tc.code, 0)
		})
	}
	r.Issuers[0].Algorithms = []string{"PS256"}
	tok := parse(t, unsigned(goodHeader, goodClaims.with(obj{"iss": "https://unknown.example"})))
	expect(t, r.CheckHeader(tok), diagnosis.AlgNotAllowed, 0)
	expect(t, (&token.Rules{}).CheckHeader(tok), diagnosis.AlgNotAllowed, 0)
}
