package edge_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/edge"
)

func TestCandidates(t *testing.T) {
	forwarded := headers("x-forwarded-for", "192.0.2.1")
	behind := func(nameValues ...string) map[string][]string {
		return headers(append(nameValues, "x-forwarded-for", "192.0.2.1")...)
	}
	listed := map[string]bool{}
	for name, tc := range map[string]struct {
		code diagnosis.Code
		seen edge.Seen
		want []string // how the candidates begin
	}{
		"nothing, sent directly":      {diagnosis.CredentialMissing, edge.Seen{}, nil},
		"nothing, forwarded":          {diagnosis.CredentialMissing, edge.Seen{Headers: forwarded}, []string{"a proxy's rule", "a redirect"}},
		"nothing, behind an F5":       {diagnosis.CredentialMissing, edge.Seen{Headers: behind("cookie", "BIGipServerpool=1")}, []string{"an LTM policy or iRule", "a proxy's rule", "a redirect"}},
		"nothing, through a proxy":    {diagnosis.CredentialMissing, edge.Seen{Headers: headers("via", "1.1 zscaler")}, []string{"a proxy's rule", "a forward proxy", "a redirect"}},
		"an AWS user":                 {diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-amzn-oidc-data", "x")}, []string{"an AWS load balancer signed", "a proxy's rule", "a redirect"}},
		"a user of Cloudflare Access": {diagnosis.CredentialMissing, edge.Seen{Headers: headers("cf-access-jwt-assertion", "x")}, []string{"Cloudflare Access", "a proxy's rule", "a redirect"}},
		"a user of Google's proxy":    {diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-goog-iap-jwt-assertion", "x")}, []string{"Google's Identity-Aware", "a proxy's rule", "a redirect"}},
		"an API gateway of AWS":       {diagnosis.CredentialMissing, edge.Seen{Headers: headers("x-amzn-apigateway-api-id", "x")}, []string{"AWS API Gateway signs", "a proxy's rule", "a redirect"}},
		"a key, forwarded":            {diagnosis.CredentialMissing, edge.Seen{Names: []string{"apikey"}, Headers: forwarded}, nil},
		"one name with an underscore": {diagnosis.CredentialMissing, edge.Seen{Names: []string{"apikey", "api_key"}, Headers: forwarded}, []string{"a hop that drops header names"}},
		"no scheme":                   {diagnosis.SchemeMissing, edge.Seen{Headers: forwarded}, []string{"a hop that cuts the scheme"}},
		"no scheme, sent directly":    {diagnosis.SchemeMissing, edge.Seen{}, nil},
		"the scheme twice":            {diagnosis.SchemeRepeated, edge.Seen{Headers: forwarded}, []string{"a hop that adds the scheme"}},
		"joined":                      {diagnosis.CredentialCommaJoined, edge.Seen{Headers: forwarded}, []string{"a hop that appends"}},
		"unfolded":                    {diagnosis.TokenBadCharset, edge.Seen{Headers: headers("authorization", "Bearer a.b  c")}, []string{"a folded line"}},
		"a space":                     {diagnosis.TokenBadCharset, edge.Seen{Headers: headers("authorization", "Bearer a.b c")}, nil},
		"another signature":           {diagnosis.SignatureInvalid, edge.Seen{Headers: forwarded}, []string{"a hop that exchanges"}},
		"expired":                     {diagnosis.TokenExpired, edge.Seen{Headers: forwarded}, nil},
		"no more than fit": {diagnosis.CredentialMissing, edge.Seen{Names: []string{"authorization", "x_token"}, Headers: headers("x-amzn-oidc-data", "x", "cf-access-jwt-assertion", "x",
			"x-goog-iap-jwt-assertion", "x", "x-amzn-apigateway-api-id", "x", "via", "1.1 a", "cookie", "F5_ST=1")},
			[]string{"an AWS load", "Cloudflare", "Google's", "AWS API Gateway", "a hop that drops"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := edge.Candidates(diagnosis.Fail(tc.code, ""), tc.seen)
			if len(got) != len(tc.want) {
				t.Fatalf("expected %q, got %q", tc.want, got)
			}
			for i, begin := range tc.want {
				listed[got[i]] = true
				if !strings.HasPrefix(got[i], begin) || diagnosis.Clean(got[i], 150) != got[i] {
					t.Errorf("expected %q and plain ASCII, got %q", begin, got[i])
				}
			}
		})
	}
	if n := len(edge.CandidateNames()); len(listed) != n {
		t.Errorf("%d of %d candidates have a case", len(listed), n)
	}
}
