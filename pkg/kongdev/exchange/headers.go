package exchange

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

// headerTable is ngx.req.get_headers(max): names in lower case, one string or a
// list of them; lines beyond limit are not there.
func headerTable(h h1.Header, limit int) map[string]any {
	out := make(map[string]any, len(h))
	for i, f := range h {
		if i == limit {
			break
		}
		name := strings.ToLower(f.Name)
		switch old := out[name].(type) {
		case nil:
			out[name] = f.Value
		case string:
			out[name] = []any{old, f.Value}
		case []any:
			out[name] = append(old, f.Value)
		}
	}
	return out
}

// HeaderTable is ngx.req.get_headers of the request's headers.
func (x *Exchange) HeaderTable(limit int) map[string]any { return headerTable(x.Header, limit) }

// OutTable is ngx.resp.get_headers of the response's headers.
func (x *Exchange) OutTable(limit int) map[string]any { return headerTable(x.Out, limit) }

// RealIP applies nginx's realip module: a trusted peer's real_ip_header names
// the client.
func (x *Exchange) RealIP() {
	x.Client = x.Peer
	if !x.Trusted(x.Peer.Addr()) {
		return
	}
	lines := x.Head.Header.Values(x.Conf.RealIPHeader)
	if len(lines) > 1 && !strings.EqualFold(x.Conf.RealIPHeader, "X-Forwarded-For") {
		lines = lines[:1] // ngx_http_realip_handler stops at the first
	}
	var chain []string
	for _, v := range lines {
		for w := range strings.SplitSeq(v, ",") {
			if w = strings.TrimSpace(w); w != "" {
				chain = append(chain, w)
			}
		}
	}
	for i := len(chain) - 1; i >= 0; i-- {
		addr, err := parseAddr(chain[i])
		if err != nil {
			return
		}
		x.Client = addr
		if !x.Conf.RealIPRecursive || !x.Trusted(addr.Addr()) {
			return
		}
	}
}

func parseAddr(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 0), nil
	}
	return netip.ParseAddrPort(s)
}

// Var is ngx.var: an nginx variable by name. ok is false for an unset one.
func (x *Exchange) Var(name string) (string, bool) {
	some := func(s string) (string, bool) { return s, true }
	switch name {
	case "kong_request_id", "request_id":
		return some(x.ID)
	case "remote_addr":
		return some(x.Client.Addr().Unmap().String())
	case "remote_port":
		if x.Client.Port() == 0 {
			return some("")
		}
		return some(strconv.Itoa(int(x.Client.Port())))
	case "realip_remote_addr":
		return some(x.Peer.Addr().Unmap().String())
	case "realip_remote_port":
		return some(strconv.Itoa(int(x.Peer.Port())))
	case "server_addr":
		return some(x.ServerAddr.Addr().Unmap().String())
	case "server_port":
		return some(strconv.Itoa(int(x.ServerAddr.Port())))
	case "server_protocol":
		return some(fmt.Sprintf("HTTP/%d.%d", x.Head.Major, x.Head.Minor))
	case "request_length":
		return some(strconv.Itoa(x.Head.HeadSize + int(max(x.Head.Length, 0))))
	case "request_uri":
		return some(x.Head.Target)
	case "request_method":
		return some(x.Method)
	case "request":
		return some(fmt.Sprintf("%s %s HTTP/%d.%d", x.Head.Method, x.Head.Target, x.Head.Major, x.Head.Minor))
	case "uri":
		path, _, _ := strings.Cut(x.Head.Target, "?")
		return some(path)
	case "args", "query_string":
		return x.Args, x.Args != ""
	case "is_args":
		if x.Args != "" {
			return some("?")
		}
		return some("")
	case "host":
		return some(x.Head.Host)
	case "http_host":
		return x.Header.Get("Host")
	case "scheme":
		return some("http")
	case "https":
		return some("")
	case "content_type":
		return x.Header.Get("Content-Type")
	case "content_length":
		return x.Header.Get("Content-Length")
	case "upstream_host":
		return some(x.Upstream.Header)
	case "upstream_uri":
		return some(x.Upstream.Path)
	case "upstream_scheme":
		return some(x.Upstream.Scheme)
	case "status":
		return some(strconv.Itoa(x.Status))
	}
	if h, ok := strings.CutPrefix(name, "http_"); ok {
		return x.httpVar(h)
	}
	if a, ok := strings.CutPrefix(name, "arg_"); ok {
		return x.arg(a)
	}
	return "", false
}

// httpVar is $http_name: underscores stand for dashes, several lines are joined.
func (x *Exchange) httpVar(name string) (string, bool) {
	var values []string
	for _, f := range x.Header {
		if strings.ReplaceAll(strings.ToLower(f.Name), "-", "_") == strings.ToLower(name) {
			values = append(values, f.Value)
		}
	}
	return strings.Join(values, ", "), len(values) > 0
}

// arg is $arg_name: the first argument of that name, not decoded.
func (x *Exchange) arg(name string) (string, bool) {
	for pair := range strings.SplitSeq(x.Args, "&") {
		k, v, ok := strings.Cut(pair, "=")
		if ok && strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}
