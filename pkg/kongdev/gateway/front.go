package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h2"
	"kong-plugin-auth-diagnosis/pkg/kongdev/runloop"
)

// nginx's timeouts and limits of client connections.
const (
	headerTimeout    = 60 * time.Second
	bodyTimeout      = 60 * time.Second
	sendTimeout      = 60 * time.Second
	keepaliveTimeout = 75 * time.Second
	lingerTimeout    = 5 * time.Second
	lingerTime       = 30 * time.Second
	maxDiscard       = 1 << 20 // of an unread body, before the connection is closed instead
)

// clientConn is one client connection.
type clientConn struct {
	net.Conn
	worker *worker
	idle   bool // between two requests; guarded by worker.mu
}

// wake ends the wait for the next request.
func (c *clientConn) wake() { _ = c.SetReadDeadline(time.Unix(1, 0)) }

// serve answers the requests of the connection one after the other, or has them
// answered side by side when the client speaks HTTP/2.
func (c *clientConn) serve() {
	defer c.Close()
	rd := h1.NewReader(c, c.worker.limits())
	for first := true; ; first = false {
		if !c.worker.setIdle(c, !first) || rd.Await() != nil || !c.worker.setIdle(c, false) {
			return
		}
		if first && c.worker.h2 != nil {
			preface, err := rd.Starts(h2.Preface)
			if preface {
				c.worker.h2.Serve(c.Conn, rd, c.stream)
			}
			if preface || err != nil {
				return
			}
		}
		head, err := rd.ReadRequest()
		var bad *h1.HeadError
		switch {
		case errors.As(err, &bad):
			c.refuse(head, bad)
			return
		case err != nil:
			return
		}
		if !c.request(rd, head) {
			return
		}
	}
}

// exchange starts an exchange for a head.
func (c *clientConn) exchange(head *h1.Request) *exchange.Exchange {
	w := c.worker
	x := exchange.New(w.gen.Gateway, w.state.Load().Set, head, newID())
	x.Worker = w.id
	x.Peer, x.ServerAddr = addrPort(c.RemoteAddr()), addrPort(c.LocalAddr())
	x.RealIP()
	return x
}

func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// refuse answers a head that nginx does not accept and closes the connection.
func (c *clientConn) refuse(head *h1.Request, bad *h1.HeadError) {
	if head.Major == 0 {
		head.Major, head.Minor = 1, 1
	}
	x := c.exchange(head)
	x.Log.Printf(errlog.Info, "%s while reading client request, client: %s", bad.Reason, x.Client.Addr())
	resp := runloop.HeadError(x, bad.Status)
	head.Close = true
	c.send(x, resp, false)
	c.worker.gen.access.write(x)
	c.linger()
}

// request serves one request and reports whether the connection can be kept.
func (c *clientConn) request(rd *h1.Reader, head *h1.Request) bool {
	x := c.exchange(head)
	defer x.End()
	body := rd.Body(head)
	expects := head.Header.HasToken("Expect", "100-continue") && head.Minor >= 1 && !body.Done()
	spool := runloop.NewSpool(body, c.worker.gen.bodyDir, head.Length != 0 || head.Header.Has("Content-Length"),
		func() error {
			if expects {
				expects = false
				if _, err := io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
					return err
				}
			}
			return c.SetReadDeadline(time.Now().Add(bodyTimeout))
		})
	defer spool.Close()
	x.Body = spool
	resp, finish := c.worker.state.Load().Serve(context.Background(), x, spool)
	keep := !head.Close && !c.worker.isDraining() && (body.Done() || !expects && head.Length != h1.BodyChunked)
	ok := c.send(x, resp, keep)
	finish.Log()
	c.worker.gen.access.write(x)
	if !ok || !keep || !c.discard(body) {
		c.linger()
		return false
	}
	return true
}

// discard reads what is left of a body nobody wanted.
func (c *clientConn) discard(body *h1.Body) bool {
	if body.Done() {
		return true
	}
	if c.SetReadDeadline(time.Now().Add(bodyTimeout)) != nil {
		return false
	}
	_, err := io.CopyN(io.Discard, body, maxDiscard)
	return errors.Is(err, io.EOF)
}

// linger closes in nginx's way: it stops sending, then reads for a while what
// the client is still sending, so that the answer is not lost to a reset.
func (c *clientConn) linger() {
	t, ok := c.Conn.(*net.TCPConn)
	if !ok || t.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(lingerTime)
	buf := make([]byte, 4096)
	for time.Now().Before(end) {
		if t.SetReadDeadline(time.Now().Add(lingerTimeout)) != nil {
			return
		}
		if _, err := t.Read(buf); err != nil {
			return
		}
	}
}

