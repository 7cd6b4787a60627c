package edge_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/edge"
)

func headers(nameValues ...string) map[string][]string {
	h := make(map[string][]string)
	for i := 0; i < len(nameValues); i += 2 {
		h[nameValues[i]] = append(h[nameValues[i]], nameValues[i+1])
	}
	return h
}

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

func TestExplain(t *testing.T) {
	const removed = "eyJhIjoxfQ.e30.SIGNATURE_REMOVED_BY_GOOGLE"
	for _, tc := range []struct {
		name string
		code diagnosis.Code
		seen edge.Seen
		want diagnosis.Code
		says string // "" when there is no trace
	}{
		{"renamed by AWS API Gateway", diagnosis.CredentialMoved, edge.Seen{Headers: headers("x-amzn-remapped-authorization", "Bearer x")}, "", "AWS API Gateway"},
		{"signed in by an AWS load balancer", diagnosis.CredentialMoved, edge.Seen{Headers: headers("x-amzn-oidc-accesstoken", "x")}, "", "AWS load balancer"},
		{"signed in by Azure", diagnosis.CredentialMoved, edge.Seen{Headers: headers("x-ms-token-aad-access-token", "x")}, "", "Azure App Service"},
		{"passed by oauth2-proxy", diagnosis.CredentialMoved, edge.Seen{Headers: headers("x-forwarded-access-token", "x")}, "", "oauth2-proxy"},
		{"moved by nobody known", diagnosis.CredentialMoved, edge.Seen{Headers: headers("x-auth-token", "x")}, "", ""},
		{"the SPNEGO module", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("authorization", basic("u@REALM:bogus"))}, "", "SPNEGO module of nginx"},
		{"another password", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("authorization", basic("u:notbogus"))}, "", ""},
		{"a Basic credential that is not base64", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("authorization", "Basic :bogus")}, "", ""},
		{"a Kerberos ticket", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("authorization", "negotiate  YIIabc")}, "", "Kerberos"},
		{"an NTLM message", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("authorization", "NTLM TlRMTVNTUAABAAAA")}, "", "NTLM"},
		{"another scheme", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("authorization", "Digest YII")}, "", ""},
		{"Azure Static Web Apps", diagnosis.AlgSymmetricForbidden, edge.Seen{Issuer: "https://1a2b.scm.azurewebsites.net"}, "", "Azure Static Web Apps"},
		{"Azure by its issuer", diagnosis.IssuerUntrusted, edge.Seen{Issuer: "https://1a2b.scm.azurewebsites.net"}, "", "Azure Static Web Apps"},
		{"a host that only contains the name", diagnosis.IssuerUntrusted, edge.Seen{Issuer: "https://x.scm.azurewebsites.net.evil.example"}, "", ""},
		{"a Google gateway", diagnosis.IssuerUntrusted, edge.Seen{Issuer: "https://accounts.google.com", Headers: headers("x-forwarded-authorization", "Bearer x")}, "", "Google API gateway"},
		{"a Google token without the original", diagnosis.IssuerUntrusted, edge.Seen{Issuer: "https://accounts.google.com"}, "", ""},
		{"PingAccess", diagnosis.IssuerUntrusted, edge.Seen{Issuer: "https://pa.example/pa"}, "", "PingAccess"},
		{"Cloud Run, under a shorter signature", diagnosis.CredentialTruncated, edge.Seen{Token: removed}, diagnosis.SignatureInvalid, "Cloud Run"},
		{"Cloud Run, under a bad segment", diagnosis.SignatureBadBase64, edge.Seen{Token: removed}, diagnosis.SignatureInvalid, "Cloud Run"},
		{"an expired token of Cloud Run", diagnosis.TokenExpired, edge.Seen{Token: removed}, "", ""},
		{"cut at 4,096 bytes", diagnosis.CredentialTruncated, edge.Seen{Headers: headers("authorization", strings.Repeat("a", 4090))}, "", "usual buffer"},
		{"cut at 8,190 bytes", diagnosis.TokenSegments, edge.Seen{Headers: headers("authorization", strings.Repeat("a", 8190))}, "", "usual buffer"},
		{"cut elsewhere", diagnosis.CredentialTruncated, edge.Seen{Headers: headers("authorization", strings.Repeat("a", 4000))}, "", ""},
		{"an F5 session rule", diagnosis.CredentialMissing, edge.Seen{Headers: headers("clientless-mode", "1")}, "", "F5 APM"},
		{"CloudFront", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-amz-cf-id", "abc", "via", "2.0 abc.cloudfront.net (CloudFront)")}, "", "CloudFront"},
		{"half of CloudFront", diagnosis.CredentialMissing, edge.Seen{Headers: headers("via", "2.0 abc.cloudfront.net (CloudFront)")}, "", ""},
		{"Squid", diagnosis.CredentialMissing, edge.Seen{Headers: headers("via", "1.1 proxy (squid/5.7)")}, "", "Squid"},
		{"Envoy", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-envoy-external-address", "192.0.2.1")}, "", "Envoy"},
		{"a DPoP proof", diagnosis.CredentialMissing, edge.Seen{Headers: headers("dpop", "eyJ")}, diagnosis.StrippedSuspected, "DPoP proof"},
		{"Connection names it", diagnosis.CredentialMissing, edge.Seen{Headers: headers("connection", "close, AUTHORIZATION")}, diagnosis.StrippedSuspected, "deletes what it names"},
		{"a blank trace", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-envoy-external-address", "")}, "", ""},
		{"no trace", diagnosis.CredentialMissing, edge.Seen{}, "", ""},
		{"blanked", diagnosis.CredentialEmpty, edge.Seen{Headers: headers("authorization", "")}, "", "blanks its value"},
		{"a trace that explains another failure", diagnosis.TokenExpired, edge.Seen{Headers: headers("clientless-mode", "1")}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := diagnosis.FailBy(tc.code, 7, "as found")
			before := *f
			got := edge.Explain(f, tc.seen)
			if diff := cmp.Diff(before, *f); diff != "" {
				t.Fatalf("the failure itself changed:\n%s", diff)
			}
			if tc.says == "" {
				if got != f {
					t.Fatalf("expected the failure as it was, got %+v", got)
				}
				return
			}
			want := tc.code
			if tc.want != "" {
				want = tc.want
			}
			if got.Code != want || got.Hop != diagnosis.Edge || got.Certainty != diagnosis.Weak {
				t.Errorf("expected %s, edge, weak, got %s, %s, %s", want, got.Code, got.Hop, got.Certainty)
			}
			if !strings.Contains(got.Detail, tc.says) || !strings.HasSuffix(got.Detail, "; as found") {
				t.Errorf("expected %q and the first detail, got %q", tc.says, got.Detail)
			}
			if (got.By == nil) != (tc.want != "") {
				t.Errorf("expected the number to go with the code, got %v", got.By)
			}
		})
	}
}

