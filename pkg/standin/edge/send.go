package edge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

// outgoing is a request as it goes to the target.
type outgoing struct {
	bytes   []byte
	method  string
	framing rawhttp.Framing
	close   bool // the client wants its connection closed
	cookie  bool // the client brought the persistence cookie
}

// incoming is the head of a final answer.
type incoming struct {
	head    rawhttp.Head
	framing rawhttp.Framing
}

// outbound prepares a request for the target: the rules, then the forwarding headers.
func (e *Edge) outbound(head rawhttp.Head, client net.Addr) (outgoing, error) {
	framing, err := head.RequestBody()
	if err != nil {
		return outgoing{}, err
	}
	method, _, version, err := head.RequestLine()
	if err != nil {
		return outgoing{}, err
	}
	request := outgoing{
		method:  method,
		framing: framing,
		close:   head.Nominates("Connection", "close") || version == "HTTP/1.0",
		cookie:  e.hasCookie(head),
	}
	head, err = rewrite(*e.rules.Load(), head)
	if err != nil {
		return outgoing{}, err
	}
	if !e.options.NoForwarded {
		head = e.forwarded(head, client)
	}
	request.bytes = head.Append(nil)
	return request, nil
}

// send forwards a request and returns the head of its answer. The body follows beside
// it: upload yields that one's error once. After an error the client is nobody's to
// read and the target is gone.
func (p *proxy) send(request outgoing) (incoming, <-chan error, error) {
	for {
		reused := p.target != nil
		if err := p.connect(); err != nil {
			return incoming{}, nil, err
		}
		upload := p.start(request)
		answer, err := p.await(request)
		if err == nil {
			return answer, upload, nil
		}
		p.abort(upload)
		// A kept connection may have ended while it idled: ask once more on a new one
		// where that can do no harm (RFC 9110, 9.2.2).
		if !reused || !repeatable(request) || !isDisconnect(err) {
			return incoming{}, nil, err
		}
	}
}

// start writes head and body beside the caller, because a target may answer before it
// has read either.
func (p *proxy) start(request outgoing) <-chan error {
	upload := make(chan error, 1)
	target, client := p.target, p.client
	p.edge.group.Go(func() {
		_, err := target.Write(request.bytes)
		if err == nil && !request.framing.Empty() {
			_, err = request.framing.Copy(target.Conn, client.in)
		}
		if half, ok := target.Conn.(*net.TCPConn); ok && err != nil {
			half.CloseWrite() // the target must not wait for a body whose client is gone
		}
		upload <- err
	})
	return upload
}

// await passes interim answers on (RFC 9110, 15.2) and returns the final one.
func (p *proxy) await(request outgoing) (incoming, error) {
	p.target.SetReadDeadline(time.Now().Add(waitTimeout))
	defer func() { p.target.SetReadDeadline(time.Time{}) }()
	for {
		head, err := rawhttp.ReadHead(p.target.in, maxHead)
		if err != nil {
			return incoming{}, err
		}
		status, err := head.Status()
		if err != nil {
			return incoming{}, err
		}
		if status == http.StatusSwitchingProtocols {
			return incoming{}, errors.New("upgrades are not forwarded")
		}
		if status >= 200 {
			framing, err := head.ResponseBody(request.method)
			return incoming{head, framing}, err
		}
		if _, err := p.client.Write(head.Append(nil)); err != nil {
			return incoming{}, fmt.Errorf("pass an interim answer on: %w", err)
		}
	}
}

func (p *proxy) connect() error {
	if p.target != nil {
		return nil
	}
	c, err := net.DialTimeout("tcp", p.edge.options.Target, dialTimeout)
	if err != nil {
		return err
	}
	if !p.edge.track(c) {
		return net.ErrClosed
	}
	p.target = newStream(c)
	return nil
}

func repeatable(request outgoing) bool {
	safe := request.method == http.MethodGet || request.method == http.MethodHead || request.method == http.MethodOptions
	return safe && request.framing.Empty()
}

// isDisconnect reports whether the target went away, rather than talked nonsense or
// took too long.
func isDisconnect(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &network)
}

// forwarded adds the forwarding headers: one more line of X-Forwarded-For behind those
// that came, as proxies that do not merge lines do, and X-Forwarded-Proto in place of
// what the client claims.
func (e *Edge) forwarded(head rawhttp.Head, client net.Addr) rawhttp.Head {
	fields := make([]rawhttp.Field, 0, len(head.Fields)+2)
	for _, f := range head.Fields {
		if !f.Is("X-Forwarded-Proto") {
			fields = append(fields, f)
		}
	}
	host, _, err := net.SplitHostPort(client.String())
	if err == nil {
		fields = append(fields, rawhttp.NewField("X-Forwarded-For", host))
	}
	head.Fields = append(fields, rawhttp.NewField("X-Forwarded-Proto", e.options.Proto))
	return head
}

func (e *Edge) cookieName() string { return "BIGipServer" + e.options.CookiePool }

// hasCookie reports whether the client brought the persistence cookie.
func (e *Edge) hasCookie(head rawhttp.Head) bool {
	for _, value := range head.Values("Cookie") {
		for pair := range strings.SplitSeq(value, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if name == e.cookieName() {
				return true
			}
		}
	}
	return false
}

// inbound adds the persistence cookie to an answer where it is due.
func (e *Edge) inbound(head rawhttp.Head, request outgoing, target net.Addr) rawhttp.Head {
	tcp, ok := target.(*net.TCPAddr)
	if e.options.CookiePool == "" || request.cookie || !ok {
		return head
	}
	cookie := e.cookieName() + "=" + persistence(tcp.AddrPort()) + "; path=/; Httponly"
	head.Fields = append(head.Fields, rawhttp.NewField("Set-Cookie", cookie))
	return head
}
