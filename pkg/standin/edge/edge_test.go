package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/edge"
	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

// target is a gateway played by hand: every connection goes to the test.
type target struct {
	net.Listener
	accepted chan *peer
}

// peer is one connection seen by a test, from either side.
type peer struct {
	net.Conn
	in *bufio.Reader
	t  *testing.T
}

func newPeer(t *testing.T, c net.Conn) *peer {
	c.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { c.Close() })
	return &peer{c, bufio.NewReader(c), t}
}

func listen(t *testing.T) *target {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &target{listener, make(chan *peer, 8)}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			g.accepted <- newPeer(t, c)
		}
	}()
	return g
}

func (g *target) accept(t *testing.T) *peer {
	t.Helper()
	select {
	case p := <-g.accepted:
		return p
	case <-time.After(10 * time.Second):
		t.Fatal("got no connection from the edge")
		return nil
	}
}

// send writes text.
func (p *peer) send(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		p.t.Fatal(err)
	}
}

// head reads up to and including the empty line.
func (p *peer) head() string {
	p.t.Helper()
	var all strings.Builder
	for !strings.HasSuffix(all.String(), "\r\n\r\n") {
		line, err := p.in.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			p.t.Fatalf("head after %q: %v", all.String(), err)
		}
	}
	return all.String()
}

// exactly reads as many bytes as text has and compares them.
func (p *peer) exactly(text string) {
	p.t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(p.in, got); err != nil || string(got) != text {
		p.t.Fatalf("got %q, %v, want %q", got[:n], err, text)
	}
}

// ended reports the end of the connection, a reset included.
func (p *peer) ended() {
	p.t.Helper()
	if b, err := p.in.ReadByte(); err == nil {
		p.t.Fatalf("got byte %q, want the end", b)
	} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		p.t.Fatal("connection still open")
	}
}

// pair starts an edge before a target and connects to it.
func pair(t *testing.T, o edge.Options) (*edge.Edge, *target, *peer) {
	t.Helper()
	g := listen(t)
	o.Target = g.Addr().String()
	e, err := edge.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, g, dial(t, e)
}

