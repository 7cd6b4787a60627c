package files_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const haproxyConfig = "kong/haproxy/haproxy.cfg"

// haproxy returns the program. Its absence is a failure: what is shipped is
// checked with the real thing or not at all.
func haproxy(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("haproxy is not installed: apt-get install haproxy, or make deps")
	return ""
}

func TestHAProxyTakesItsConfiguration(t *testing.T) {
	if out, code := run(t, t.TempDir(), haproxy(t), "-c", "-f", inRoot(t, haproxyConfig)); code != 0 {
		t.Errorf("exits %d:\n%s", code, out)
	}
}

// TestHAProxyPassesCredentialsOn runs the configuration between loopback
// addresses: credentials arrive as they were sent, one byte below the limit too,
// and the client's address beside them.
func TestHAProxyPassesCredentialsOn(t *testing.T) {
	type arrived struct {
		authorization []string
		peer          string
	}
	seen := make(chan arrived, 1)
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			seen <- arrived{r.Header["Authorization"], r.Header.Get("X-Forwarded-For")}
		}
	}))
	defer behind.Close()
	edge := startHAProxy(t, strings.TrimPrefix(behind.URL, "http://"))
	for name, value := range map[string]string{
		"a bearer token":   "Bearer eyJhbGciOiJub25lIn0.e30.",
		"15 KB":            "Bearer " + strings.Repeat("a", 15<<10),
		"spaces in it":     "Bearer   a b",
		"a comma":          "Bearer a, Basic b",
		"bytes above 0x7F": "Bearer \xff\xfe",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", edge)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nConnection: close\r\n\r\n", value)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("got %v, %v", resp, err)
			}
			got := <-seen
			if len(got.authorization) != 1 || got.authorization[0] != value || got.peer != "127.0.0.1" {
				t.Errorf("got %.40q from %q", got.authorization, got.peer)
			}
		})
	}
}

// startHAProxy runs the shipped configuration with loopback addresses in it and
// returns the one it listens on.
func startHAProxy(t *testing.T, target string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	config := strings.NewReplacer("bind :8080", "bind "+addr, "server kong kong:8000 check resolvers docker", "server kong "+target).Replace(read(t, haproxyConfig))
	if !strings.Contains(config, addr) || !strings.Contains(config, "server kong "+target) {
		t.Fatal("the configuration has other addresses than this test puts its own in for")
	}
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(haproxy(t), "-db", "-f", file)
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); t.Failed() {
			t.Logf("haproxy: %v\n%s", err, out)
		}
	})
	if err := awaitDial(t, "tcp", addr); err != nil {
		t.Fatalf("haproxy does not listen: %v", err)
	}
	return addr
}
