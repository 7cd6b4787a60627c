package edge_test

import (
	"encoding/base64"
	"maps"
	"slices"
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
	told := map[string]bool{}
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
		{"a Kerberos ticket", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("authorization", "negotiate  YIIabc")}, "", "Kerberos ticket"},
		{"an NTLM message", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("authorization", "NTLM TlRMTVNTUAABAAAA")}, "", "NTLM message"},
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
		{"an F5 session rule", diagnosis.CredentialMissing, edge.Seen{Headers: headers("clientless-mode", "1")}, diagnosis.StrippedSuspected, "F5 APM"},
		{"CloudFront", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-amz-cf-id", "abc", "via", "2.0 abc.cloudfront.net (CloudFront)")}, diagnosis.StrippedSuspected, "CloudFront"},
		{"half of CloudFront", diagnosis.CredentialMissing, edge.Seen{Headers: headers("via", "2.0 abc.cloudfront.net (CloudFront)")}, "", ""},
		{"Squid", diagnosis.CredentialMissing, edge.Seen{Headers: headers("via", "1.1 proxy (squid/5.7)")}, diagnosis.StrippedSuspected, "Squid"},
		{"Envoy", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-envoy-external-address", "192.0.2.1")}, diagnosis.StrippedSuspected, "Envoy"},
		{"a DPoP proof", diagnosis.CredentialMissing, edge.Seen{Headers: headers("dpop", "eyJ")}, diagnosis.StrippedSuspected, "DPoP proof"},
		{"Connection names it", diagnosis.CredentialMissing, edge.Seen{Headers: headers("connection", "close, AUTHORIZATION")}, diagnosis.StrippedSuspected, "deletes what it names"},
		{"the user and password that an F5 session rule writes", diagnosis.CredentialMissing, edge.Seen{Headers: headers("username", "u", "password", "p")}, diagnosis.StrippedSuspected, "F5 APM session rule"},
		{"a user alone", diagnosis.CredentialMissing, edge.Seen{Headers: headers("username", "u")}, "", ""},
		{"an F5 session rule, and Basic", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("clientless-mode", "1", "authorization", basic("u:p"))}, "", "F5 APM session rule"},
		{"Basic of an APM session", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("cookie", "a=b; MRHSession=0123", "authorization", basic("u:p"))}, "", "whose sign-on writes Basic"},
		{"Basic behind an F5 without APM", diagnosis.SchemeUnsupported, edge.Seen{Headers: headers("cookie", "BIGipServerpool=1.2.0000", "authorization", basic("u:p"))}, "", ""},
		{"another token in an APM session", diagnosis.IssuerUntrusted, edge.Seen{Headers: headers("cookie", "LastMRH_Session=01")}, "", "whose OAuth sign-on"},
		{"a Google gateway, by the claims that it adds", diagnosis.IssuerUntrusted, edge.Seen{Issuer: "https://x", Headers: headers("x-forwarded-authorization", "Bearer x", "x-endpoint-api-userinfo", "e30")}, "", "Google API gateway"},
		{"the ID token of oauth2-proxy", diagnosis.TokenIsIDToken, edge.Seen{Headers: headers("x-forwarded-preferred-username", "u")}, "", "puts the ID token there"},
		{"an ID token of a client", diagnosis.TokenIsIDToken, edge.Seen{}, "", ""},
		{"joined in an APM session", diagnosis.CredentialCommaJoined, edge.Seen{Headers: headers("cookie", "F5_ST=1")}, "", "whose HTTP Headers agent"},
		{"joined by Apache", diagnosis.CredentialCommaJoined, edge.Seen{Headers: headers("x-forwarded-server", "a", "x-forwarded-host", "b")}, "", "Apache httpd is on the way"},
		{"joined by nobody known", diagnosis.CredentialCommaJoined, edge.Seen{}, "", ""},
		{"Envoy, by its form of a certificate", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-forwarded-client-cert", "By=spiffe://a;URI=spiffe://b")}, diagnosis.StrippedSuspected, "jwt_authn"},
		{"a certificate in another form", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-forwarded-client-cert", "MIIB")}, "", ""},
		{"a sidecar of Istio", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-envoy-attempt-count", "1")}, diagnosis.StrippedSuspected, "forwardOriginalToken"},
		{"Envoy's oauth2 filter", diagnosis.CredentialMissing, edge.Seen{Headers: headers("cookie", "OauthHMAC=abc", "x-envoy-internal", "true")}, diagnosis.StrippedSuspected, "oauth2 filter"},
		{"Zuul", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-forwarded-prefix", "/api", "x-forwarded-host", "a")}, diagnosis.StrippedSuspected, "Zuul"},
		{"a prefix of another Kong", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-forwarded-prefix", "/api", "x-forwarded-host", "a", "via", "1.1 kong/3.9.3")}, "", ""},
		{"a prefix of Traefik", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-forwarded-prefix", "/api", "x-forwarded-host", "a", "x-forwarded-server", "t")}, "", ""},
		{"kubectl proxy", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-forwarded-uri", "/api/v1/namespaces/a/services/b/proxy/orders")}, diagnosis.StrippedSuspected, "Kubernetes API server"},
		{"a path of an API of one's own", diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-forwarded-uri", "/api/v1/orders")}, "", ""},
		{"an API key behind CloudFront", diagnosis.CredentialMissing, edge.Seen{Names: []string{"x-access-key"}, Headers: headers("x-amz-cf-id", "abc", "via", "2.0 abc.cloudfront.net (CloudFront)")}, diagnosis.StrippedSuspected, "CloudFront"},
		{"an API key behind Squid, which does not care", diagnosis.CredentialMissing, edge.Seen{Names: []string{"apikey"}, Headers: headers("via", "1.1 proxy (squid/5.7)")}, "", ""},
		{"an API key behind Envoy", diagnosis.CredentialMissing, edge.Seen{Names: []string{"apikey"}, Headers: headers("x-envoy-internal", "true")}, "", ""},
		{"an API key that Connection names", diagnosis.CredentialMissing, edge.Seen{Names: []string{"apikey"}, Headers: headers("connection", "close, ApiKey")}, diagnosis.StrippedSuspected, "deletes what it names"},
		{"a name with an underscore behind AWS", diagnosis.CredentialMissing, edge.Seen{Names: []string{"api_key"}, Headers: headers("x-amzn-trace-id", "Root=1")}, diagnosis.StrippedSuspected, "an AWS load balancer is on the way"},
		{"a name with an underscore behind a proxy", diagnosis.CredentialMissing, edge.Seen{Names: []string{"api_key"}, Headers: headers("x-forwarded-for", "192.0.2.1")}, diagnosis.StrippedSuspected, "underscores_in_headers"},
		{"a name with a dot behind a proxy", diagnosis.CredentialMissing, edge.Seen{Names: []string{"x.api.key"}, Headers: headers("x-real-ip", "192.0.2.1")}, diagnosis.StrippedSuspected, "underscores_in_headers"},
		{"a name with an underscore, sent directly", diagnosis.CredentialMissing, edge.Seen{Names: []string{"api_key"}}, "", ""},
		{"a name with an underscore among others", diagnosis.CredentialMissing, edge.Seen{Names: []string{"authorization", "x_token"}, Headers: headers("x-amzn-trace-id", "Root=1")}, "", ""},
		{"Proxy-Authorization behind a proxy", diagnosis.CredentialMissing, edge.Seen{Names: []string{"proxy-authorization"}, Headers: headers("via", "1.1 a")}, diagnosis.StrippedSuspected, "for the next proxy alone"},
		{"blanked, with an F5 on the way", diagnosis.CredentialEmpty, edge.Seen{Headers: headers("authorization", "", "cookie", "TS01a2b3c4=1")}, "", "header-erase none"},
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
			told[got.Detail] = true
		})
	}
	for _, sign := range edge.Signs() {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(told)), func(detail string) bool {
			return strings.HasPrefix(detail, sign.Says) && strings.Contains(detail, "; look at "+sign.Look+": "+sign.Fix)
		}) {
			t.Errorf("no case shows the sign %q, with where to look and what to set", sign.Name)
		}
	}
}

func TestExplainNamesTheEdge(t *testing.T) {
	seen := edge.Seen{Headers: headers("authorization", ""), Edge: "f5"}
	if got := edge.Explain(diagnosis.Fail(diagnosis.CredentialEmpty, ""), seen); !strings.Contains(got.Detail, "(the edge here is f5); look at") {
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
			if got != found && (got.Certainty != diagnosis.Weak || !slices.Contains(got.Row().Hops, diagnosis.Edge)) {
				t.Fatalf("%s: expected a weak verdict on an edge that its row has, got %+v", row.Code, got)
			}
			for _, says := range edge.Candidates(found, seen) {
				if strings.Contains(says, value) && len(value) > 12 {
					t.Fatalf("%s: %q repeats the value", row.Code, says)
				}
			}
		}
	})
}
