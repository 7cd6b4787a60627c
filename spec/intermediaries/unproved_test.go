//go:build spec

package intermediaries

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// TestNothingIsProved are the decision table's last rows: without a member that
// counts the gateway knows as much as without any, whatever a proxy has removed.
func TestNothingIsProved(t *testing.T) {
	r := witnessing(t, "optional")
	token := r.PingFederate.Token(ping.ForClient("premium-client"))
	gateway := strings.TrimPrefix(r.Proxy, "http://")
	addr := proxies["haproxy"].start(t, gateway)
	ready(t, r, func() verdict { v, _ := ask(t, addr, token, "pass", authorization); return v })
	in := input{method: "GET", host: "api.example.com", lines: []string{"Bearer " + token}}
	at := time.Now().Unix()
	stating := func(members ...string) []string {
		return []string{authorization, "X-Auth-Witness: " + strings.Join(members, ", ")}
	}
	unknown := refused(401, "credential_missing", "client", "weak")
	for name, tt := range map[string]struct {
		send []string
		want verdict
		says string // in the detail
	}{
		"none":                   {good, unknown, ""},
		"forged":                 {stating(strings.Replace(memberAt(at, "edge-in", in), "n=1", "n=2", 1)), unknown, "finding witness_ignored (expected a code made with the key"},
		"stale":                  {stating(memberAt(at-120, "edge-in", in)), unknown, "finding witness_ignored (expected a recent time"},
		"from the future":        {stating(memberAt(at+120, "edge-in", in)), unknown, "finding witness_ignored (expected a recent time"},
		"duplicated":             {stating(memberAt(at, "edge-in", in), memberAt(at, "edge-in", in)), unknown, "finding witness_ignored (expected one member of each point"},
		"malformed":              {stating(`edge-in;v=1;h="a";p=1;x="`), unknown, "finding witness_ignored (expected a member in canonical form"},
		"6 KB":                   {stating(strings.Repeat("a", 6000)), unknown, "finding witness_ignored"},
		"valid, and for the way": {stating(memberAt(at, "edge-in", in)), refused(401, "credential_stripped", "edge", "definite"), "between edge-in and the gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			got, detail := ask(t, addr, token, "strip", tt.send...)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(verdict{})); diff != "" || !strings.Contains(detail, tt.says) {
				t.Errorf("(-want +got):\n%sexpected %q in the detail %s", diff, tt.says, detail)
			}
		})
	}
}

// TestFindings: what is odd about a request's context is told of a request that
// is refused, and refuses none.
func TestFindings(t *testing.T) {
	r := witnessing(t, "optional", `trusted_ips: ["192.0.2.0/24"]`)
	token := r.PingFederate.Token(ping.ForClient("premium-client"))
	addr := proxies["haproxy"].start(t, strings.TrimPrefix(r.Proxy, "http://"))
	ready(t, r, func() verdict { v, _ := ask(t, addr, token, "pass", authorization); return v })
	for name, tt := range map[string]struct {
		lines []string
		says  string
	}{
		"http behind TLS":               {[]string{"X-Forwarded-Proto: http", "X-Forwarded-Port: 443"}, "finding forwarded_proto_http"},
		"a consumer from outside":       {[]string{"X-Consumer-Username: admin"}, "finding consumer_header_from_outside (x-consumer-username)"},
		"a certificate in one line":     {[]string{"X-SSL-Client-Cert: -----BEGIN CERTIFICATE----- MIIB -----END CERTIFICATE-----"}, "finding client_cert_header_malformed (x-ssl-client-cert: PEM with its line ends gone)"},
		"a certificate under XFCC":      {[]string{"X-Forwarded-Client-Cert: MIIB"}, "finding client_cert_header_malformed (x-forwarded-client-cert"},
		"Authorization nominated":       {[]string{"Connection: close, Authorization"}, "finding connection_nominates_authorization"},
		"an untrusted peer that states": {[]string{"X-Forwarded-For: 198.51.100.7", "X-Auth-Witness: x"}, "finding forwarded_peer_untrusted"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, detail := ask(t, addr, token, "pass", append([]string{"Authorization: Bearer null"}, tt.lines...)...); got.code != "token_placeholder" || !strings.Contains(detail, tt.says) {
				t.Errorf("expected token_placeholder with %q, got %s with %s", tt.says, got.code, detail)
			}
			if got, _ := ask(t, addr, token, "pass", append([]string{authorization}, tt.lines...)...); got.status != 200 {
				t.Errorf("a good token is refused: %+v", got)
			}
		})
	}
}
