package edge

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

const (
	maxHead     = 256 << 10 // more than any gateway behind takes, so that it is the one to refuse
	dialTimeout = 5 * time.Second
	idleTimeout = 2 * time.Minute
	waitTimeout = time.Minute // for the target to answer
	acceptPause = 5 * time.Millisecond
	lingerTime  = time.Second // for a client that still sends when its answer is complete
)

// stream is one side of a proxied connection.
type stream struct {
	net.Conn
	in *bufio.Reader
}

func newStream(c net.Conn) *stream { return &stream{Conn: c, in: bufio.NewReader(c)} }

// proxy is one client connection and the connection to the target that goes with it.
type proxy struct {
	edge   *Edge
	client *stream
	target *stream // nil until the first request, and after the target closed
}

func (e *Edge) serve(c net.Conn) {
	p := &proxy{edge: e, client: newStream(c)}
	defer e.drop(c)
	defer p.hangUp()
	for {
		p.client.SetReadDeadline(time.Now().Add(idleTimeout))
		head, err := rawhttp.ReadHead(p.client.in, maxHead)
		if errors.Is(err, rawhttp.ErrTooLarge) {
			p.refuse(http.StatusRequestHeaderFieldsTooLarge)
		} else if errors.Is(err, rawhttp.ErrMalformed) {
			p.refuse(http.StatusBadRequest)
		}
		if err != nil {
			return
		}
		p.client.SetReadDeadline(time.Time{})
		if !p.exchange(head) {
			return
		}
	}
}

// hangUp closes the connection to the target, if there is one.
func (p *proxy) hangUp() {
	if p.target != nil {
		p.edge.drop(p.target.Conn)
		p.target = nil
	}
}

// refuse answers in the edge's own name; the connection closes after it.
func (p *proxy) refuse(status int) {
	p.edge.requests.Add(1)
	text := http.StatusText(status) + "\n"
	fmt.Fprintf(p.client, "HTTP/1.1 %d %s\r\nServer: edge\r\nContent-Type: text/plain\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", status, http.StatusText(status), len(text), text)
	p.linger()
}

// linger lets the client read its answer: closing with unread input resets the
// connection and may take the answer away from it.
func (p *proxy) linger() {
	if half, ok := p.client.Conn.(*net.TCPConn); ok {
		half.CloseWrite()
	}
	p.client.SetReadDeadline(time.Now().Add(lingerTime))
	io.Copy(io.Discard, p.client.in)
}

// exchange forwards one request and its answer. It reports whether the connection can
// take another.
func (p *proxy) exchange(head rawhttp.Head) bool {
	request, err := p.edge.outbound(head, p.client.RemoteAddr())
	if err != nil {
		p.refuse(http.StatusBadRequest)
		return false
	}
	answer, upload, err := p.send(request)
	if err != nil {
		p.refuse(http.StatusBadGateway)
		return false
	}
	p.edge.requests.Add(1)
	_, err = p.client.Write(p.edge.inbound(answer.head, request, p.target.RemoteAddr()).Append(nil))
	if err == nil {
		_, err = answer.framing.Copy(p.client, p.target.in)
	}
	sent, uploadErr := p.settle(upload, err)
	if err == nil && (!sent || uploadErr != nil) {
		p.linger()
	}
	ends := request.close || answer.framing.UntilClose || answer.head.Nominates("Connection", "close") ||
		strings.HasPrefix(answer.head.Start, "HTTP/1.0")
	return sent && err == nil && uploadErr == nil && !ends
}

// settle waits for the rest of the request's body. When it does not come, as when a
// client waits for a 100 Continue in vain, no second request can follow on either
// side: both are cut off and settle reports false. copyErr is why the answer failed.
func (p *proxy) settle(upload <-chan error, copyErr error) (sent bool, err error) {
	if copyErr == nil {
		limit := time.NewTimer(lingerTime)
		defer limit.Stop()
		select {
		case err := <-upload:
			return true, err
		case <-limit.C:
		}
	}
	p.abort(upload)
	return false, nil
}

// abort ends a body on its way, so that nobody else reads from the client.
func (p *proxy) abort(upload <-chan error) {
	p.hangUp()
	p.client.SetReadDeadline(time.Now())
	<-upload
	p.client.SetReadDeadline(time.Time{})
}
