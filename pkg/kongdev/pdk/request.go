package pdk

import (
	"net/url"
	"strconv"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdkpb"
	"kong-plugin-auth-diagnosis/pkg/kongdev/router"
)

// Limits of ngx.req.get_headers and get_uri_args as Kong checks them.
const (
	defaultMax = 100
	maxMax     = 1000
)

func init() {
	register(map[string]method{
		"kong.request.get_scheme": text(func(*exchange.Exchange) string { return "http" }),
		"kong.request.get_host":   text(func(x *exchange.Exchange) string { return x.Head.Host }),
		"kong.request.get_port":   integer(serverPort),
		"kong.request.get_method": text(func(x *exchange.Exchange) string { return x.Method }),
		"kong.request.get_path":   text(func(x *exchange.Exchange) string { return router.Normalize(rawPath(x)) }),
		"kong.request.get_path_with_query": text(func(x *exchange.Exchange) string {
			return x.Head.Target
		}),
		"kong.request.get_raw_query":        text(func(x *exchange.Exchange) string { return x.Args }),
		"kong.request.get_query":            getQuery,
		"kong.request.get_query_arg":        named(getQueryArg),
		"kong.request.get_header":           named(getHeader),
		"kong.request.get_headers":          getHeaders,
		"kong.request.get_forwarded_scheme": text(forwardedScheme),
		"kong.request.get_forwarded_host":   text(forwardedHost),
		"kong.request.get_forwarded_port":   integer(forwardedPort),
		"kong.request.get_http_version": func(x *exchange.Exchange, _ []byte) ([]byte, error) {
			return pdkpb.Number(float64(x.Head.Major) + float64(x.Head.Minor)/10), nil
		},
		"kong.request.get_raw_body": func(x *exchange.Exchange, _ []byte) ([]byte, error) {
			content, path, err := x.Body.Bytes()
			if err != nil {
				return pdkpb.RawBody(nil, "", err.Error()), nil
			}
			return pdkpb.RawBody(content, path, ""), nil
		},
		"kong.request.get_uri_captures": func(x *exchange.Exchange, _ []byte) ([]byte, error) {
			if len(x.Match.Captures) == 0 {
				return nil, nil
			}
			return pdkpb.URICaptures(x.Match.Captures[1:], x.Match.Named), nil
		},
	})
}

func serverPort(x *exchange.Exchange) int { return int(x.ServerAddr.Port()) }

func rawPath(x *exchange.Exchange) string {
	path, _, _ := strings.Cut(x.Head.Target, "?")
	return path
}

// limit reads the Int argument of get_headers and get_query.
func limit(args []byte, what string) (int, error) {
	n, err := pdkpb.DecodeInt(args)
	switch {
	case err != nil:
		return 0, err
	case n < 1:
		return 0, luaErrorf("%s must be >= 1", what)
	case n > maxMax:
		return 0, luaErrorf("%s must be <= %d", what, maxMax)
	}
	return n, nil
}

func getHeaders(x *exchange.Exchange, args []byte) ([]byte, error) {
	n, err := limit(args, "max_headers")
	if err != nil {
		return nil, err
	}
	return pdkpb.AppendStruct(nil, x.HeaderTable(n)), nil
}

// getHeader is http_get_header: $http_name, and where a value holds ", " the
// first of the header's lines. Dashes and underscores are the same.
func getHeader(x *exchange.Exchange, name string) ([]byte, error) {
	joined, ok := x.Var("http_" + strings.ReplaceAll(name, "-", "_"))
	if !ok {
		return nil, nil
	}
	if !strings.Contains(joined, ", ") {
		return pdkpb.String(joined), nil
	}
	switch v := x.HeaderTable(defaultMax)[strings.ToLower(strings.ReplaceAll(name, "_", "-"))].(type) {
	case string:
		return pdkpb.String(v), nil
	case []any:
		first, _ := v[0].(string)
		return pdkpb.String(first), nil
	}
	return nil, nil
}

func getQuery(x *exchange.Exchange, args []byte) ([]byte, error) {
	n, err := limit(args, "max_args")
	if err != nil {
		return nil, err
	}
	return pdkpb.AppendStruct(nil, DecodeArgs(x.Args, n)), nil
}

func getQueryArg(x *exchange.Exchange, name string) ([]byte, error) {
	v := DecodeArgs(x.Args, defaultMax)[name]
	if list, ok := v.([]any); ok {
		v = list[0]
	}
	switch v := v.(type) {
	case string:
		return pdkpb.String(v), nil
	case bool:
		return nil, luaErrorf("bad argument #2 to 'encode' (string expected for field 'v', got boolean)")
	}
	return nil, nil
}

// DecodeArgs is ngx.decode_args: an argument without "=" is true, a repeated
// one is a list, and at most limit arguments are read.
func DecodeArgs(query string, limit int) map[string]any {
	out := map[string]any{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		if limit--; limit < 0 {
			break
		}
		k, raw, hasValue := strings.Cut(pair, "=")
		key := unescape(k)
		if key == "" {
			continue
		}
		var v any = true
		if hasValue {
			v = unescape(raw)
		}
		switch old := out[key].(type) {
		case nil:
			out[key] = v
		case []any:
			out[key] = append(old, v)
		default:
			out[key] = []any{old, v}
		}
	}
	return out
}

// unescape decodes %XX and "+"; a broken escape is left as it is.
func unescape(s string) string {
	if v, err := url.QueryUnescape(s); err == nil {
		return v
	}
	return strings.ReplaceAll(s, "+", " ")
}

func forwardedScheme(x *exchange.Exchange) string {
	if x.Trusted(x.Peer.Addr()) {
		if v, ok := x.Header.Get("X-Forwarded-Proto"); ok {
			return strings.ToLower(v)
		}
	}
	return "http"
}

func forwardedHost(x *exchange.Exchange) string {
	host, ok := x.Header.Get("X-Forwarded-Host")
	if !ok || !x.Trusted(x.Peer.Addr()) {
		return x.Head.Host
	}
	if _, after, found := strings.Cut(host, "@"); found {
		host = after
	}
	host, _, _ = strings.Cut(host, ":")
	return strings.ToLower(host)
}

func forwardedPort(x *exchange.Exchange) int {
	if !x.Trusted(x.Peer.Addr()) {
		return serverPort(x)
	}
	candidates := []string{x.Header.Value("X-Forwarded-Port")}
	host := x.Header.Value("X-Forwarded-Host")
	if _, after, found := strings.Cut(host, "@"); found {
		host = after
	}
	if _, port, ok := strings.Cut(host, ":"); ok {
		candidates = append(candidates, port)
	}
	for _, c := range candidates {
		if n, err := strconv.Atoi(c); err == nil && n >= 1 && n <= 65535 {
			return n
		}
	}
	return serverPort(x)
}
