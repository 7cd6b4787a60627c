package runloop

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

// connectTimeout is the context key of a service's connect_timeout.
type connectTimeout struct{}

// newGRPCTransport speaks HTTP/2 with prior knowledge, nothing else, and changes no
// header. Calls to one address share connections, which nginx would not do.
func newGRPCTransport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{
		Protocols: protocols, DisableCompression: true, IdleConnTimeout: keepTimeout, MaxResponseHeaderBytes: 64 << 10,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			limit, _ := ctx.Value(connectTimeout{}).(time.Duration)
			return (&net.Dialer{Timeout: limit}).DialContext(ctx, network, addr)
		},
	}
}

// forwardGRPC is location @grpc: the request goes on as it comes and the answer comes
// back with its trailers, so calls may stream both ways.
func (r *run) forwardGRPC(ctx context.Context, body *Spool) *Response {
	if r.Upstream.Scheme != "grpc" {
		return r.upstreamError(502, fmt.Errorf("expected a grpc upstream, got %q", r.Upstream.Scheme))
	}
	content, err := body.Stream()
	if err != nil {
		return r.upstreamError(400, err)
	}
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, connectTimeout{}, r.Service().ConnectTimeout))
	limit := r.Service().ReadTimeout
	patience := time.AfterFunc(limit, func() { cancel(os.ErrDeadlineExceeded) })
	if r.Head.Length != 0 {
		patience.Stop() // nginx waits for an answer once it has sent the request
		content = &sentReader{Reader: content, sent: func() { patience.Reset(limit) }}
	}
	resp, err := r.state.proxy.grpc.RoundTrip(r.grpcRequest(ctx, content))
	if err != nil {
		patience.Stop()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(nil)
		return r.upstreamError(502, err)
	}
	r.answered(resp.StatusCode)
	r.merge(resp.StatusCode, fields(resp.Header))
	read := &patientReader{Reader: resp.Body, patience: patience, limit: limit}
	return &Response{Body: &UpstreamBody{
		Reader: read, Length: resp.ContentLength, Trailers: func() h1.Header { return fields(resp.Trailer) },
		release: func() {
			r.Times.UpstreamEnded = r.Now()
			patience.Stop()
			cancel(nil)
			resp.Body.Close()
		},
	}}
}

// grpcRequest takes the path as it came: grpc_pass has none of its own, and neither
// strip_path nor a service's path is possible with gRPC.
func (r *run) grpcRequest(ctx context.Context, content io.Reader) *http.Request {
	target, _, _ := strings.Cut(r.Head.Target, "?")
	if r.Args != "" || strings.HasSuffix(r.Head.Target, "?") {
		target += "?" + r.Args
	}
	header := http.Header{"user-agent": {""}} // else net/http puts its own
	for _, f := range append(r.kongFields(), r.clientFields()...) {
		name := strings.ToLower(f.Name)
		if name == "user-agent" {
			header[name] = nil
		}
		header[name] = append(header[name], f.Value)
	}
	req := &http.Request{
		Method: r.Method, Host: r.upstreamHost(), Header: header, Body: io.NopCloser(content), ContentLength: r.Head.Length,
		URL: &url.URL{Scheme: "http", Host: net.JoinHostPort(strings.Trim(r.Upstream.Host, "[]"), strconv.Itoa(r.Upstream.Port)), Opaque: target},
	}
	if r.Head.Length == 0 {
		req.Body = http.NoBody
	}
	return req.WithContext(ctx)
}

// fields lists net/http's headers by name: their order is lost.
func fields(header http.Header) (out h1.Header) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, v := range header[name] {
			out.Add(name, v)
		}
	}
	return out
}

// sentReader tells when a request has been read to its end.
type sentReader struct {
	io.Reader
	sent func()
}

func (s *sentReader) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if err != nil {
		s.sent()
	}
	return n, err
}

// patientReader gives every read of an answer the time of grpc_read_timeout.
type patientReader struct {
	io.Reader
	patience *time.Timer
	limit    time.Duration
}

func (p *patientReader) Read(b []byte) (int, error) {
	p.patience.Reset(p.limit)
	defer p.patience.Stop() // how long the client takes for its part does not count
	return p.Reader.Read(b)
}
