package edge_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/edge"
)

func TestFindings(t *testing.T) {
	const (
		pem    = "-----BEGIN CERTIFICATE----- MIIB AAAA -----END CERTIFICATE-----"
		quoted = "-----BEGIN%20CERTIFICATE-----%0AMIIB%0A-----END%20CERTIFICATE-----"
	)
	for name, tc := range map[string]struct {
		headers map[string][]string
		want    []diagnosis.FindingName
	}{
		"nothing odd":                    {headers("host", "a", "x-forwarded-proto", "https", "connection", "keep-alive", "x-client-cert", quoted), nil},
		"http behind TLS, by the port":   {headers("x-forwarded-proto", "http", "x-forwarded-port", "443"), []diagnosis.FindingName{diagnosis.ForwardedProtoHTTP}},
		"http behind TLS, by Cloudflare": {headers("x-forwarded-proto", "HTTP", "cf-visitor", `{"scheme":"https"}`), []diagnosis.FindingName{diagnosis.ForwardedProtoHTTP}},
		"http, the last of a list":       {headers("x-forwarded-proto", "https, http", "x-forwarded-ssl", "on"), []diagnosis.FindingName{diagnosis.ForwardedProtoHTTP}},
		"http all the way":               {headers("x-forwarded-proto", "http", "x-forwarded-port", "80"), nil},
		"https, the last of a list":      {headers("x-forwarded-proto", "http,https", "x-forwarded-port", "443"), nil},
		"a consumer from outside":        {headers("x-consumer-username", "admin"), []diagnosis.FindingName{diagnosis.ConsumerHeaderFromOutside}},
		"groups from outside":            {headers("x-authenticated-groups", "admin"), []diagnosis.FindingName{diagnosis.ConsumerHeaderFromOutside}},
		"a blank consumer":               {headers("x-consumer-username", ""), nil},
		"Authorization nominated":        {headers("connection", "close, Authorization"), []diagnosis.FindingName{diagnosis.ConnectionNominatesAuthorization}},
		"the witness nominated":          {headers("connection", "close", "connection", "x-auth-witness"), []diagnosis.FindingName{diagnosis.ConnectionNominatesAuthorization}},
		"another field nominated":        {headers("connection", "x-authorization"), nil},
		"PEM in one line":                {headers("x-ssl-client-cert", pem), []diagnosis.FindingName{diagnosis.ClientCertHeaderMalformed}},
		"PEM with tabs":                  {headers("x-client-cert", "-----BEGIN CERTIFICATE-----\tMIIB\t-----END CERTIFICATE-----"), []diagnosis.FindingName{diagnosis.ClientCertHeaderMalformed}},
		"several":                        {headers("x-client-cert", pem, "x-consumer-id", "1"), []diagnosis.FindingName{diagnosis.ConsumerHeaderFromOutside, diagnosis.ClientCertHeaderMalformed}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []diagnosis.FindingName
			for _, f := range edge.Findings(edge.Seen{Headers: tc.headers}) {
				got = append(got, f.Name)
				if f.Detail == "" {
					t.Errorf("%s: expected a detail", f.Name)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPassed(t *testing.T) {
	for name, tc := range map[string]struct {
		headers map[string][]string
		want    []string
	}{
		"a firewall's cookie":        {headers("cookie", "TS01a2b3c4=01"), []string{"F5 BIG-IP"}},
		"a cookie of a show":         {headers("cookie", "TSHIRT=1; TS01=2"), nil},
		"Traefik":                    {headers("x-forwarded-server", "x", "x-forwarded-port", "443"), []string{"Traefik"}},
		"HAProxy":                    {headers("x-forwarded-for", "a", "x-forwarded-for", "b"), []string{"HAProxy"}},
		"another Kong":               {headers("via", "1.1 kong/3.9.3"), []string{"another Kong"}},
		"a CDN's loop guard":         {headers("cdn-loop", "cloudflare; loops=1"), []string{"Cloudflare"}},
		"a certificate, by Envoy":    {headers("x-forwarded-client-cert", `By=spiffe://a;Subject="CN=b;c"`), []string{"Envoy"}},
		"a certificate, by somebody": {headers("x-forwarded-client-cert", "MIIB"), nil},
		"True-Client-IP":             {headers("true-client-ip", "192.0.2.1"), []string{"Akamai"}},
		"nobody":                     {headers("host", "a", "via", "1.1 somebody", "cookie", "a=b"), nil},
		"a pool's cookie":            {headers("cookie", "a=b; BIGipServerpool_api=1677787402.36895.0000"), []string{"F5 BIG-IP"}},
		"an APM session":             {headers("cookie", "MRHSession=0123"), []string{"F5 BIG-IP"}},
		"a cookie that ends":         {headers("cookie", "xBIGipServer=1"), nil},
		"CloudFront":                 {headers("via", "2.0 abc.cloudfront.net (CloudFront)"), []string{"CloudFront"}},
		"AWS, both":                  {headers("x-amzn-trace-id", "Root=1", "x-amzn-apigateway-api-id", "x"), []string{"AWS API Gateway", "AWS load balancer"}},
		"Azure":                      {headers("x-azure-ref", "x"), []string{"Azure Front Door"}},
		"Google":                     {headers("via", "1.1 google"), []string{"Google Cloud"}},
		"Cloudflare":                 {headers("cf-ray", "7f"), []string{"Cloudflare"}},
		"Akamai":                     {headers("akamai-origin-hop", "2"), []string{"Akamai"}},
		"Fastly":                     {headers("fastly-ff", "x"), []string{"Fastly"}},
		"Envoy":                      {headers("x-envoy-peer-metadata-id", "x"), []string{"Envoy"}},
		"Apache":                     {headers("x-forwarded-server", "x"), []string{"Apache httpd"}},
		"Squid":                      {headers("surrogate-capability", "x"), []string{"Squid"}},
		"a CDN before the F5":        {headers("cf-ray", "7f", "cookie", "BIGipServerx=1"), []string{"F5 BIG-IP", "Cloudflare"}},
	} {
		if diff := cmp.Diff(tc.want, edge.Passed(edge.Seen{Headers: tc.headers})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
