//go:build spec

package intermediaries

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// witnesses are the lines of X-Auth-Witness that arrive behind a proxy for a
// request, or the proxy's own status if it refuses the request.
func (o origin) witnesses(t *testing.T, proxy, request string) (lines []string, refused int) {
	t.Helper()
	resp := exchange(t, proxy, request)
	select {
	case head := <-o.heads:
		return head.Values("X-Auth-Witness"), 0
	default:
		return nil, resp.StatusCode
	}
}

// pinned is the time that signers state instead of their clock's.
var pinned = fmt.Sprint(now)

// nginxSigning runs the shipped configuration with njs at a loopback address and
// with clock in place of the expression that reads the time; oldNew are further
// replacements in the configuration.
func nginxSigning(t *testing.T, target, clock string, oldNew ...string) (addr string) {
	t.Helper()
	return nginxWithKey(t, secret, kid, target, clock, oldNew...)
}

func nginxWithKey(t *testing.T, secret, kid, target, clock string, oldNew ...string) (addr string) {
	t.Helper()
	addr, dir := freeAddr(t), rig.Dir(t)
	write(t, dir, "witness.js", shipped(t, "kong/nginx/witness.js", "Math.floor(Date.now() / 1000)", clock))
	temporary := "access_log off;"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += " " + kind + "_temp_path " + filepath.Join(dir, kind) + ";"
	}
	config := shipped(t, "kong/nginx/witness.conf", append(slices.Clone(oldNew),
		"modules/ngx_http_js_module.so", "/usr/lib/nginx/modules/ngx_http_js_module.so",
		"js_path /etc/nginx/;", "js_path "+dir+"/; "+temporary,
		"listen 8080", "listen "+addr,
		"http://127.0.0.1:8000", "http://"+target)...)
	launch(t, addr, []string{"WITNESS_KEY=" + secret, "WITNESS_KID=" + kid}, "nginx",
		"-p", dir, "-c", write(t, dir, "nginx.conf", config), "-g", "daemon off; error_log stderr; pid "+filepath.Join(dir, "pid")+";")
	return addr
}

// haproxySigning does the same with HAProxy.
func haproxySigning(t *testing.T, target, clock string, oldNew ...string) (addr string) {
	t.Helper()
	addr = freeAddr(t)
	config := shipped(t, "kong/haproxy/witness.cfg", append(slices.Clone(oldNew),
		"%[date]", clock, "bind :8080", "bind "+addr, "server kong 127.0.0.1:8000", "server kong "+target)...)
	launch(t, addr, []string{"WITNESS_KEY=" + base64.StdEncoding.EncodeToString([]byte(secret))}, "haproxy",
		"-db", "-f", write(t, rig.Dir(t), "haproxy.cfg", config))
	return addr
}

// TestSignersWriteTheSameBytes: for every input each signer writes the member
// that the wire format demands, or refuses the request where the input says so.
func TestSignersWriteTheSameBytes(t *testing.T) {
	behind := startOrigin(t)
	for name, addr := range map[string]string{
		"nginx":   nginxSigning(t, behind.addr, pinned),
		"haproxy": haproxySigning(t, behind.addr, pinned),
	} {
		for _, in := range inputs() {
			t.Run(name+"/"+in.name, func(t *testing.T) {
				got, refused := behind.witnesses(t, addr, in.raw())
				if slices.Contains(strings.Fields(in.refused), name) {
					if refused < 400 || refused > 499 {
						t.Errorf("expected to be refused, got %d and %q", refused, got)
					}
					return
				}
				if diff := cmp.Diff([]string{member("edge-in", in)}, got); diff != "" {
					t.Errorf("status %d (-want +got):\n%s", refused, diff)
				}
			})
		}
	}
}

// TestClientsWitness: the outermost signer removes what the client wrote, a
// later one puts its member behind it.
func TestClientsWitness(t *testing.T) {
	behind := startOrigin(t)
	in := input{method: "GET", host: "api.example.com", lines: []string{"Bearer a.b.c"}}
	request := strings.TrimSuffix(in.raw(), "\r\n") + "X-Auth-Witness: first\r\nx-auth-witness: second\r\n\r\n"
	for name, tt := range map[string]struct {
		addr string
		want []string
	}{
		"nginx, outermost":   {nginxSigning(t, behind.addr, pinned), []string{member("edge-in", in)}},
		"nginx, later":       {nginxSigning(t, behind.addr, pinned, "witness.edgeIn;", "witness.edgeOut;"), []string{"first, second", member("edge-out", in)}},
		"haproxy, outermost": {haproxySigning(t, behind.addr, pinned), []string{member("edge-in", in)}},
		"haproxy, later": {haproxySigning(t, behind.addr, pinned, "  http-request del-header X-Auth-Witness\n", "", "'edge-in;", "'edge-out;"),
			[]string{"first", "second", member("edge-out", in)}},
	} {
		t.Run(name, func(t *testing.T) {
			got, refused := behind.witnesses(t, tt.addr, request)
			if diff := cmp.Diff(strings.Join(tt.want, ", "), strings.Join(got, ", ")); diff != "" {
				t.Errorf("status %d (-want +got):\n%s", refused, diff)
			}
		})
	}
}

// TestSignersWithoutAKey: nginx sends requests on unsigned, and without a witness
// that the client wrote; HAProxy does not start.
func TestSignersWithoutAKey(t *testing.T) {
	behind := startOrigin(t)
	for name, key := range map[string][2]string{
		"no key":      {"", kid},
		"a short key": {secret[1:], kid},
		"no id":       {secret, ""},
	} {
		t.Run("nginx, "+name, func(t *testing.T) {
			addr := nginxWithKey(t, key[0], key[1], behind.addr, pinned)
			got, refused := behind.witnesses(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nX-Auth-Witness: forged\r\n\r\n")
			if len(got) != 0 || refused != 0 {
				t.Errorf("status %d, %q", refused, got)
			}
		})
	}
	t.Run("haproxy", func(t *testing.T) {
		file := write(t, rig.Dir(t), "haproxy.cfg", shipped(t, "kong/haproxy/witness.cfg"))
		cmd := exec.Command(program(t, "haproxy"), "-c", "-f", file)
		cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "WITNESS_KEY=") })
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "WITNESS_KEY is not set") {
			t.Errorf("expected to be told of the key, got %v\n%s", err, out)
		}
	})
}

// TestNginxStatesWhatItRead, not what its own configuration sends on.
func TestNginxStatesWhatItRead(t *testing.T) {
	behind := startOrigin(t)
	in := input{method: "GET", host: "api.example.com", lines: []string{"Bearer a.b.c"}}
	const host = "proxy_set_header Host $http_host;"
	addr := nginxSigning(t, behind.addr, pinned, host, `proxy_set_header Host kong.internal; proxy_set_header Authorization "";`)
	got, refused := behind.witnesses(t, addr, in.raw())
	if diff := cmp.Diff([]string{member("edge-in", in)}, got); diff != "" {
		t.Errorf("status %d (-want +got):\n%s", refused, diff)
	}
}
