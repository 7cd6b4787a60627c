package kongdev_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// plain is a configuration without plugins.
func plain(url string) string {
	return config(url+"/base", "  - name: a\n    paths: [/a]\n", "  - name: keep\n    paths: [/keep]\n    strip_path: false\n    preserve_host: true\n") +
		"routes:\n- name: orphan\n  paths: [/orphan]\n- name: tls\n  paths: [/tls]\n  protocols: [https]\n  service: svc\n" +
		"- name: moved\n  paths: [/moved]\n  protocols: [https]\n  https_redirect_status_code: 301\n  service: svc\n"
}

// rawUpstream answers every connection with what script makes of the request
// head and body it reads.
func rawUpstream(t *testing.T, script func(head string, c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				br, head := bufio.NewReader(c), ""
				for {
					line, err := br.ReadString('\n')
					if err != nil {
						return
					}
					if head += line; line == "\r\n" {
						if n := br.Buffered(); n > 0 {
							rest := make([]byte, n)
							if _, err := io.ReadFull(br, rest); err != nil {
								return
							}
							head += string(rest)
						}
						script(head, c)
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestUpstreamSeesKongsHeaders(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 4)
	url := rawUpstream(t, func(head string, c net.Conn) {
		heads <- head
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close, X-Nominated\r\nX-Nominated: x\r\nVia: 1.0 inner\r\nServer: mine\r\n\r\nok")
	})
	k := startKong(t, plain(url))
	got := k.get("/a/x%20y?q=1", "X-Raw: Jos\xe9", "Connection: keep-alive, X-Secret", "X-Secret: s", "Keep-Alive: 5", "Proxy: p",
		"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "Via: 1.1 edge", "Upgrade: h2c", "Proxy-Authorization: p")
	head := <-heads
	id := got.Header.Value("X-Kong-Request-Id")
	want := []string{"GET /base/x%20y?q=1 HTTP/1.1", "Via: 1.1 edge, 1.1 kong/3.9.3", "Host: " + strings.TrimPrefix(url, "http://"), "Connection: keep-alive",
		"X-Forwarded-For: 192.0.2.1, 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: api.test",
		"X-Forwarded-Port: " + k.proxy[strings.LastIndex(k.proxy, ":")+1:], "X-Forwarded-Path: /a/x%20y", "X-Forwarded-Prefix: /a",
		"X-Real-IP: 127.0.0.1", "X-Kong-Request-Id: " + id, "X-Raw: Jos\xe9", "Proxy-Authorization: p", "", ""}
	if diff := cmp.Diff(want, strings.Split(head, "\r\n")); diff != "" {
		t.Errorf("upstream head (-want +got):\n%s", diff)
	}
	if got.Header.Has("X-Nominated") || got.Header.Value("Server") != "mine" || got.Header.Value("Via") != "1.0 inner, 1.1 kong/3.9.3" {
		t.Errorf("response: got %v", got.Header)
	}
	for _, name := range []string{"X-Kong-Upstream-Latency", "X-Kong-Proxy-Latency", "Date"} {
		if !got.Header.Has(name) {
			t.Errorf("response: %s is missing", name)
		}
	}
	for target, want := range map[string]string{"/a/q?": "/base/q?", "/a/q??": "/base/q??", "/a/q": "/base/q"} {
		k.get(target)
		if head := <-heads; !strings.HasPrefix(head, "GET "+want+" HTTP/1.1\r\n") {
			t.Errorf("%s: expected %s at the upstream, got %q", target, want, head)
		}
	}
	k.get("/keep/x")
	if head := <-heads; !strings.HasPrefix(head, "GET /base/keep/x HTTP/1.1\r\n") || !strings.Contains(head, "\r\nHost: api.test\r\n") || strings.Contains(head, "X-Forwarded-Prefix") {
		t.Errorf("strip_path false, preserve_host true: got %q", head)
	}
}

func TestTrustedPeersForwardedHeadersAreKept(t *testing.T) {
	t.Parallel()
	k := startKong(t, plain(upstream(t)), "trusted_ips = 127.0.0.0/8", "real_ip_header = X-Forwarded-For", "real_ip_recursive = on")
	got := k.get("/a", "X-Forwarded-For: 192.0.2.1, 127.0.0.2", "X-Forwarded-Proto: https", "X-Forwarded-Host: edge.test")
	for _, want := range []string{"X-Forwarded-Proto: https\r\n", "X-Forwarded-Host: edge.test\r\n", "X-Real-Ip: 192.0.2.1\r\n",
		"X-Forwarded-For: 192.0.2.1, 127.0.0.2, 127.0.0.1\r\n"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("expected %q in %q", want, got.body)
		}
	}
	if got := k.get("/moved", "X-Forwarded-Host: edge.test"); got.Status != 301 || got.Header.Value("Location") != "https://edge.test/moved" {
		t.Errorf("redirect to https: expected the edge's host, got %d %v", got.Status, got.Header)
	}
	if got := k.get("/tls", "X-Forwarded-Proto: https"); got.Status != 200 {
		t.Errorf("https-only route through a trusted edge: expected 200, got %d", got.Status)
	}
}

func TestBodiesAndConnections(t *testing.T) {
	t.Parallel()
	k := startKong(t, plain(upstream(t)))
	big := strings.Repeat("0123456789", 2000) // over nginx's body buffer
	c := k.dial()
	for name, step := range map[string]struct{ raw, want string }{
		"by length": {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "Content-Length: 5\r\n"},
		"chunked":   {"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "\r\n\r\nhello"},
		"large":     {fmt.Sprintf("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(big), big), big},
		"empty":     {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "POST /base HTTP"},
	} {
		if got := c.send(step.raw).recv("POST"); got.Status != 200 || !strings.Contains(got.body, step.want) {
			t.Errorf("%s: got %d %.200q", name, got.Status, got.body)
		}
	}
	if got := c.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n").recv("HEAD"); got.Status != 200 || got.body != "" {
		t.Errorf("HEAD: got %d %q", got.Status, got.body)
	}
	c.send(request("/a") + request("/none")) // pipelined
	if one, two := c.recv("GET"), c.recv("GET"); one.Status != 200 || two.Status != 404 {
		t.Errorf("pipelined: expected 200 and 404, got %d and %d", one.Status, two.Status)
	}
	c.send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	if line, err := c.br.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("expected 100 Continue, got %q %v", line, err)
	}
	if _, err := c.br.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if got := c.send("ok").recv("POST"); got.Status != 200 || got.Header.Value("Connection") != "keep-alive" {
		t.Errorf("after 100 Continue: got %d %v", got.Status, got.Header)
	}
	if got := c.send("GET /a HTTP/1.0\r\n\r\n").recv("GET"); got.Header.Value("Connection") != "close" || got.Header.Has("Transfer-Encoding") {
		t.Errorf("HTTP/1.0: got %v", got.Header)
	}
	if _, err := c.br.ReadByte(); err != io.EOF {
		t.Errorf("HTTP/1.0: expected the connection to end, got %v", err)
	}
}

func TestGatewayErrors(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"garbage": "this is not HTTP\r\n\r\n",
		"close":   "",
		"cut":     "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
	}
	url := rawUpstream(t, func(head string, c net.Conn) {
		for name, text := range answers {
			if strings.Contains(head, "/"+name) {
				fmt.Fprint(c, text)
			}
		}
	})
	yml := plain(url) + "- name: down\n  paths: [/down]\n  service: dead\n- name: unnamed\n  paths: [/unnamed]\n  service: lost\n"
	yml = strings.Replace(yml, "services:\n", "services:\n- name: dead\n  url: http://"+freeAddr(t)+"\n- name: lost\n  url: http://no-such-host.invalid\n", 1)
	k := startKong(t, yml)
	for path, want := range map[string]struct {
		status  int
		message string
		proxied bool
	}{
		"/down":      {502, "An invalid response was received from the upstream server", true},
		"/a/garbage": {502, "An invalid response was received from the upstream server", true},
		"/a/close":   {502, "An invalid response was received from the upstream server", true},
		"/unnamed":   {503, "name resolution failed", false},
		"/orphan":    {503, "no Service found with those values", false},
		"/tls":       {426, "Please use HTTPS protocol", false},
		"/nothing":   {404, "no Route matched with those values", false},
	} {
		got := k.get(path)
		if got.Status != want.status || !strings.Contains(got.body, want.message) {
			t.Errorf("%s: expected %d %q, got %d %q", path, want.status, want.message, got.Status, got.body)
		}
		if got.Header.Value("Server") != "kong/3.9.3" || got.Header.Has("X-Kong-Response-Latency") == want.proxied {
			t.Errorf("%s: got %v", path, got.Header)
		}
	}
	html := k.get("/nothing", "Accept: text/html;q=0.9, application/json;q=0.1")
	if !strings.HasPrefix(html.body, "<!doctype html>") || html.Header.Value("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("Accept: text/html: got %q", html.body)
	}
}

func TestCharsetIsAddedToText(t *testing.T) {
	t.Parallel()
	url := rawUpstream(t, func(head string, c net.Conn) {
		_, kind, _ := strings.Cut(strings.SplitN(head, " ", 3)[1], "?")
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: %s\r\nConnection: close\r\n\r\nok", strings.ReplaceAll(kind, "_", "; "))
	})
	k := startKong(t, plain(url))
	for sent, want := range map[string]string{
		"text/plain":                    "text/plain; charset=UTF-8",
		"Text/HTML":                     "Text/HTML; charset=UTF-8",
		"text/plain_charset=iso-8859-1": "text/plain; charset=iso-8859-1",
		"text/plain_format=flowed":      "text/plain; format=flowed",
		"text/css":                      "text/css",
		"application/json":              "application/json",
	} {
		if got := k.get("/a?" + sent).Header.Value("Content-Type"); got != want {
			t.Errorf("%s: expected %q, got %q", sent, want, got)
		}
	}
}

// TestUpstreamIsAskedAgain: a service has 5 retries, for connections that end or
// say nothing, and never for a request that may have had its effect.
func TestUpstreamIsAskedAgain(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 64)
	url := rawUpstream(t, func(head string, c net.Conn) {
		asked <- head
		if strings.Contains(head, "/silent") {
			time.Sleep(time.Second)
		}
		if strings.Contains(head, "/garbled") {
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nno header\r\n\r\n")
		}
	})
	k := startKong(t, strings.Replace(plain(url), "url: ", "read_timeout: 100\n  url: ", 1))
	for name, want := range map[string]struct {
		request string
		status  int
		asked   int
	}{
		"closed":       {request("/a/closed"), 502, 6},
		"silent":       {request("/a/silent"), 504, 6},
		"garbled":      {request("/a/garbled"), 502, 1},
		"closed, POST": {"POST /a/closed HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 502, 1},
		"closed, PUT":  {"PUT /a/closed HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 502, 6},
	} {
		got := k.dial().send(want.request).recv("GET")
		if n := len(asked); got.Status != want.status || n != want.asked {
			t.Errorf("%s: expected %d and %d requests to the upstream, got %d and %d", name, want.status, want.asked, got.Status, n)
		}
		for len(asked) > 0 {
			<-asked
		}
	}
}

func TestOwnHeadersCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	k := startKong(t, plain(upstream(t)), "headers = off")
	for _, path := range []string{"/a", "/nothing"} {
		got := k.get(path)
		for _, name := range []string{"Via", "X-Kong-Request-Id", "X-Kong-Upstream-Latency", "X-Kong-Response-Latency", "Server"} {
			if got.Header.Has(name) {
				t.Errorf("%s: %s was sent", path, name)
			}
		}
	}
}
