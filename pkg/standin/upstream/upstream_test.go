package upstream_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/upstream"
)

// start runs an upstream and opens a connection to it.
func start(t *testing.T) (*upstream.Upstream, net.Conn, *bufio.Reader) {
	t.Helper()
	u, err := upstream.Start(upstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := net.Dial("tcp", u.Addr())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { c.Close() })
	return u, c, bufio.NewReader(c)
}

// exchange sends raw bytes and reads one answer.
func exchange(t *testing.T, c net.Conn, in *bufio.Reader, method, request string) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestEchoesWhatCame(t *testing.T) {
	tests := map[string]struct {
		request string
		want    upstream.Echo
	}{
		"no headers": {
			"GET /a%20b?x=y&z HTTP/1.1\r\n\r\n",
			upstream.Echo{Method: "GET", Path: "/a b", Query: "x=y&z", Headers: map[string][]string{}},
		},
		"names as sent, lines in order": {
			"GET / HTTP/1.1\r\nauthORization: Bearer x\r\nX-A: 1\r\nX-A:\r\nx-a: 3\r\n\r\n",
			upstream.Echo{Method: "GET", Path: "/", Headers: map[string][]string{"authORization": {"Bearer x"}, "X-A": {"1", ""}, "x-a": {"3"}}},
		},
		"8-bit bytes": {
			"GET / HTTP/1.1\r\nCookie: n=caf\xe9\xff\r\n\r\n",
			upstream.Echo{Method: "GET", Path: "/", Headers: map[string][]string{"Cookie": {"n=caf\u00e9\u00ff"}}},
		},
		"body": {
			"POST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
			upstream.Echo{Method: "POST", Path: "/p", Headers: map[string][]string{"Content-Length": {"5"}}, BodyLength: 5},
		},
		"chunked body": {
			"PUT /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
			upstream.Echo{Method: "PUT", Path: "/p", Headers: map[string][]string{"Transfer-Encoding": {"chunked"}}, BodyLength: 5},
		},
	}
	u, c, in := start(t)
	for name, tt := range tests { // all on one connection
		t.Run(name, func(t *testing.T) {
			before := u.RequestsTo(tt.want.Path)
			resp, body := exchange(t, c, in, tt.want.Method, tt.request)
			var got upstream.Echo
			if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("got status %d, body %q, %v", resp.StatusCode, body, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("echo (-want +got):\n%s", diff)
			}
			if after := u.RequestsTo(tt.want.Path); after != before+1 {
				t.Errorf("got %d requests to %s, want %d", after, tt.want.Path, before+1)
			}
		})
	}
	if got := u.Requests(); got != len(tests) {
		t.Errorf("got %d requests, want %d", got, len(tests))
	}
}

func TestEchoGet(t *testing.T) {
	e := upstream.Echo{Headers: map[string][]string{"x-EMPTY": {""}, "X-One": {"1", "2"}}}
	tests := map[string]struct {
		value string
		found bool
	}{"X-Empty": {"", true}, "x-one": {"1", true}, "x-none": {"", false}}
	for name, want := range tests {
		if value, found := e.Get(name); value != want.value || found != want.found {
			t.Errorf("%s: got %q, %t, want %q, %t", name, value, found, want.value, want.found)
		}
	}
}

func TestAnswersAsTheRequestAsks(t *testing.T) {
	const challenge = "Bearer realm=%22a%22"
	tests := map[string]struct {
		method, target string
		status         int
		header, value  string
		empty          bool
	}{
		"status":             {"GET", "/status/401", 401, "Content-Type", "application/json", false},
		"status below":       {"GET", "/api/v1/status/503?x", 503, "", "", false},
		"no content":         {"GET", "/status/204", 204, "", "", true},
		"head":               {"HEAD", "/", 200, "Content-Type", "application/json", true},
		"header":             {"GET", "/status/401?header=WWW-Authenticate:" + strings.ReplaceAll(challenge, " ", "+"), 401, "Www-Authenticate", `Bearer realm="a"`, false},
		"two headers":        {"GET", "/?header=X-A:1&header=X-B:+2", 200, "X-B", "2", false},
		"content type":       {"GET", "/?header=content-type:text/plain", 200, "Content-Type", "text/plain", false},
		"status too small":   {"GET", "/status/101", 400, "", "", false},
		"status too large":   {"GET", "/status/600", 400, "", "", false},
		"status no number":   {"GET", "/status/x", 400, "", "", false},
		"header splits":      {"GET", "/?header=A:1%0d%0aB:2", 400, "B", "", false},
		"header is framing":  {"GET", "/?header=content-length:7", 400, "", "", false},
		"header has no name": {"GET", "/?header=:7", 400, "", "", false},
		"bad target":         {"GET", "no-slash", 400, "", "", false},
		"bad query":          {"GET", "/?%zz", 400, "", "", false},
	}
	_, c, in := start(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			resp, body := exchange(t, c, in, tt.method, fmt.Sprintf("%s %s HTTP/1.1\r\n\r\n", tt.method, tt.target))
			if resp.StatusCode != tt.status || (body == "") != tt.empty {
				t.Errorf("got status %d and body %q, want %d", resp.StatusCode, body, tt.status)
			}
			if tt.header != "" && resp.Header.Get(tt.header) != tt.value {
				t.Errorf("%s: got %q, want %q", tt.header, resp.Header.Get(tt.header), tt.value)
			}
		})
	}
}

func TestExpectContinue(t *testing.T) {
	_, c, in := start(t)
	io.WriteString(c, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	if line, err := in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	in.ReadString('\n')
	if resp, body := exchange(t, c, in, "POST", "ab"); resp.StatusCode != 200 || !strings.Contains(body, `"body_length":2`) {
		t.Errorf("got status %d, body %q", resp.StatusCode, body)
	}
}

func TestConnectionEnds(t *testing.T) {
	tests := map[string]struct {
		request string
		status  int
	}{
		"as the client asks":  {"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", 200},
		"http 1.0":            {"GET / HTTP/1.0\r\n\r\n", 200},
		"ambiguous length":    {"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
		"request line broken": {"GET\r\n\r\n", 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, c, in := start(t)
			resp, _ := exchange(t, c, in, "GET", tt.request)
			if resp.StatusCode != tt.status || !resp.Close {
				t.Errorf("got status %d, close %t, want %d and close", resp.StatusCode, resp.Close, tt.status)
			}
			if _, err := in.ReadByte(); err != io.EOF {
				t.Errorf("got %v, want %v", err, io.EOF)
			}
		})
	}
}

func TestHalfARequestIsNotCounted(t *testing.T) {
	u, c, in := start(t)
	io.WriteString(c, "POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\nhalf")
	c.(*net.TCPConn).CloseWrite()
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("got %v, want %v", err, io.EOF)
	}
	if got := u.Requests(); got != 0 {
		t.Errorf("got %d requests", got)
	}
}

func TestStartReportsATakenAddress(t *testing.T) {
	u, _, _ := start(t)
	if again, err := upstream.Start(upstream.Options{Addr: u.Addr()}); err == nil {
		again.Close()
		t.Error("got no error")
	}
}
