package runloop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

// Limits of the upstream connection pool (upstream_keepalive_*).
const (
	keepIdle    = 512
	keepTimeout = 60 * time.Second
	bufferSize  = 32 << 10
)

// Proxy keeps a worker's upstream connections.
type Proxy struct {
	mu     sync.Mutex
	idle   map[string][]*upstream
	closed bool
	now    func() time.Time
	grpc   *http.Transport
}

// NewProxy returns a Proxy without connections.
func NewProxy(now func() time.Time) *Proxy {
	return &Proxy{idle: map[string][]*upstream{}, now: now, grpc: newGRPCTransport()}
}

// upstream is one connection to an upstream.
type upstream struct {
	net.Conn
	br     *bufio.Reader
	addr   string
	at     time.Time
	reused bool
}

// UpstreamBody is the body of a proxied response. Close it in any case.
type UpstreamBody struct {
	io.Reader
	Length   int64            // -1: unknown, the front chooses the framing
	Trailers func() h1.Header // at the end of the body; nil for none
	release  func()
}

// Close lets go of the connection.
func (b *UpstreamBody) Close() { b.release() }

func (p *Proxy) get(addr string) *upstream {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[addr]
	for len(list) > 0 {
		u := list[len(list)-1]
		list = list[:len(list)-1]
		p.idle[addr] = list
		if p.now().Sub(u.at) < keepTimeout && idle(u.Conn) {
			u.reused = true
			return u
		}
		u.Close()
	}
	return nil
}

func (p *Proxy) put(u *upstream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle[u.addr]) >= keepIdle || u.br.Buffered() > 0 {
		u.Close()
		return
	}
	u.at = p.now()
	p.idle[u.addr] = append(p.idle[u.addr], u)
}

// Close drops the idle connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.grpc.CloseIdleConnections()
	for _, list := range p.idle {
		for _, u := range list {
			u.Close()
		}
	}
	clear(p.idle)
}

// idle reports whether the peer has neither closed nor written.
func idle(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	ok = false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		ok = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && ok
}

// forward proxies the request and prepares the response.
func (r *run) forward(ctx context.Context, body *Spool) *Response {
	if net.ParseIP(strings.Trim(r.Upstream.Host, "[]")) == nil {
		if err := r.resolve(); err != nil {
			r.Source = exchange.SourceExit
			r.Log.Printf(errlog.Err, "[kong] balancer: %v", err)
			return r.answer(r.ErrorAnswer(503, "name resolution failed"))
		}
	}
	r.proxied = true
	if isGRPC(r.Upstream.Scheme) {
		return r.forwardGRPC(ctx, body)
	}
	if err := body.Load(); err != nil {
		return r.upstreamError(400, err)
	}
	for tries := r.Service().Retries; ; tries-- {
		resp, u, err := r.try(body)
		if err == nil {
			return r.response(u, resp)
		}
		if u != nil && u.reused && !isTimeout(err) {
			tries++ // a kept connection may have ended for its own reasons
		}
		if tries == 0 || !retriable(err) || u != nil && slices.Contains(once, r.Method) {
			return r.upstreamError(502, err)
		}
	}
}

// try asks the upstream one time. With an error, u tells whether there was a
// connection; it is closed.
func (r *run) try(body *Spool) (*h1.Response, *upstream, error) {
	u, err := r.connect()
	if err != nil {
		return nil, nil, err
	}
	resp, err := r.roundTrip(u, body)
	if err != nil {
		u.Close()
	}
	return resp, u, err
}

// once are the methods that are not sent again once they were sent
// (ngx_http_upstream_next).
var once = []string{"POST", "LOCK", "PATCH"}

// retriable reports whether nginx asks again: for `error` and `timeout` of
// proxy_next_upstream, not for an answer that is none.
func retriable(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// resolve checks that the upstream's name resolves before it is proxied to.
func (r *run) resolve() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := net.DefaultResolver.LookupHost(ctx, r.Upstream.Host)
	return err
}

