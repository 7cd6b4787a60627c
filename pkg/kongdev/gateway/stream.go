package gateway

import (
	"errors"
	"io"
	"net/http"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h2"
	"kong-plugin-auth-diagnosis/pkg/kongdev/runloop"
)

// stream serves one request of HTTP/2, in the phases that those of HTTP/1 have.
func (c *clientConn) stream(conn *h2.Conn, w http.ResponseWriter, req *http.Request) {
	head, err := h2.Head(req, c.worker.limits())
	if errors.Is(err, h2.ErrTooLarge) {
		c.worker.gen.Log.Printf(errlog.Info, "%v, client: %s", err, addrPort(c.RemoteAddr()).Addr())
		conn.Refuse()
		panic(http.ErrAbortHandler)
	}
	x := c.exchange(head)
	defer x.End()
	if !c.respond(err, x, w, req) {
		panic(http.ErrAbortHandler)
	}
}

// respond answers a request whose head was read with err, and reports whether the
// answer is whole.
func (c *clientConn) respond(err error, x *exchange.Exchange, w http.ResponseWriter, req *http.Request) bool {
	defer c.worker.gen.access.write(x)
	var bad *h1.HeadError
	if errors.As(err, &bad) {
		x.Log.Printf(errlog.Info, "%s while processing HTTP/2 connection, client: %s", bad.Reason, x.Client.Addr())
		return c.sendStream(x, w, runloop.HeadError(x, bad.Status))
	}
	body := h2.NewBody(w, req, x.Head.Length == 0, bodyTimeout)
	defer body.Detach()
	spool := runloop.NewSpool(body, c.worker.gen.bodyDir, x.Head.Length != 0 || x.Head.Header.Has("Content-Length"),
		func() error { return nil })
	defer spool.Close()
	x.Body = spool
	resp, finish := c.worker.state.Load().Serve(req.Context(), x, spool)
	defer finish.Log()
	return c.sendStream(x, w, resp)
}

// sendStream writes the response, and the trailers of an upstream that has some.
func (c *clientConn) sendStream(x *exchange.Exchange, w http.ResponseWriter, resp *runloop.Response) (ok bool) {
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	c.streamHead(x, w.Header(), resp)
	ctl := http.NewResponseController(w)
	if ctl.SetWriteDeadline(time.Now().Add(sendTimeout)) != nil {
		return false
	}
	w.WriteHeader(x.Status)
	if noBody(x) {
		return true
	}
	count := &countingWriter{w: w}
	defer func() { x.Times.BytesSent = count.n }()
	if resp.Body == nil {
		_, err := count.Write(resp.Content)
		return len(resp.Content) == 0 || err == nil
	}
	if !copyStream(x, count, ctl, resp.Body) {
		return false
	}
	if resp.Body.Trailers != nil {
		for _, f := range resp.Body.Trailers() {
			w.Header().Add(http.TrailerPrefix+f.Name, f.Value)
		}
	}
	return true
}

// streamHead fills in the response's headers. HTTP/2 has none of a connection.
func (c *clientConn) streamHead(x *exchange.Exchange, out http.Header, resp *runloop.Response) {
	out["Content-Type"] = nil // net/http shall not guess
	for _, f := range append(leading(x, resp.Body != nil && resp.Body.Length < 0), following(x)...) {
		name := http.CanonicalHeaderKey(f.Name)
		switch name {
		case "Keep-Alive", "Proxy-Connection", "Upgrade", "Trailer":
			continue
		}
		out[name] = append(out[name], h1.Escape(f.Value))
	}
	if c.worker.isDraining() {
		out.Set("Connection", "close") // for net/http: GOAWAY
	}
}

// copyStream passes the upstream's body on, each part as soon as it is there.
func copyStream(x *exchange.Exchange, out io.Writer, ctl *http.ResponseController, body *runloop.UpstreamBody) bool {
	if body.Length != 0 && ctl.Flush() != nil {
		return false
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if ctl.SetWriteDeadline(time.Now().Add(sendTimeout)) != nil {
				return false
			}
			if _, werr := out.Write(buf[:n]); werr != nil || ctl.Flush() != nil {
				return false
			}
		}
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			x.Log.Printf(errlog.Err, "upstream prematurely closed connection, request_id: %q", x.ID)
			return false
		}
	}
}
