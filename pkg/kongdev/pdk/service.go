package pdk

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdkpb"
	"kong-plugin-auth-diagnosis/pkg/kongdev/router"
)

// accepted are the methods that ngx.req.set_method knows by name.
var accepted = []string{"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "MKCOL", "COPY", "MOVE",
	"PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "PATCH", "TRACE"}

func init() {
	register(map[string]method{
		"kong.service.set_upstream": named(func(*exchange.Exchange, string) ([]byte, error) {
			return nil, nil // no upstream entity exists here, so none is found: nil
		}),
		"kong.service.set_target":           setTarget,
		"kong.service.request.set_scheme":   named(setScheme),
		"kong.service.request.set_path":     named(setPath),
		"kong.service.request.set_method":   named(setMethod),
		"kong.service.request.set_query":    setQuery,
		"kong.service.request.set_header":   keyed(setRequestHeader),
		"kong.service.request.add_header":   keyed(addRequestHeader),
		"kong.service.request.set_headers":  setRequestHeaders,
		"kong.service.request.set_raw_body": unplayed("kong.service.request.set_raw_body"),
		"kong.service.request.set_raw_query": named(func(x *exchange.Exchange, q string) ([]byte, error) {
			x.Args = q
			return nil, nil
		}),
		"kong.service.request.clear_header": named(func(x *exchange.Exchange, name string) ([]byte, error) {
			x.Header.Del(name)
			return nil, nil
		}),
		"kong.service.response.get_status":   wrongPhase("response, header_filter, body_filter, log"),
		"kong.service.response.get_header":   wrongPhase("response, header_filter, body_filter, log"),
		"kong.service.response.get_headers":  wrongPhase("response, header_filter, body_filter, log"),
		"kong.service.response.get_raw_body": wrongPhase("header_filter, body_filter, log"),
		"kong.router.get_route": func(x *exchange.Exchange, _ []byte) ([]byte, error) {
			return pdkpb.Route(x.Match.Route), nil
		},
		"kong.router.get_service": func(x *exchange.Exchange, _ []byte) ([]byte, error) {
			return pdkpb.Service(x.Service()), nil
		},
	})
}

// keyed makes a method with a KV argument whose value is a header value.
func keyed(f func(x *exchange.Exchange, name string, values []string) error) method {
	return func(x *exchange.Exchange, args []byte) ([]byte, error) {
		name, v, err := pdkpb.DecodeKV(args)
		if err != nil {
			return nil, err
		}
		values, err := headerValues(name, v)
		if err != nil {
			return nil, err
		}
		return nil, f(x, name, values)
	}
}

// headerValues is validate_header and normalize_multi_header: strings, numbers
// and booleans, or a list of strings. An empty value becomes one blank.
func headerValues(name string, v any) ([]string, error) {
	switch v := v.(type) {
	case []any:
		out := make([]string, len(v))
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, luaErrorf("invalid header value in array %q: got %s, expected string", name, luaType(e))
			}
			out[i] = notEmpty(s)
		}
		return out, nil
	case map[string]any: // ipairs of a table without a list part
		return nil, nil
	case string:
		return []string{notEmpty(v)}, nil
	case float64, bool:
		return []string{luaText(v)}, nil
	}
	return nil, luaErrorf("invalid header value for %q: got %s, expected array of string, string, number or boolean",
		name, luaType(v))
}

func notEmpty(s string) string {
	if s == "" {
		return " "
	}
	return s
}

func setRequestHeader(x *exchange.Exchange, name string, values []string) error {
	if strings.EqualFold(name, "Host") && len(values) > 0 {
		x.Upstream.Header = values[0]
	}
	x.Header.Set(name, values...)
	return nil
}

func addRequestHeader(x *exchange.Exchange, name string, values []string) error {
	return setRequestHeader(x, name, append(x.Header.Values(name), values...))
}

// setRequestHeaders validates every header before it sets the first.
func setRequestHeaders(x *exchange.Exchange, args []byte) ([]byte, error) {
	table, err := pdkpb.DecodeStruct(args)
	if err != nil {
		return nil, err
	}
	lines, err := headerLines(table)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		if err := setRequestHeader(x, l.name, l.values); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

type headerLine struct {
	name   string
	values []string
}

// headerLines checks a table of headers; Lua's pairs has no order, this one is
// alphabetical.
func headerLines(table map[string]any) ([]headerLine, error) {
	var out []headerLine
	for _, name := range slices.Sorted(maps.Keys(table)) {
		values, err := headerValues(name, table[name])
		if err != nil {
			return nil, err
		}
		out = append(out, headerLine{name, values})
	}
	return out, nil
}

func setTarget(x *exchange.Exchange, args []byte) ([]byte, error) {
	host, port, err := pdkpb.DecodeTarget(args)
	if err != nil {
		return nil, err
	}
	if port < 0 || port > 65535 {
		return nil, luaErrorf("port must be an integer between 0 and 65535: given %d", port)
	}
	x.Upstream.Host, x.Upstream.Port, x.Upstream.Header = host, port, host
	return nil, nil
}

func setScheme(x *exchange.Exchange, scheme string) ([]byte, error) {
	if scheme != "http" && scheme != "https" {
		return nil, luaErrorf("invalid scheme: %s", scheme)
	}
	x.Upstream.Scheme = scheme
	return nil, nil
}

func setPath(x *exchange.Exchange, path string) ([]byte, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, luaErrorf("path must start with /")
	}
	x.Upstream.Path = router.Escape(path)
	return nil, nil
}

func setMethod(x *exchange.Exchange, m string) ([]byte, error) {
	if !slices.Contains(accepted, m) {
		return nil, luaErrorf("invalid method: %s", m)
	}
	x.Method = m
	return nil, nil
}

// setQuery is make_ordered_args: sorted, encoded, true for a bare name.
func setQuery(x *exchange.Exchange, args []byte) ([]byte, error) {
	table, err := pdkpb.DecodeStruct(args)
	if err != nil {
		return nil, err
	}
	var pairs []string
	for k, v := range table {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, e := range list {
			if e == true {
				pairs = append(pairs, escapeArg(k))
				continue
			}
			pairs = append(pairs, escapeArg(k)+"="+escapeArg(luaText(e)))
		}
	}
	slices.Sort(pairs)
	x.Args = strings.Join(pairs, "&")
	return nil, nil
}

func escapeArg(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// ClearQueryArg is kong.service.request.clear_query_arg, for bundled plugins.
func ClearQueryArg(x *exchange.Exchange, name string) {
	var keep []string
	for pair := range strings.SplitSeq(x.Args, "&") {
		k, _, _ := strings.Cut(pair, "=")
		if pair != "" && unescape(k) != name {
			keep = append(keep, pair)
		}
	}
	x.Args = strings.Join(keep, "&")
}

// SetHeader is kong.service.request.set_header for bundled plugins; no value
// clears the header.
func SetHeader(x *exchange.Exchange, name string, values ...string) {
	if len(values) == 0 {
		x.Header.Del(name)
		return
	}
	x.Header.Set(name, values...)
}