func (r *run) connect() (*upstream, error) {
	addr := net.JoinHostPort(strings.Trim(r.Upstream.Host, "[]"), strconv.Itoa(r.Upstream.Port))
	if u := r.state.proxy.get(addr); u != nil {
		return u, nil
	}
	if r.Upstream.Scheme != "http" {
		return nil, fmt.Errorf("expected an http upstream, got %q", r.Upstream.Scheme)
	}
	c, err := net.DialTimeout("tcp", addr, r.Service().ConnectTimeout)
	if err != nil {
		return nil, err
	}
	return &upstream{Conn: c, br: bufio.NewReaderSize(c, bufferSize), addr: addr}, nil
}

// roundTrip sends the request and reads the response head.
func (r *run) roundTrip(u *upstream, body *Spool) (*h1.Response, error) {
	if err := u.SetWriteDeadline(time.Now().Add(r.Service().WriteTimeout)); err != nil {
		return nil, err
	}
	w := bufio.NewWriter(u)
	if _, err := w.Write(r.upstreamHead(body)); err != nil {
		return nil, err
	}
	content, err := body.Reader()
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(w, content); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	if err := u.SetReadDeadline(time.Now().Add(r.Service().ReadTimeout)); err != nil {
		return nil, err
	}
	return h1.ReadResponse(u.br)
}

// notForwarded are request headers that nginx or Kong replace or drop.
var notForwarded = []string{"host", "connection", "keep-alive", "transfer-encoding", "content-length", "te",
	"expect", "upgrade", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
	"x-forwarded-path", "x-forwarded-prefix", "x-real-ip", "x-kong-request-id", "proxy", "proxy-connection"}

// upstreamHead writes the request head for the upstream.
func (r *run) upstreamHead(body *Spool) []byte {
	target := r.Upstream.Path
	if r.Args != "" || strings.HasSuffix(r.Head.Target, "?") {
		target += "?" + r.Args // as runloop.access.after has it, whatever plugins did
	}
	out := r.kongFields(h1.Field{Name: "Host", Value: r.upstreamHost()}, h1.Field{Name: "Connection", Value: "keep-alive"})
	if body.present {
		out.Add("Content-Length", fmt.Sprint(body.Size()))
	}
	out = append(out, r.clientFields()...)
	return append(fmt.Appendf(nil, "%s %s HTTP/1.1\r\n", r.Method, target), append(h1.AppendHeader(nil, out), "\r\n"...)...)
}

// kongFields are the headers of nginx_kong.lua's proxy_set_header or grpc_set_header
// lines; an empty one is not sent. The version's own come after Via.
func (r *run) kongFields(own ...h1.Field) h1.Header {
	via := httpVersion(r.Head) + " " + exchange.ServerToken
	if in, ok := r.Head.Header.Get("Via"); ok {
		via = in + ", " + via
	}
	fields := append([]h1.Field{{Name: "Via", Value: via}}, own...)
	fields = append(fields, r.forwardedHeaders()...)
	fields = append(fields, h1.Field{Name: "X-Real-IP", Value: addrText(r.Client)}, h1.Field{Name: "X-Kong-Request-Id", Value: r.ID})
	if r.Header.HasToken("TE", "trailers") {
		fields = slices.Insert(fields, 0, h1.Field{Name: "TE", Value: "trailers"})
	}
	return slices.DeleteFunc(fields, func(f h1.Field) bool { return f.Value == "" })
}

// httpVersion is ngx.req.http_version as Lua prints the number.
func httpVersion(head *h1.Request) string {
	return strconv.FormatFloat(float64(head.Major)+float64(head.Minor)/10, 'g', -1, 64)
}

// clientFields are the client's headers that go on to the upstream.
func (r *run) clientFields() (out h1.Header) {
	nominated := r.Header.Tokens("Connection")
	for _, f := range r.Header {
		if name := strings.ToLower(f.Name); !slices.Contains(notForwarded, name) && !slices.Contains(nominated, name) {
			out = append(out, f)
		}
	}
	return out
}

// upstreamHost is the Host header: what preserve_host or a plugin chose, else
// the service's host with a port other than the scheme's own.
func (r *run) upstreamHost() string {
	if r.Upstream.Header != "" {
		return r.Upstream.Header
	}
	if r.Upstream.Port == 80 {
		return r.Upstream.Host
	}
	return fmt.Sprintf("%s:%d", r.Upstream.Host, r.Upstream.Port)
}
