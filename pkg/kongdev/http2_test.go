package kongdev_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

// http2Only makes HTTP/2 with prior knowledge of a client or a server.
func http2Only() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// startHTTP2 starts a gateway whose listener takes HTTP/2 too.
func startHTTP2(t *testing.T, yml string, extra ...string) *kong {
	t.Helper()
	k := newHTTP2(t, yml, extra...)
	k.start()
	return k
}

func newHTTP2(t *testing.T, yml string, extra ...string) *kong {
	t.Helper()
	k := newKong(t, yml, extra...)
	text, err := os.ReadFile(k.conf)
	if err != nil {
		t.Fatal(err)
	}
	k.write(k.conf, strings.Replace(string(text), "proxy_listen = "+k.proxy, "proxy_listen = "+k.proxy+" http2", 1))
	return k
}

// http2 is a client with one connection of HTTP/2.
func (k *kong) http2() *http.Client {
	k.t.Helper()
	tr := &http.Transport{Protocols: http2Only(), DisableCompression: true}
	k.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: deadline}
}

// ask sends a request; lines are header lines. The answer's body is read.
func (k *kong) ask(c *http.Client, method, path, body string, lines ...string) (*http.Response, string) {
	k.t.Helper()
	resp, text, err := k.tryHTTP2(c, method, path, body, lines...)
	if err != nil {
		k.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, text
}

func (k *kong) tryHTTP2(c *http.Client, method, path, body string, lines ...string) (*http.Response, string, error) {
	req, err := http.NewRequest(method, "http://"+k.proxy+path, io.MultiReader(strings.NewReader(body)))
	if err != nil {
		return nil, "", err
	}
	if body == "" {
		req.Body = nil
	}
	req.Host = "api.test"
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		req.Header.Add(name, value)
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

func TestHTTP2RunsTheSamePhases(t *testing.T) {
	t.Parallel()
	k := startHTTP2(t, config(upstream(t)+"/base", route("a", "headers"), route("teapot", "exit"), "  - name: plain\n    paths: [/plain]\n"))
	c := k.http2()
	resp, body := k.ask(c, "POST", "/a/x%20y?q=1", "hello", "X-Raw: Jos\xc3\xa9", "Cookie: a=1", "Cookie: b=2", "TE: trailers")
	if resp.StatusCode != 200 || resp.Proto != "HTTP/2.0" || resp.Header.Get("X-Label") != "a" || resp.Header.Get("X-Header-Error") != "<nil>" {
		t.Errorf("got %s %d %v", resp.Proto, resp.StatusCode, resp.Header)
	}
	for _, want := range []string{"POST /base/x%20y?q=1 HTTP/1.1\r\n", "Via: 2 kong/3.9.3\r\n", "Te: trailers\r\n", "X-Forwarded-Host: api.test\r\n",
		"X-Forwarded-Proto: http\r\n", "X-Forwarded-Path: /a/x%20y\r\n", "X-Raw: Jos\xc3\xa9\r\n", "Cookie: a=1; b=2\r\n", "Content-Length: 5\r\n", "\r\n\r\nhello"} {
		if !strings.Contains(body, want) {
			t.Errorf("expected %q at the upstream, got %q", want, body)
		}
	}
	if v := resp.Header.Values("X-Label"); len(v) != 2 || v[1] != "upstream" || len(resp.Header.Values("Set-Cookie")) != 2 {
		t.Errorf("expected the plugin's headers and the upstream's, got %v", resp.Header)
	}
	if resp.Header.Get("Via") != "1.1 kong/3.9.3" || resp.Header.Get("X-Kong-Request-Id") == "" || resp.Header.Get("X-Kong-Proxy-Latency") == "" || resp.Header.Get("Date") == "" {
		t.Errorf("Kong's headers: got %v", resp.Header)
	}
	if resp, body := k.ask(c, "GET", "/teapot", ""); resp.StatusCode != 418 || body != "short and stout" || resp.Header.Get("X-Exit") != "yes" {
		t.Errorf("exit: got %d %q %v", resp.StatusCode, body, resp.Header)
	}
	big := strings.Repeat("0123456789", 20_000) // over nginx's body buffer and HTTP/2's window
	if resp, body := k.ask(c, "POST", "/plain", big); resp.StatusCode != 200 || !strings.HasSuffix(body, "\r\n\r\n"+big) {
		t.Errorf("a large body: got %d and %d bytes", resp.StatusCode, len(body))
	}
	if resp, body := k.ask(c, "HEAD", "/plain", ""); resp.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: got %d %q", resp.StatusCode, body)
	}
	if resp, body := k.ask(c, "GET", "/none", ""); resp.StatusCode != 404 || !strings.Contains(body, `"message":"no Route matched with those values"`) {
		t.Errorf("no route: got %d %q", resp.StatusCode, body)
	}
	if got := k.get("/plain"); got.Status != 200 || !strings.Contains(got.body, "Via: 1.1 kong/3.9.3\r\n") {
		t.Errorf("HTTP/1.1 on the same listener: got %d %q", got.Status, got.body)
	}
	k.await("the access log", func() bool {
		return strings.Contains(k.accessLog(), `"POST /a/x%20y?q=1 HTTP/2.0" 200 `) && strings.Contains(k.accessLog(), `"GET /none HTTP/2.0" 404 `) &&
			strings.Contains(k.accessLog(), `"GET /plain HTTP/1.1" 200 `)
	})
}

func (k *kong) accessLog() string {
	text, err := os.ReadFile(filepath.Join(k.prefix, "logs", "access.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestHTTP2IsNotSpokenUnasked(t *testing.T) {
	t.Parallel()
	k := startKong(t, plain(upstream(t)))
	got := k.dial().send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").recv("GET")
	if got.Status != 400 || !strings.HasPrefix(got.body, "Bad request\n") {
		t.Errorf("expected 400, got %d %q", got.Status, got.body)
	}
}

func TestNginxRefusesHTTP2HeadsBeforeAnyPlugin(t *testing.T) {
	t.Parallel()
	k := startHTTP2(t, config(upstream(t), route("a", "none")))
	c := k.http2()
	resp, body := k.ask(c, "GET", "/a", "", "Authorization: Bearer x", "Authorization: Bearer y")
	if resp.StatusCode != 400 || !strings.HasPrefix(body, "Bad request\nrequest_id: "+resp.Header.Get("X-Kong-Request-Id")) || resp.Header.Get("X-Label") != "" {
		t.Errorf("two Authorization fields: got %d %q %v", resp.StatusCode, body, resp.Header)
	}
	if resp, _ := k.ask(c, "GET", "/a", "", "Authorization: "+strings.Repeat("X", 8192)); resp.StatusCode != 200 {
		t.Errorf("a field of 8 KB: expected 200, got %d", resp.StatusCode)
	}
	if resp, _ := k.ask(c, "GET", "/a", "", slices.Repeat([]string{"X-A: b"}, 990)...); resp.StatusCode != 200 {
		t.Errorf("nearly 1000 fields: expected 200, got %d", resp.StatusCode)
	}
	if resp, body := k.ask(c, "GET", "/a", "", slices.Repeat([]string{"X-A: b"}, 1001)...); resp.StatusCode != 400 || resp.Header.Get("X-Label") != "" {
		t.Errorf("1001 fields: expected 400, got %d %q", resp.StatusCode, body)
	}
	// A field that fits no buffer has no answer in HTTP/2: nginx drops the connection.
	if resp, _, err := k.tryHTTP2(c, "GET", "/a", "", "Authorization: "+strings.Repeat("X", 8193)); err == nil || !strings.Contains(err.Error(), "ENHANCE_YOUR_CALM") {
		t.Errorf("a field over 8 KB: expected ENHANCE_YOUR_CALM, got %v %v", resp, err)
	}
	if resp, _ := k.ask(c, "GET", "/a", ""); resp.StatusCode != 200 {
		t.Errorf("the next connection: expected 200, got %d", resp.StatusCode)
	}
}

// TestStreamsOfAConnectionShareAWorker: they run side by side, on one instance of each
// plugin.
func TestStreamsOfAConnectionShareAWorker(t *testing.T) {
	t.Parallel()
	const streams = 4
	var arrived sync.WaitGroup
	arrived.Add(streams)
	url := serveHTTP(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/together" {
			arrived.Done()
			arrived.Wait()
		}
		fmt.Fprint(w, "ok")
	})
	k := startHTTP2(t, config(url, route("a", "none")))
	c := k.http2()
	k.ask(c, "GET", "/a", "") // opens the connection
	var wg sync.WaitGroup
	for range streams {
		wg.Go(func() {
			if resp, body, err := k.tryHTTP2(c, "GET", "/a/together", ""); err != nil || resp.StatusCode != 200 || body != "ok" {
				t.Errorf("got %v %q %v", resp, body, err)
			}
		})
	}
	wg.Wait()
	if got := strings.Count(k.errorLog(), "started plugin server: seq"); got != 1 {
		t.Errorf("instances started for one connection: expected 1, got %d", got)
	}
}

// serveHTTP runs an upstream.
func serveHTTP(t *testing.T, protocols *http.Protocols, handle http.HandlerFunc) (url string) {
	t.Helper()
	addr := freeAddr(t)
	s := &http.Server{Addr: addr, Protocols: protocols, Handler: handle}
	l, err := listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return "http://" + addr
}

// TestReloadLetsStreamsFinish: the old worker says that it goes, and goes with its last
// stream; new connections are the new one's meanwhile.
func TestReloadLetsStreamsFinish(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	url := serveHTTP(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			asked <- struct{}{}
			<-release
		}
		fmt.Fprint(w, "ok")
	})
	k := newHTTP2(t, config(url, route("a", "none")))
	k.env = soonGone
	k.start()
	c := k.http2()
	first, _ := k.ask(c, "GET", "/a", "")
	pid := first.Header.Get("X-Server-Pid")
	type result struct {
		resp *http.Response
		body string
		err  error
	}
	slow := make(chan result, 1)
	go func() {
		resp, body, err := k.tryHTTP2(c, "GET", "/a/slow", "")
		slow <- result{resp, body, err}
	}()
	<-asked
	k.reload("-p", k.prefix)
	k.await("GOAWAY and the new worker", func() bool {
		resp, _ := k.ask(c, "GET", "/a", "")
		return resp.Header.Get("X-Server-Pid") != pid
	})
	close(release)
	got := <-slow
	if got.err != nil || got.resp.StatusCode != 200 || got.body != "ok" {
		t.Fatalf("the stream in flight: got %+v", got)
	}
	if now := got.resp.Header.Get("X-Server-Pid"); now != pid {
		t.Errorf("the stream in flight: expected plugin process %s, got %q", pid, now)
	}
	k.await("the end of the old plugin process", func() bool {
		_, err := os.Stat("/proc/" + pid)
		return err != nil
	})
}

// TestStopEndsStreams: `kong stop` waits for nobody.
func TestStopEndsStreams(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	url := serveHTTP(t, http2Only(), func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	})
	k := startHTTP2(t, grpcConfig(url))
	failed := make(chan error, 1)
	go func() {
		_, _, err := k.tryHTTP2(k.http2(), "POST", "/pkg.Svc/Unary", "x", "Content-Type: application/grpc")
		failed <- err
	}()
	<-asked
	if out, err := k.run("stop", "-p", k.prefix); err != nil {
		t.Fatalf("stop: %v %s", err, out)
	}
	if err := <-failed; err == nil {
		t.Error("expected the call to fail")
	}
	if strings.Contains(k.errorLog(), "abandoned") {
		t.Error("a call outlived its connection")
	}
}

// echoHead writes a request's head as HTTP/1 does, for what a handler wants to show.
func echoHead(r *http.Request) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\nHost: %s\r\n", r.Method, r.RequestURI, r.Proto, r.Host)
	if err := r.Header.Write(&b); err != nil {
		return err.Error()
	}
	return h1.Escape(b.String())
}