func TestExplainNamesTheEdge(t *testing.T) {
	seen := edge.Seen{Headers: headers("authorization", ""), Edge: "f5"}
	if got := edge.Explain(diagnosis.Fail(diagnosis.CredentialEmpty, ""), seen); !strings.HasSuffix(got.Detail, "(the edge here is f5)") {
		t.Errorf("expected the edge's name, got %q", got.Detail)
	}
	seen.Edge = "edge"
	if got := edge.Explain(diagnosis.Fail(diagnosis.CredentialEmpty, ""), seen); strings.Contains(got.Detail, "the edge here") {
		t.Errorf("expected no name for an edge without one, got %q", got.Detail)
	}
}

func TestExplainNothing(t *testing.T) {
	if got := edge.Explain(nil, edge.Seen{}); got != nil {
		t.Errorf("expected nil, got %+v", got)
	}
}

// A client can write every header and every unverified claim, so no trace may
// make a verdict look certain, whatever the values are.
func FuzzExplain(f *testing.F) {
	f.Add("authorization", "Basic YTpib2d1cw==", "https://accounts.google.com", ".SIGNATURE_REMOVED_BY_GOOGLE")
	f.Add("via", "(squid", "https://x/pa", "")
	f.Fuzz(func(t *testing.T, name, value, issuer, token string) {
		seen := edge.Seen{Headers: headers(name, value), Issuer: issuer, Token: token}
		for _, row := range diagnosis.Rows() {
			found := diagnosis.Fail(row.Code, "")
			got := edge.Explain(found, seen)
			if got != found && (got.Certainty != diagnosis.Weak || got.Hop != diagnosis.Edge || got.Row() == nil) {
				t.Fatalf("%s: expected a weak verdict on the edge, got %+v", row.Code, got)
			}
		}
	})
}
