package runloop

import (
	"fmt"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

// forwardedHeaders is the X-Forwarded-* part of runloop.access.before: a
// trusted peer's own headers are kept, everybody else's are replaced.
// X-Forwarded-For grows by the peer's address in any case.
func (r *run) forwardedHeaders() []h1.Field {
	in := r.Head.Header
	trusted := r.Trusted(r.Peer.Addr())
	own := func(name, value string) string {
		if v, ok := in.Get(name); ok && trusted {
			return v
		}
		return value
	}
	path, _, _ := strings.Cut(r.Head.Target, "?")
	prefix := r.Match.Prefix
	if prefix == "/" {
		prefix = ""
	}
	xff := addrText(r.Client)
	if v, ok := in.Get("X-Forwarded-For"); ok {
		xff = v + ", " + addrText(r.Peer)
	}
	return []h1.Field{
		{Name: "X-Forwarded-For", Value: xff},
		{Name: "X-Forwarded-Proto", Value: own("X-Forwarded-Proto", "http")},
		{Name: "X-Forwarded-Host", Value: own("X-Forwarded-Host", r.Head.Host)},
		{Name: "X-Forwarded-Port", Value: own("X-Forwarded-Port", fmt.Sprint(r.ServerAddr.Port()))},
		{Name: "X-Forwarded-Path", Value: own("X-Forwarded-Path", path)},
		{Name: "X-Forwarded-Prefix", Value: own("X-Forwarded-Prefix", prefix)},
	}
}

// hopByHop are response headers that nginx does not pass on.
var hopByHop = map[string]bool{"connection": true, "keep-alive": true, "transfer-encoding": true, "upgrade": true,
	"x-pad": true, "x-accel-expires": true, "x-accel-redirect": true, "x-accel-limit-rate": true,
	"x-accel-buffering": true, "x-accel-charset": true, "trailer": true}

// single are response headers of which nginx keeps one: the upstream's takes
// the place of a plugin's. Of all others both are sent, the plugin's first.
var single = map[string]bool{"content-type": true, "content-length": true, "date": true, "server": true,
	"last-modified": true, "etag": true, "location": true, "content-encoding": true}

// response takes the upstream's answer of HTTP/1.
func (r *run) response(u *upstream, resp *h1.Response) *Response {
	r.answered(resp.Status)
	body, reuse, err := h1.ResponseBody(u.br, resp, r.Method)
	if err != nil {
		u.Close()
		return r.upstreamError(502, err)
	}
	r.merge(resp.Status, resp.Header)
	length := int64(-1)
	if v, ok := resp.Header.Get("Content-Length"); ok && !resp.Header.HasToken("Transfer-Encoding", "chunked") {
		if _, err := fmt.Sscan(v, &length); err != nil {
			length = -1
		}
	}
	return &Response{Body: &UpstreamBody{Reader: body, Length: length, release: func() {
		r.Times.UpstreamEnded = r.Now()
		if reuse && body.Done() {
			r.state.proxy.put(u)
			return
		}
		u.Close()
	}}}
}

// answered notes when the upstream's head came.
func (r *run) answered(status int) { r.Times.UpstreamHead, r.Times.UpstreamCode = r.Now(), status }

// merge puts the upstream's headers behind the plugins' and runs the header phase.
func (r *run) merge(status int, header h1.Header) {
	r.Source, r.Status = exchange.SourceService, status
	nominated := header.Tokens("Connection")
	replaced := map[string]bool{}
	for _, f := range header {
		name := strings.ToLower(f.Name)
		if hopByHop[name] || slices.Contains(nominated, name) {
			continue
		}
		if single[name] && !replaced[name] {
			r.Out.Del(name)
			replaced[name] = true
		}
		r.Out.Add(f.Name, f.Value)
	}
	if r.Conf.Headers.UpstreamStatus {
		r.Out.Set("X-Kong-Upstream-Status", fmt.Sprint(status))
	}
	r.headerFilter()
}

// upstreamError answers for an upstream that could not be asked: 504 for a
// timeout, else the given status. The request counts as proxied, as in Kong.
func (r *run) upstreamError(status int, err error) *Response {
	if isTimeout(err) {
		status = 504
	}
	r.Source = exchange.SourceError
	r.Log.Printf(errlog.Err, "upstream: %v, client: %s, request_id: %q", err, addrText(r.Client), r.ID)
	return r.answer(r.ErrorPage(status))
}
