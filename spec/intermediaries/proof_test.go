//go:build spec

package intermediaries

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// witnessing is a gateway that knows the signers' key; more are further lines of
// the plugin's edge configuration.
func witnessing(t *testing.T, witness string, more ...string) *rig.Rig {
	t.Helper()
	const realm = "          realm: orders\n"
	lines := ""
	for _, line := range more {
		lines += "            " + line + "\n"
	}
	r, err := rig.Start(t.Context(), rig.Options{Bin: os.Getenv("KONG_BIN"), Config: func(reference []byte, _ *rig.Rig) []byte {
		text := string(reference)
		if !strings.Contains(text, realm) {
			t.Fatalf("the reference configuration has no %q any more", realm)
		}
		return []byte(strings.Replace(text, realm, realm+fmt.Sprintf(
			"          diagnosis:\n            detail: full\n          edge:\n            witness: %s\n            keys:\n              - id: %q\n                secret: %q\n", witness, kid, secret)+lines, 1))
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("error log:\n%s", r.ErrorLog())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// ready waits for the keys of the issuer whose tokens these specs send.
func ready(t *testing.T, r *rig.Rig, send func() verdict) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); ; {
		if v := send(); v.status == 200 {
			return
		} else {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("a good token gets %+v\n%s", v, r.ErrorLog())
			}
		}
	}
}

// Where something happened, as the detail says it.
const (
	inside = "between edge-in and edge-out"
	behind = "between edge-out and the gateway"
)

// ask sends a request in which TOKEN stands for token, and returns the verdict
// and its detail.
func ask(t *testing.T, addr, token, path string, lines ...string) (v verdict, detail string) {
	t.Helper()
	head := "GET /orders/" + path + " HTTP/1.1\r\nHost: api.example.com\r\n"
	for _, line := range lines {
		head += strings.ReplaceAll(line, "TOKEN", token) + "\r\n"
	}
	resp := exchange(t, addr, head+"\r\n")
	v, err := verdictOf(resp)
	if err != nil {
		t.Fatal(err)
	}
	v.upstream = strings.ReplaceAll(v.upstream, token, "TOKEN")
	_, detail, _ = strings.Cut(resp.Header.Get("X-Auth-Diagnosis"), ";detail=")
	return v, detail
}

// TestProof replays what HAProxy does between its two points and behind them. The
// same damage without a witness is weak in TestMutations.
func TestProof(t *testing.T) {
	r := witnessing(t, "optional")
	token := r.PingFederate.Token(ping.ForClient("premium-client"))
	addr := twoPoints(t, strings.TrimPrefix(r.Proxy, "http://"), "%[date]")
	send := func(t *testing.T, path string, lines ...string) (verdict, string) {
		t.Helper()
		return ask(t, addr, token, path, lines...)
	}
	ready(t, r, func() verdict { v, _ := send(t, "pass", authorization); return v })
	proved := func(status int, code string) verdict { return refused(status, code, "edge", "definite") }
	bad := []string{"Authorization: Bearer null"}
	expired := []string{"Authorization: Bearer " + r.PingFederate.Token(ping.Expires(time.Now().Add(-time.Hour)))}
	whole := fmt.Sprintf("expected %d bytes, got ", len("Bearer ")+len(token))
	forged := "X-Auth-Witness: " + member("edge-in", input{method: "GET", host: "x", lines: []string{"Bearer x"}})
	for _, tt := range []struct {
		path string
		send []string
		want verdict
		says string // in the detail
	}{
		{"pass", good, passed, ""},
		{"pass", expired, refused(401, "token_expired", "client", "definite"), "arrived as edge-in saw it"},
		{"strip-inside", good, proved(401, "credential_stripped"), inside},
		{"strip-after", good, proved(401, "credential_stripped"), behind},
		{"blank-inside", good, proved(400, "credential_empty"), inside},
		{"blank-after", good, proved(400, "credential_empty"), behind},
		{"move-inside", good, proved(401, "credential_moved"), inside},
		{"move-after", good, proved(401, "credential_moved"), behind},
		{"join-inside", good, proved(400, "credential_comma_joined"), inside},
		{"join-after", good, proved(400, "credential_comma_joined"), behind},
		{"cut-inside", good, proved(401, "credential_truncated"), inside},
		{"cut-after", good, proved(401, "credential_truncated"), behind},
		{"cut-inside", good, proved(401, "credential_truncated"), whole},
		{"cut-after", good, proved(401, "credential_truncated"), whole},
		{"replace-inside", good, proved(401, "credential_replaced"), inside},
		{"replace-after", good, proved(401, "credential_replaced"), behind},
		{"quote-inside", good, proved(401, "credential_rewritten"), inside},
		{"quote-after", good, proved(401, "credential_rewritten"), behind},
		{"inject-inside", nil, proved(401, "scheme_unsupported"), inside},
		{"inject-inside", nil, proved(401, "scheme_unsupported"), "credential_injected"},
		{"inject-after", nil, proved(401, "scheme_unsupported"), behind},
		{"host-inside", good, passed, ""},
		{"host-inside", bad, refused(400, "token_placeholder", "client", "definite"), "host_rewritten"},
		{"host-after", bad, refused(400, "token_placeholder", "client", "definite"), "host_rewritten"},
		{"method-inside", bad, refused(400, "token_placeholder", "client", "definite"), "method_rewritten"},
		{"pass", bad, refused(400, "token_placeholder", "client", "definite"), ""},
		{"pass", nil, refused(401, "credential_missing", "client", "definite"), "no credential reached edge-in"},
		{"pass", []string{forged}, refused(401, "credential_missing", "client", "definite"), "no credential reached edge-in"},
	} {
		t.Run(strings.TrimSpace(tt.path+" "+summary(tt.send)), func(t *testing.T) {
			got, detail := send(t, tt.path, tt.send...)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(verdict{})); diff != "" || !strings.Contains(detail, tt.says) {
				t.Errorf("(-want +got):\n%sexpected %q in the detail %s", diff, tt.says, detail)
			}
		})
	}
}

