//go:build spec

package intermediaries

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

const (
	patience = 20 * time.Second // for a program to start, or to stop
	packages = "haproxy nginx libnginx-mod-http-js apache2-bin squid tcl tcllib"
)

// program returns the path of one. Its absence is a failure: a proxy's behaviour
// is shown by the proxy or not at all. The distribution's goes first: in Kong's
// image the nginx of PATH is Kong's own, which takes no module of another build.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{"/usr/sbin/" + name, name} {
		if path, err := exec.LookPath(path); err == nil {
			return path
		}
	}
	t.Fatalf("%s is not installed: apt-get install --no-install-recommends %s, or make deps", name, packages)
	return ""
}

// launch starts a program that stays in the foreground, waits until somebody
// listens at addr, and stops it by its pid when the test ends.
func launch(t *testing.T, addr string, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(program(t, name), args...)
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	gone := false
	t.Cleanup(func() {
		if !gone {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-ended:
			case <-time.After(patience):
				_ = cmd.Process.Kill()
				<-ended
				t.Errorf("%s did not stop", name)
			}
		}
		if t.Failed() {
			t.Logf("%s says:\n%s", name, out.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := rig.Until(ctx, func() error {
		select {
		case err := <-ended:
			gone = true
			cancel()
			return err
		default:
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		return c.Close()
	}); err != nil || gone {
		t.Fatalf("%s does not listen at %s: %v", name, addr, err)
	}
}

// freeAddr is a loopback address that nobody listens at.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// place is what a configuration in testdata is filled with.
type place struct {
	Listen, Port string // host:port, and its port alone
	Target       string // host:port of what is behind
	TargetPort   string
	Dir          string // for pid files and the like
}

// configure fills a configuration of testdata and writes it down.
func configure(t *testing.T, name, target string) (file string, p place) {
	t.Helper()
	tmpl, err := template.ParseFiles(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	p = place{Listen: freeAddr(t), Target: target, Dir: rig.Dir(t)}
	_, p.Port, _ = net.SplitHostPort(p.Listen)
	_, p.TargetPort, _ = net.SplitHostPort(target)
	var text bytes.Buffer
	if err := tmpl.Execute(&text, p); err != nil {
		t.Fatal(err)
	}
	return write(t, p.Dir, name, text.String()), p
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// shipped is a file that users copy, with replacements made in it. Each must
// meet something: a test of another text than the shipped one tests nothing.
func shipped(t *testing.T, name string, oldNew ...string) string {
	t.Helper()
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(oldNew); i += 2 {
		if !bytes.Contains(text, []byte(oldNew[i])) {
			t.Fatalf("%s has no %q any more", name, oldNew[i])
		}
	}
	return strings.NewReplacer(oldNew...).Replace(string(text))
}

// exchange sends one request's bytes as they are and reads the answer whole.
func exchange(t *testing.T, addr, request string) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp
}