func dial(t *testing.T, e *edge.Edge) *peer {
	t.Helper()
	c, err := net.Dial("tcp", e.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return newPeer(t, c)
}

const (
	ok       = "HTTP/1.1 200 OK\r\nsERVER: x\r\nContent-Length: 2\r\n\r\n"
	proxied  = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\n"
	question = "GET /a%20b?c HTTP/1.1\r\nhOST: api.example.com\r\nCookie: n=caf\xe9\r\nAuthorization:  Bearer x \r\n"
)

func TestBytesPassAsTheyCame(t *testing.T) {
	e, g, client := pair(t, edge.Options{})
	client.send(question + "\r\n")
	gateway := g.accept(t)
	if diff := cmp.Diff(question+proxied, gateway.head()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	gateway.send(ok + "hi")
	client.exactly(ok + "hi")

	client.send("HEAD / HTTP/1.1\r\n\r\n") // both connections are kept
	gateway.head()
	gateway.send(ok)
	client.exactly(ok)
	if got := e.Requests(); got != 2 {
		t.Errorf("got %d requests counted, want 2", got)
	}
}

func TestForwardingHeaders(t *testing.T) {
	tests := map[string]struct {
		options  edge.Options
		in, want string
	}{
		"proto is the edge's":    {edge.Options{Proto: "https"}, "X-Forwarded-Proto: ftp\r\n", "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"},
		"client's for line kept": {edge.Options{}, "x-forwarded-for: 1.2.3.4\r\n", "x-forwarded-for: 1.2.3.4\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"},
		"none":                   {edge.Options{NoForwarded: true}, "X-Forwarded-Proto: ftp\r\n", "X-Forwarded-Proto: ftp\r\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, g, client := pair(t, tt.options)
			client.send("GET / HTTP/1.1\r\n" + tt.in + "\r\n")
			if diff := cmp.Diff("GET / HTTP/1.1\r\n"+tt.want+"\r\n", g.accept(t).head()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDamageOnTheWire(t *testing.T) {
	const token = "Bearer aaaa.bbbb.cccc"
	tests := map[string]struct {
		mode edge.Mode
		want string
	}{
		"pass":     {edge.Pass(), "Authorization: Bearer aaaa.bbbb.cccc\r\n"},
		"strip":    {edge.Strip(), ""},
		"blank":    {edge.Blank(), "Authorization:" + strings.Repeat(" ", 1+len(token)) + "\r\n"},
		"rewrite":  {edge.Rewrite("Basic \xe9"), "Authorization: Basic \xe9\r\n"},
		"truncate": {edge.Truncate(2), "Authorization: Bearer aaaa.bbbb.cc\r\n"},
		"join":     {edge.Join("Basic eA=="), "Authorization: Bearer aaaa.bbbb.cccc, Basic eA==\r\n"},
		"insert":   {edge.Insert("Basic eA=="), "Authorization: Bearer aaaa.bbbb.cccc\r\nAuthorization: Basic eA==\r\n"},
		"move":     {edge.Move("X-Original-Authorization"), "X-Original-Authorization: Bearer aaaa.bbbb.cccc\r\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, g, client := pair(t, edge.Options{NoForwarded: true})
			if err := e.SetRules(edge.Rule{PathPrefix: "/", Mode: tt.mode}); err != nil {
				t.Fatal(err)
			}
			client.send("GET /x HTTP/1.1\r\nHost: h\r\nAuthorization: " + token + "\r\nZ: 1\r\n\r\n")
			if diff := cmp.Diff("GET /x HTTP/1.1\r\nHost: h\r\n"+tt.want+"Z: 1\r\n\r\n", g.accept(t).head()); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBodiesStreamBothWays(t *testing.T) {
	_, g, client := pair(t, edge.Options{NoForwarded: true})
	post := "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
	client.send(post)
	gateway := g.accept(t)
	gateway.exactly(post)
	for _, chunk := range []string{"2;x=y\r\nab\r\n", "1\r\nc\r\n", "0\r\nT: 1\r\n\r\n"} {
		client.send(chunk) // each arrives before the next is sent
		gateway.exactly(chunk)
	}
	answer := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	gateway.send(answer)
	client.exactly(answer)
	for _, chunk := range []string{"3\r\nabc\r\n", "0\r\n\r\n"} {
		gateway.send(chunk)
		client.exactly(chunk)
	}
	post = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n"
	client.send(post + "ab")
	gateway.exactly(post + "ab")
	client.send("cd")
	gateway.exactly("cd")
	gateway.send(ok + "hi")
	client.exactly(ok + "hi")
}

func TestInterimAnswersPass(t *testing.T) {
	_, g, client := pair(t, edge.Options{NoForwarded: true})
	client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	gateway := g.accept(t)
	gateway.head()
	gateway.send("HTTP/1.1 100 Continue\r\n\r\n")
	client.exactly("HTTP/1.1 100 Continue\r\n\r\n")
	client.send("ab")
	gateway.exactly("ab")
	gateway.send(ok + "hi")
	client.exactly(ok + "hi")
}

func TestAnswerBeforeTheBodyIsSent(t *testing.T) {
	_, g, client := pair(t, edge.Options{})
	client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	gateway := g.accept(t)
	gateway.head()
	gateway.send(ok + "hi")
	client.exactly(ok + "hi")
	client.ended() // a later byte could be body or request
	gateway.ended()
}

func TestTargetThatRefusesABodyInTheMiddle(t *testing.T) {
	_, g, client := pair(t, edge.Options{})
	client.send("POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\nstart")
	gateway := g.accept(t)
	gateway.head()
	gateway.exactly("start")
	answer := "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
	gateway.send(answer)
	gateway.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.CopyN(client, strings.NewReader(strings.Repeat("x", 8<<20)), 8<<20) // fails once the edge has had enough
	}()
	client.exactly(answer)
	client.ended()
	client.Close()
	<-sent
}

func TestClientGoneInMidBody(t *testing.T) {
	_, g, client := pair(t, edge.Options{})
	client.send("POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\nhalf")
	gateway := g.accept(t)
	gateway.head()
	gateway.exactly("half")
	client.Close()
	gateway.ended()
}

func TestConnectionEndsAsAnnounced(t *testing.T) {
	tests := map[string]struct{ request, answer string }{
		"client wants it":   {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", ok + "hi"},
		"http 1.0":          {"GET / HTTP/1.0\r\n\r\n", ok + "hi"},
		"target wants it":   {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
		"body until close":  {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nhello"},
		"cut in mid answer": {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, g, client := pair(t, edge.Options{})
			client.send(tt.request)
			gateway := g.accept(t)
			gateway.head()
			gateway.send(tt.answer)
			gateway.Close()
			client.exactly(tt.answer)
			client.ended()
		})
	}
}

func TestTargetThatEndedAnIdleConnection(t *testing.T) {
	_, g, client := pair(t, edge.Options{})
	client.send("GET /1 HTTP/1.1\r\n\r\n")
	gateway := g.accept(t)
	gateway.head()
	gateway.send(ok + "hi")
	client.exactly(ok + "hi")
	gateway.Close()

	client.send("GET /2 HTTP/1.1\r\n\r\n")
	gateway = g.accept(t)
	if got := gateway.head(); !strings.HasPrefix(got, "GET /2 ") {
		t.Errorf("got %q on the new connection", got)
	}
	gateway.send(ok + "hi")
	client.exactly(ok + "hi")
	gateway.Close()

	client.send("POST /3 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx") // cannot be repeated
	if got := client.head(); !strings.HasPrefix(got, "HTTP/1.1 502 ") {
		t.Errorf("got %q", got)
	}
}

func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		request string
		status  int
	}{
		"not http":             {"\x16\x03\x01 hello\r\n\r\n", 400},
		"name with a space":    {"GET / HTTP/1.1\r\nA : 1\r\n\r\n", 400},
		"two body lengths":     {"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		"another http version": {"GET / HTTP/2.0\r\n\r\n", 400},
		"head too large":       {"GET / HTTP/1.1\r\nA: " + strings.Repeat("x", 300<<10) + "\r\n\r\n", 431},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, client := pair(t, edge.Options{})
			client.send(tt.request)
			if got, want := client.head(), fmt.Sprintf("HTTP/1.1 %d ", tt.status); !strings.HasPrefix(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestTargetThatMakesNoSense(t *testing.T) {
	for name, answer := range map[string]string{
		"not http":    "hello\r\n\r\n",
		"hangs up":    "",
		"upgrade":     "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, g, client := pair(t, edge.Options{})
			client.send("GET / HTTP/1.1\r\n\r\n")
			gateway := g.accept(t)
			gateway.head()
			gateway.send(answer)
			gateway.Close()
			if got := client.head(); !strings.HasPrefix(got, "HTTP/1.1 502 ") {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestTargetThatIsDown(t *testing.T) {
	_, g, client := pair(t, edge.Options{})
	g.Close()
	client.send("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")
	if got := client.head(); !strings.HasPrefix(got, "HTTP/1.1 502 ") {
		t.Errorf("got %q", got)
	}
}

func TestPersistenceCookie(t *testing.T) {
	_, g, client := pair(t, edge.Options{CookiePool: "kong_pool"})
	var set []string
	var gateway *peer
	for _, cookie := range []string{"", "Cookie: a=b; BIGipServerkong_pool=1.2.0000\r\n"} {
		client.send("GET / HTTP/1.1\r\n" + cookie + "\r\n")
		if gateway == nil {
			gateway = g.accept(t)
		}
		gateway.head()
		gateway.send(ok + "hi")
		head, err := rawhttp.ReadHead(client.in, 1<<10)
		if err != nil {
			t.Fatal(err)
		}
		client.exactly("hi")
		set = append(set, strings.Join(head.Values("Set-Cookie"), "|"))
	}
	if !strings.HasPrefix(set[0], "BIGipServerkong_pool=16777343.") || set[1] != "" {
		t.Errorf("got cookies %q", set)
	}
}

func TestStartRefusesWrongOptions(t *testing.T) {
	tests := map[string]edge.Options{
		"target":      {Target: "kong"},
		"proto":       {Target: "kong:8000", Proto: "ftp"},
		"cookie pool": {Target: "kong:8000", CookiePool: "a=b"},
		"rule 1":      {Target: "kong:8000", Rules: []edge.Rule{{PathPrefix: "lost"}}},
		"header name": {Target: "kong:8000", Rules: []edge.Rule{{Field: "a b"}}},
		"strip":       {Target: "kong:8000", Rules: []edge.Rule{{StripPrefix: true}}},
		"listen":      {Target: "kong:8000", Addr: "127.0.0.1:99999"},
	}
	for want, options := range tests {
		if e, err := edge.Start(options); err == nil {
			e.Close()
			t.Errorf("%s: got no error", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to name %q", err, want)
		}
	}
}

func TestCloseDropsConnections(t *testing.T) {
	e, g, client := pair(t, edge.Options{})
	client.send("GET / HTTP/1.1\r\n\r\n")
	gateway := g.accept(t)
	gateway.head()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	client.ended()
	gateway.ended()
	if _, err := http.Get(e.URL()); err == nil {
		t.Error("still listening after close")
	}
}