// TestProofAcrossProxies: HAProxy states what it received, another proxy behind it
// does the damage. One point proves that, and says nothing of the proxy's inside.
func TestProofAcrossProxies(t *testing.T) {
	r := witnessing(t, "optional")
	token := r.PingFederate.Token(ping.ForClient("premium-client"))
	addrs := map[string]string{}
	for name, damaging := range startAll(t, r) {
		addrs[name] = haproxySigning(t, damaging, "%[date]")
	}
	ready(t, r, func() verdict { v, _ := ask(t, addrs["nginx"], token, "pass", authorization); return v })
	proved := func(status int, code string) verdict { return refused(status, code, "edge", "definite") }
	for _, m := range []mutation{
		{"nginx", "pass", good, passed},
		{"nginx", "strip", good, proved(401, "credential_stripped")},
		{"nginx", "blank", good, proved(400, "credential_empty")},
		{"nginx", "move", good, proved(401, "credential_moved")},
		{"nginx", "cut", good, proved(401, "credential_truncated")},
		{"nginx", "spnego", good, proved(401, "credential_replaced")},
		{"nginx", "no-scheme", good, proved(400, "scheme_missing")},
		{"apache", "pass", good, passed},
		{"apache", "strip", good, proved(401, "credential_stripped")},
		{"apache", "append", good, proved(400, "credential_comma_joined")},
		{"apache", "ntlm", good, proved(401, "credential_replaced")},
		{"apache", "pass", []string{authorization, "Connection: close, Authorization"}, proved(401, "credential_stripped")},
		{"squid", "pass", good, passed},
		{"squid", "default", good, proved(401, "credential_stripped")},
		{"squid", "replace", good, proved(401, "credential_replaced")},
		{"squid", "pass", nil, refused(401, "credential_missing", "client", "definite")},
	} {
		t.Run(m.proxy+"/"+m.path+" "+summary(m.send), func(t *testing.T) {
			got, detail := ask(t, addrs[m.proxy], token, m.path, m.send...)
			if diff := cmp.Diff(m.want, got, cmp.AllowUnexported(verdict{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if m.want.hop == "edge" && !strings.Contains(detail, "between edge-in and the gateway") {
				t.Errorf("detail %s", detail)
			}
		})
	}
}