// send writes the response; ok is false when the connection is broken or the
// upstream's body ended early.
func (c *clientConn) send(x *exchange.Exchange, resp *runloop.Response, keep bool) (ok bool) {
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	chunked := resp.Body != nil && resp.Body.Length < 0 && !noBody(x)
	if chunked && x.Head.Minor < 1 {
		chunked, keep = false, false
	}
	if c.SetWriteDeadline(time.Now().Add(sendTimeout)) != nil {
		return false
	}
	w := bufio.NewWriterSize(c, 16<<10)
	count := &countingWriter{w: w}
	defer func() { x.Times.BytesSent = count.n }()
	if _, err := count.Write(responseHead(x, chunked, keep)); err != nil {
		return false
	}
	if noBody(x) {
		return w.Flush() == nil
	}
	if resp.Body == nil {
		if _, err := count.Write(resp.Content); err != nil {
			return false
		}
		return w.Flush() == nil
	}
	return c.copyBody(x, count, w, resp.Body, chunked)
}

// copyBody streams the upstream's body.
func (c *clientConn) copyBody(x *exchange.Exchange, out io.Writer, w *bufio.Writer, body *runloop.UpstreamBody, chunked bool) bool {
	buf := make([]byte, 16<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if c.SetWriteDeadline(time.Now().Add(sendTimeout)) != nil {
				return false
			}
			if werr := writePart(out, buf[:n], chunked); werr != nil || w.Flush() != nil {
				return false
			}
		}
		if errors.Is(err, io.EOF) {
			if chunked {
				if h1.WriteLastChunk(out) != nil {
					return false
				}
			}
			return w.Flush() == nil
		}
		if err != nil {
			x.Log.Printf(errlog.Err, "upstream prematurely closed connection, request_id: %q", x.ID)
			return false
		}
	}
}

func writePart(out io.Writer, p []byte, chunked bool) error {
	if chunked {
		return h1.WriteChunk(out, p)
	}
	_, err := out.Write(p)
	return err
}

// charsetTypes are the types to which nginx adds Kong's `charset UTF-8`, unless they
// have parameters already (charset_types of ngx_http_charset_module).
var charsetTypes = map[string]bool{"text/html": true, "text/xml": true, "text/plain": true, "text/vnd.wap.wml": true,
	"application/javascript": true, "application/rss+xml": true}

// responseHead puts the headers in nginx's order: its own first.
func responseHead(x *exchange.Exchange, chunked, keep bool) []byte {
	out := leading(x, chunked)
	if chunked {
		out.Add("Transfer-Encoding", "chunked")
	}
	switch {
	case x.Out.HasToken("Connection", "upgrade"):
		out.Add("Connection", "Upgrade")
	case keep:
		out.Add("Connection", "keep-alive")
	default:
		out.Add("Connection", "close")
	}
	return h1.AppendHead(nil, x.Status, "", append(out, following(x)...))
}

// leading are the headers that nginx writes by itself, whatever the version of HTTP.
func leading(x *exchange.Exchange, unknownLength bool) (out h1.Header) {
	date, ok := x.Out.Get("Date")
	if !ok {
		date = x.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	}
	out.Add("Date", date)
	for _, name := range []string{"Content-Type", "Content-Length"} {
		if v, ok := x.Out.Get(name); ok && !(unknownLength && name == "Content-Length") {
			if name == "Content-Type" && charsetTypes[strings.ToLower(v)] {
				v += "; charset=UTF-8"
			}
			out.Add(name, v)
		}
	}
	return out
}

// following are the response's other headers, without those of the connection.
func following(x *exchange.Exchange) (out h1.Header) {
	for _, f := range x.Out {
		switch h := (h1.Header{f}); {
		case h.Has("Date"), h.Has("Content-Type"), h.Has("Content-Length"), h.Has("Connection"), h.Has("Transfer-Encoding"):
		default:
			out = append(out, f)
		}
	}
	return out
}

// noBody reports whether nothing follows the response's head.
func noBody(x *exchange.Exchange) bool {
	return x.Head.Method == "HEAD" || x.Status == 204 || x.Status == 304 || x.Status < 200
}

// countingWriter counts what has been written.
type countingWriter struct {
	w io.Writer
	n int
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += n
	if err != nil {
		return n, fmt.Errorf("writing the response: %w", err)
	}
	return n, nil
}
