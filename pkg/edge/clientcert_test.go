package edge_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/edge"
)

// certificate is not one, but has a certificate's first bytes and line ends.
const (
	der     = "MIIBszCCAVmgAwIBAgIUQZ"
	pemWith = "-----BEGIN CERTIFICATE-----\n" + der + "\n-----END CERTIFICATE-----\n"
)

// escaped is how nginx ($ssl_client_escaped_cert), AWS and Envoy write PEM.
var escaped = strings.NewReplacer("\n", "%0A", " ", "%20").Replace(pemWith)

func TestClientCertificates(t *testing.T) {
	const hash = "468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688"
	flat := func(blank string) string { return strings.TrimSpace(strings.ReplaceAll(pemWith, "\n", blank)) }
	for name, tc := range map[string]struct {
		header, value string
		says          string // "" if there is nothing to say
	}{
		"nginx, escaped":                {"ssl-client-cert", escaped, ""},
		"nginx, no certificate":         {"ssl-client-cert", "", ""},
		"nginx, $ssl_client_cert":       {"x-ssl-cert", flat("\t"), "line ends gone"},
		"AWS":                           {"x-amzn-mtls-clientcert", escaped, ""},
		"AWS, cut off":                  {"x-amzn-mtls-clientcert", escaped[:60], "cut off"},
		"AWS, cut off in an escape":     {"x-amzn-mtls-clientcert", escaped[:len("-----BEGIN%2")], "escape"},
		"encoded again":                 {"x-client-cert", strings.ReplaceAll(escaped, "%", "%25"), "twice"},
		"Apache":                        {"x-ssl-client-cert", flat(" "), "line ends gone"},
		"Apache, no certificate":        {"ssl_client_cert", "(null)", "SSLOptions"},
		"F5, base64":                    {"sslclientcert", der, ""},
		"F5, X509::whole":               {"sslclientcert", flat(" "), "line ends gone"},
		"F5, base64 in lines":           {"sslclientcert", der[:8] + " " + der[8:], "blanks"},
		"F5, cut off":                   {"x-client-cert", der[:21], "damaged or cut off"},
		"F5, a subject":                 {"sslclientcert", "CN=client", "neither PEM nor base64"},
		"HAProxy, quoted":               {"x-ssl-client-cert", `"` + der + `"`, ""},
		"Traefik, a chain":              {"x-forwarded-tls-client-cert", der + "," + der, ""},
		"a key in place of it":          {"x-client-cert", "-----BEGIN PRIVATE KEY-----%0AMIIB%0A-----END PRIVATE KEY-----", "something else"},
		"RFC 9440":                      {"client-cert", ":" + der + ":", ""},
		"RFC 9440 without colons":       {"client-cert", der, "RFC 9440"},
		"RFC 9440, a colon":             {"client-cert", ":", "RFC 9440"},
		"RFC 9440, PEM":                 {"client-cert", ":" + escaped + ":", "neither PEM nor base64"},
		"Envoy":                         {"x-forwarded-client-cert", `By=spiffe://a/b;Hash=` + hash + `;Subject="/C=US/CN=\"x,y;z\"";URI=spiffe://c`, ""},
		"Envoy with the certificate":    {"x-forwarded-client-cert", `Hash=` + hash + `;Cert="` + escaped + `";Chain="` + escaped + `"`, ""},
		"Envoy, two elements":           {"x-forwarded-client-cert", "Hash=" + hash + ",By=http://b;DNS=a;DNS=b", ""},
		"Envoy, an open quote":          {"x-forwarded-client-cert", `Subject="CN=a;URI=b`, "not closed"},
		"Envoy, an unknown key":         {"x-forwarded-client-cert", "By=a;Admin=1", "Envoy's pairs"},
		"Envoy, a short hash":           {"x-forwarded-client-cert", "Hash=abc", "64 hexadecimal"},
		"Envoy, a certificate cut off":  {"x-forwarded-client-cert", `Cert="` + escaped[:60] + `"`, "cut off"},
		"Envoy, an escape cut off":      {"x-forwarded-client-cert", `Cert="` + escaped[:len("-----BEGIN%2")] + `"`, "escape"},
		"PEM under Envoy's name":        {"x-forwarded-client-cert", flat(" "), "another hop wrote it"},
		"base64 under Envoy's name":     {"x-forwarded-client-cert", der, "another hop wrote it"},
		"a header that holds no such":   {"x-note", "(null)", ""},
		"a second line that is damaged": {"x-client-cert", escaped + "\x00" + der[:21], "damaged or cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			found := edge.Findings(edge.Seen{Headers: map[string][]string{tc.header: strings.Split(tc.value, "\x00")}})
			if tc.says == "" {
				if len(found) > 0 {
					t.Errorf("expected nothing, got %v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Name != diagnosis.ClientCertHeaderMalformed || !strings.HasPrefix(found[0].Detail, tc.header+": ") || !strings.Contains(found[0].Detail, tc.says) {
				t.Errorf("expected one finding with %q, got %v", tc.says, found)
			}
		})
	}
}

// FuzzClientCertificates: whatever a certificate's header holds, a finding
// repeats nothing of it.
func FuzzClientCertificates(f *testing.F) {
	f.Add(escaped)
	f.Add(`By=a;Subject="CN=\"x";Hash=0`)
	f.Add(":" + der + ":")
	f.Add(`"` + der + `,`)
	f.Fuzz(func(t *testing.T, value string) {
		for _, name := range []string{"x-forwarded-client-cert", "client-cert", "x-client-cert"} {
			fixed := edge.Findings(edge.Seen{Headers: map[string][]string{name: {value}}})
			edge.Passed(edge.Seen{Headers: map[string][]string{name: {value}}})
			for _, found := range fixed {
				if len(value) > 40 && strings.Contains(found.Detail, value) {
					t.Fatalf("the finding repeats the value: %q", found.Detail)
				}
			}
		}
	})
}
