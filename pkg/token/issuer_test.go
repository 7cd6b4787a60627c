package token_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

var issuerCases = []struct {
	name, configured string
	iss              any
	code             diagnosis.Code
}{
	{"exact", "https://ping.example/as", "https://ping.example/as", ""},
	{"absent", "https://ping.example/as", nil, diagnosis.IssuerMissing},
	{"another", "https://ping.example/as", "https://evil.example/as", diagnosis.IssuerUntrusted},
	{"a longer path", "https://ping.example/as", "https://ping.example/as/2", diagnosis.IssuerUntrusted},
	{"another port", "https://ping.example:9031", "https://ping.example:9999", diagnosis.IssuerUntrusted},
	{"a number", "https://ping.example/as", 5, diagnosis.IssuerUntrusted},
	{"empty", "https://ping.example/as", "", diagnosis.IssuerUntrusted},
	{"a trailing slash too many", "https://ping.example/as", "https://ping.example/as/", diagnosis.IssuerNearMiss},
	{"a trailing slash too few", "https://ping.example/", "https://ping.example", diagnosis.IssuerNearMiss},
	{"case", "https://ping.example/as", "https://Ping.example/AS", diagnosis.IssuerNearMiss},
	{"scheme", "https://ping.example/as", "http://ping.example/as", diagnosis.IssuerNearMiss},
	{"no scheme", "https://ping.example/as", "ping.example/as", diagnosis.IssuerNearMiss},
	{"the default port", "https://ping.example/as", "https://ping.example:443/as", diagnosis.IssuerNearMiss},
	{"the default port of http", "http://ping.example/as", "http://ping.example:80/as", diagnosis.IssuerNearMiss},
	{"a port lost behind a load balancer", "https://ping.example:9031", "https://ping.example", diagnosis.IssuerNearMiss},
	{"the default port for another", "https://ping.example:9031", "https://ping.example:443", diagnosis.IssuerNearMiss},
	{"an IPv6 address with a port", "https://[2001:db8::1]", "https://[2001:db8::1]:9031", diagnosis.IssuerNearMiss},
	{"another IPv6 address", "https://[2001:db8::1]", "https://[2001:db8::2]", diagnosis.IssuerUntrusted},
	{"a host behind the port", "https://ping.example:9031", "https://ping.example:9031@evil.example", diagnosis.IssuerUntrusted},
	{"white space", "https://ping.example/as", " https://ping.example/as\n", diagnosis.IssuerNearMiss},
	{"the long path of a PingAM realm", "https://am.example/am/oauth2/alpha", "https://am.example:443/am/oauth2/realms/root/realms/alpha", diagnosis.IssuerNearMiss},
	{"another PingAM realm", "https://am.example/am/oauth2/alpha", "https://am.example/am/oauth2/beta", diagnosis.IssuerUntrusted},
}

func TestSelectIssuer(t *testing.T) {
	for _, tc := range issuerCases {
		t.Run(tc.name, func(t *testing.T) {
			r := rules()
			r.Issuers[0].Issuer = tc.configured
			tok := parse(t, unsigned(goodHeader, goodClaims.with(obj{"iss": tc.iss})))
			p, f := r.SelectIssuer(tok)
			expect(t, f, tc.code, 0)
			if (p == nil) != (tc.code != "") {
				t.Fatalf("expected a policy or a failure, got %v and %v", p, f)
			}
			if tc.code == diagnosis.IssuerNearMiss && !strings.Contains(f.Detail, tc.configured) {
				t.Errorf("expected the configured spelling in the detail, got %q", f.Detail)
			}
		})
	}
}

func TestMissingIssuerIsAcceptedForASingleIssuerOnly(t *testing.T) {
	r := rules()
	r.Issuers[0].AcceptMissingIssuer = true
	without := parse(t, unsigned(goodHeader, goodClaims.with(obj{"iss": nil})))
	if p, f := r.SelectIssuer(without); f != nil || p.Issuer != issuer {
		t.Errorf("expected the only issuer, got %v and %+v", p, f)
	}
	// A null, or an empty name, is not a missing claim.
	for _, claims := range []string{`{"iss":null}`, `{"iss":""}`} {
		_, f := r.SelectIssuer(parse(t, unsigned(goodHeader, claims)))
		expect(t, f, diagnosis.IssuerUntrusted, 0)
	}
	r.Issuers = append(r.Issuers, token.Policy{Issuer: "https://other.example", AcceptMissingIssuer: true})
	_, f := r.SelectIssuer(without)
	expect(t, f, diagnosis.IssuerMissing, 0)
}

func TestSelectIssuerAmongSeveral(t *testing.T) {
	r := rules()
	r.Issuers = append(r.Issuers, token.Policy{Issuer: "https://b.example"}, token.Policy{Issuer: "https://c.example"})
	for i := range r.Issuers {
		want := r.Issuers[i].Issuer
		p, f := r.SelectIssuer(parse(t, unsigned(goodHeader, goodClaims.with(obj{"iss": want}))))
		if f != nil || p != &r.Issuers[i] {
			t.Errorf("%s: expected its own policy, got %v and %+v", want, p, f)
		}
	}
}

// A detail has to share a header with others, whatever the token claims to be.
func TestDetailsAreBounded(t *testing.T) {
	r := rules()
	for len(r.Issuers) < 50 {
		r.Issuers = append(r.Issuers, token.Policy{Issuer: "https://" + strings.Repeat("i", 300)})
	}
	_, f := r.SelectIssuer(parse(t, unsigned(goodHeader, goodClaims.with(obj{"iss": strings.Repeat("x", 5000)}))))
	if len(f.Detail) > 1000 || !strings.Contains(f.Detail, "46 more") || !strings.Contains(f.Detail, "xxx...") {
		t.Errorf("expected a cut list and a cut name, got %d bytes: %s", len(f.Detail), f.Detail)
	}
}
