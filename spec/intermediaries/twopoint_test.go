//go:build spec

package intermediaries

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// twoPoints runs HAProxy with the shipped lines pasted in twice, as their comment
// says: first in the frontend, last in the backend. The rules of
// testdata/inside.cfg stand between the two points, and again behind the second,
// where the paths end in -after.
func twoPoints(t *testing.T, target, clock string) (addr string) {
	t.Helper()
	_, rest, _ := strings.Cut(shipped(t, "kong/haproxy/witness.cfg", "%[date]", clock), "  # witness")
	_, lines, _ := strings.Cut(rest, "\n")
	lines, _, ok := strings.Cut(lines, "  # end of witness")
	if !ok {
		t.Fatal("expected the lines to paste between their two comments")
	}
	const forget = "  http-request del-header X-Auth-Witness\n"
	second := strings.Replace(strings.Replace(lines, forget, "", 1), "edge-in;", "edge-out;", 1)
	if second == lines {
		t.Fatal("expected a del-header and edge-in in the lines to paste")
	}
	damage, err := os.ReadFile(filepath.Join("testdata", "inside.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	inside := string(damage)
	after := strings.ReplaceAll(inside, "-inside", "-after")
	addr = freeAddr(t)
	config := "defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n" +
		"frontend edge\n  bind " + addr + "\n" + lines + inside + "  default_backend kong\n" +
		"backend kong\n" + second + after + "  server kong " + target + "\n"
	launch(t, addr, []string{"WITNESS_KEY=" + base64.StdEncoding.EncodeToString([]byte(secret))}, "haproxy",
		"-db", "-f", write(t, rig.Dir(t), "haproxy.cfg", config))
	return addr
}

// TestTwoPointsOfOneProxy: each point states what it saw.
func TestTwoPointsOfOneProxy(t *testing.T) {
	behind := startOrigin(t)
	addr := twoPoints(t, behind.addr, pinned)
	const host = "api.example.com"
	came := input{method: "GET", host: host, lines: []string{"Bearer abcdefghijkl"}}
	left := func(host string, lines ...string) input { return input{method: "GET", host: host, lines: lines} }
	for path, out := range map[string]input{
		"pass":           came,
		"strip-inside":   left(host),
		"strip-after":    came,
		"cut-inside":     left(host, "Bearer abc"),
		"replace-inside": left(host, "Basic c3NvOnNzbw=="),
		"move-inside":    left(host),
		"host-inside":    left("kong.internal", came.lines...),
		"host-after":     came,
	} {
		t.Run(path, func(t *testing.T) {
			request := strings.Replace(came.raw(), "/orders", "/orders/"+path, 1)
			got, refused := behind.witnesses(t, addr, request)
			if diff := cmp.Diff([]string{member("edge-in", came), member("edge-out", out)}, got); diff != "" {
				t.Errorf("status %d (-want +got):\n%s", refused, diff)
			}
		})
	}
}
