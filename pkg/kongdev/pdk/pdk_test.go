package pdk_test

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdk"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdkpb"
	"kong-plugin-auth-diagnosis/pkg/kongdev/router"
)

// host is an exchange with calls made on it.
type host struct {
	*exchange.Exchange
	t   *testing.T
	log *strings.Builder
}

func newHost(t *testing.T, lines ...string) *host {
	t.Helper()
	log := &strings.Builder{}
	set := &entity.Set{Consumers: []*entity.Consumer{{ID: "f3ef8bde-817d-5a84-b4cd-13f35d3bbb53", Username: "alice", CustomID: "cid",
		Fields: map[string]any{"id": "f3ef8bde-817d-5a84-b4cd-13f35d3bbb53", "username": "alice", "custom_id": "cid"}}}}
	set.Index()
	head := &h1.Request{Method: "GET", Target: "/a%20b/../c?x=1&y&x=2&e=%41+z", Major: 1, Minor: 1, Host: "api.test", HeadSize: 120,
		Header: h1.Header{{Name: "Host", Value: "api.test:80"}}}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		head.Header.Add(name, value)
	}
	now := func() time.Time { return time.UnixMilli(1700000000123) }
	g := &exchange.Gateway{Conf: &conf.Conf{TrustedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, RealIPHeader: "X-Forwarded-For"},
		NodeID: "node", Log: errlog.New(log, errlog.Debug, now), Now: now}
	x := exchange.New(g, set, head, "0123456789abcdef0123456789abcdef")
	x.Peer, x.ServerAddr = netip.MustParseAddrPort("10.1.2.3:4567"), netip.MustParseAddrPort("10.0.0.1:8000")
	x.RealIP()
	x.Match = &router.Match{Route: &entity.Route{ID: "r", Name: "route", Protocols: []string{"http", "https"}, Service: &entity.Service{ID: "s", Host: "up"}}}
	return &host{x, t, log}
}

// call makes a call that must succeed.
func (h *host) call(name string, args []byte) []byte {
	h.t.Helper()
	reply, err := pdk.Call(h.Exchange, name, args)
	if err != nil {
		h.t.Fatalf("%s: %v", name, err)
	}
	return reply
}

func (h *host) text(name string, args []byte) string {
	h.t.Helper()
	s, err := pdkpb.DecodeString(h.call(name, args))
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func kv(t *testing.T, key string, value any) []byte {
	t.Helper()
	v, err := structpb.NewValue(value)
	if err != nil {
		t.Fatal(err)
	}
	return message(t, &pb.KV{K: key, V: v})
}

func message(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fields(t *testing.T, m map[string]any) []byte {
	t.Helper()
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return message(t, s)
}

func TestTextMethods(t *testing.T) {
	h := newHost(t, "X-Forwarded-For: 192.0.2.9, 10.9.9.9, 203.0.113.5", "X-Forwarded-Proto: HTTPS", "X-Forwarded-Host: u@Edge.test:444",
		"X-Multi: a", "X-Multi: b", "X-Comma: a, b", "X-Empty: ")
	str := pdkpb.String
	for _, c := range []struct {
		method string
		args   []byte
		want   string
	}{
		{"kong.request.get_method", nil, "GET"},
		{"kong.request.get_scheme", nil, "http"},
		{"kong.request.get_host", nil, "api.test"},
		{"kong.request.get_path", nil, "/c"},
		{"kong.request.get_path_with_query", nil, "/a%20b/../c?x=1&y&x=2&e=%41+z"},
		{"kong.request.get_raw_query", nil, "x=1&y&x=2&e=%41+z"},
		{"kong.request.get_query_arg", str("x"), "1"},
		{"kong.request.get_query_arg", str("e"), "A z"},
		{"kong.request.get_query_arg", str("none"), ""},
		{"kong.request.get_forwarded_scheme", nil, "https"},
		{"kong.request.get_forwarded_host", nil, "edge.test"},
		{"kong.request.get_header", str("x_multi"), "a"},
		{"kong.request.get_header", str("X-Comma"), "a, b"},
		{"kong.request.get_header", str("X-Empty"), ""},
		{"kong.request.get_header", str("none"), ""},
		{"kong.client.get_ip", nil, "10.1.2.3"},
		{"kong.client.get_forwarded_ip", nil, "203.0.113.5"},
		{"kong.client.get_protocol", nil, "http"},
		{"kong.nginx.get_var", str("kong_request_id"), "0123456789abcdef0123456789abcdef"},
		{"kong.nginx.get_var", str("remote_addr"), "203.0.113.5"},
		{"kong.nginx.get_var", str("realip_remote_addr"), "10.1.2.3"},
		{"kong.nginx.get_var", str("request_length"), "120"},
		{"kong.nginx.get_var", str("http_x_multi"), "a, b"},
		{"kong.nginx.get_var", str("arg_x"), "1"},
		{"kong.nginx.get_var", str("server_port"), "8000"},
		{"kong.nginx.get_var", str("no_such_variable"), ""},
		{"kong.nginx.get_subsystem", nil, "http"},
		{"kong.node.get_id", nil, "node"},
	} {
		if got := h.text(c.method, c.args); got != c.want {
			t.Errorf("%s(%q): expected %q, got %q", c.method, c.args, c.want, got)
		}
	}
	var proto2 pb.Int
	if err := proto.Unmarshal(h.call("kong.request.get_forwarded_port", nil), &proto2); err != nil || proto2.V != 444 {
		t.Errorf("get_forwarded_port: expected 444, got %d %v", proto2.V, err)
	}
}

func TestGetHeadersAndQuery(t *testing.T) {
	h := newHost(t, "X-Multi: a", "x-multi: b", "X-Raw: \xff", "X-Empty: ")
	got, err := pdkpb.DecodeStruct(h.call("kong.request.get_headers", pdkpb.Int(1000)))
	want := map[string]any{"host": "api.test:80", "x-multi": []any{"a", "b"}, "x-raw": "\xff", "x-empty": ""}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("get_headers: %v (-want +got):\n%s", err, diff)
	}
	got, err = pdkpb.DecodeStruct(h.call("kong.request.get_headers", pdkpb.Int(2)))
	if diff := cmp.Diff(map[string]any{"host": "api.test:80", "x-multi": "a"}, got); diff != "" || err != nil {
		t.Errorf("get_headers(2): %v (-want +got):\n%s", err, diff)
	}
	got, err = pdkpb.DecodeStruct(h.call("kong.request.get_query", pdkpb.Int(100)))
	if diff := cmp.Diff(map[string]any{"x": []any{"1", "2"}, "y": true, "e": "A z"}, got); diff != "" || err != nil {
		t.Errorf("get_query: %v (-want +got):\n%s", err, diff)
	}
}

func TestUpstreamRequestChanges(t *testing.T) {
	h := newHost(t, "X-Old: 1", "X-Gone: 1")
	h.call("kong.service.request.set_headers", fields(t, map[string]any{"X-Gone": []any{}, "X-List": []any{"a", ""}, "Host": "new.test", "X-N": 5, "X-B": true}))
	h.call("kong.service.request.add_header", kv(t, "x-old", "2"))
	h.call("kong.service.request.set_header", kv(t, "X-Blank", ""))
	h.call("kong.service.request.set_path", pdkpb.String("/p q"))
	h.call("kong.service.request.set_method", pdkpb.String("PUT"))
	h.call("kong.service.request.set_query", fields(t, map[string]any{"b": []any{"1", "2"}, "a": true, "c d": "é"}))
	want := map[string]any{"host": "new.test", "x-old": []any{"1", "2"}, "x-list": []any{"a", " "}, "x-n": "5", "x-b": "true", "x-blank": " "}
	if diff := cmp.Diff(want, h.HeaderTable(100)); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if h.Upstream.Header != "new.test" || h.Upstream.Path != "/p%20q" || h.Method != "PUT" || h.Args != "a&b=1&b=2&c%20d=%C3%A9" {
		t.Errorf("got %+v %s %s", h.Upstream, h.Method, h.Args)
	}
	h.call("kong.service.request.clear_header", pdkpb.String("X-OLD"))
	h.call("kong.service.request.set_raw_query", pdkpb.String(""))
	h.call("kong.service.set_target", message(t, &pb.Target{Host: "t", Port: 81}))
	if h.Header.Has("x-old") || h.Args != "" || h.Upstream.Host != "t" || h.Upstream.Port != 81 {
		t.Errorf("got %v %q %+v", h.Header, h.Args, h.Upstream)
	}
}

func TestResponseAndExit(t *testing.T) {
	h := newHost(t)
	h.call("kong.response.set_headers", fields(t, map[string]any{"X-A": "1", "Transfer-Encoding": "chunked"}))
	h.call("kong.response.add_header", kv(t, "X-A", "2"))
	h.call("kong.response.set_header", kv(t, "X-B", []any{"3", "4"}))
	h.call("kong.response.clear_header", pdkpb.String("x-c"))
	want := h1.Header{{Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2"}, {Name: "X-B", Value: "3"}, {Name: "X-B", Value: "4"}}
	if diff := cmp.Diff(want, h.Out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err := pdk.Call(h.Exchange, "kong.response.exit", message(t, &pb.ExitArgs{Status: 403, Body: []byte("x")}))
	if !errors.Is(err, pdk.ErrExit) || h.Delayed.Status != 403 {
		t.Errorf("exit: got %v %+v", err, h.Delayed)
	}
}

func TestContextAndClient(t *testing.T) {
	h := newHost(t)
	h.call("kong.ctx.shared.set", kv(t, "authenticated_groups", []any{"gold"}))
	h.call("kong.ctx.shared.set", kv(t, "gone", "x"))
	h.call("kong.ctx.shared.set", kv(t, "gone", false)) // a false arrives as nil
	if v, err := pdkpb.DecodeValue(h.call("kong.ctx.shared.get", pdkpb.String("authenticated_groups"))); err != nil || !cmp.Equal(v, []any{"gold"}) {
		t.Errorf("shared.get: got %v %v", v, err)
	}
	if _, ok := h.Shared["gone"]; ok {
		t.Error("shared.set of nil: expected the key to go")
	}
	h.call("kong.nginx.set_ctx", kv(t, "authenticated_credential", map[string]any{"id": "me"}))
	if got := h.Credential(); got["id"] != "me" || got["consumer_id"] != nil {
		t.Errorf("credential without consumer: got %v", got)
	}
	spec := func(id string, byName bool) []byte { return message(t, &pb.ConsumerSpec{Id: id, ByUsername: byName}) }
	for id, found := range map[string]bool{"alice": true, "cid": false, "f3ef8bde-817d-5a84-b4cd-13f35d3bbb53": true} {
		if got := len(h.call("kong.client.load_consumer", spec(id, true))) > 0; got != found {
			t.Errorf("load_consumer(%s): expected found %v, got %v", id, found, got)
		}
	}
	h.call("kong.client.authenticate", message(t, &pb.AuthenticateArgs{Credential: &pb.AuthenticatedCredential{Id: "c"}}))
	if got := h.Credential(); got["consumer_id"] != "" || h.Consumer() != nil {
		t.Errorf("authenticate(nil, credential): expected the empty consumer_id, got %v", got)
	}
	h.call("kong.log.set_serialize_value", kv(t, "a.b", map[string]any{"c": 1}))
	record, err := h.SerializeLog()
	if err != nil || !cmp.Equal(record["a"], map[string]any{"b": map[string]any{"c": 1.0}}) {
		t.Errorf("serialize: got %v %v", record["a"], err)
	}
	list, err := structpb.NewList([]any{"n=", 3, true})
	if err != nil {
		t.Fatal(err)
	}
	h.call("kong.log.notice", message(t, list))
	if !strings.Contains(h.log.String(), "[notice] ") || !strings.Contains(h.log.String(), "n=3true") {
		t.Errorf("log: got %q", h.log)
	}
}

func TestLuaErrors(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		args   []byte
		want   string
	}{
		"too few headers":        {"kong.request.get_headers", nil, "must be >= 1"},
		"too many arguments":     {"kong.request.get_query", pdkpb.Int(1001), "must be <= 1000"},
		"boolean argument":       {"kong.request.get_query_arg", pdkpb.String("y"), "got boolean"},
		"status out of range":    {"kong.response.exit", message(t, &pb.ExitArgs{Status: 99}), "between 100 and 599"},
		"set_status":             {"kong.response.set_status", pdkpb.Int(700), "between 100 and 599"},
		"response in access":     {"kong.response.get_source", nil, "cannot be called in access phase"},
		"id that is no uuid":     {"kong.client.load_consumer", message(t, &pb.ConsumerSpec{Id: "alice"}), "not a uuid"},
		"nothing to set":         {"kong.client.authenticate", nil, "either credential or consumer"},
		"header of a wrong type": {"kong.service.request.set_headers", fields(t, map[string]any{"X": []any{1}}), "invalid header value in array"},
		"no header value":        {"kong.service.request.set_header", message(t, &pb.KV{K: "X"}), "got nil"},
		"path":                   {"kong.service.request.set_path", pdkpb.String("x"), "must start with /"},
		"method":                 {"kong.service.request.set_method", pdkpb.String("BREW"), "invalid method"},
		"scheme":                 {"kong.service.request.set_scheme", pdkpb.String("ftp"), "invalid scheme"},
		"port":                   {"kong.service.set_target", message(t, &pb.Target{Host: "x", Port: 70000}), "between 0 and 65535"},
		"not played":             {"kong.node.get_memory_stats", nil, "not available"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pdk.Call(newHost(t).Exchange, c.method, c.args)
			var lua pdk.LuaError
			if !errors.As(err, &lua) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("expected a Lua error with %q, got %v", c.want, err)
			}
		})
	}
	if _, err := pdk.Call(newHost(t).Exchange, "kong.magic", nil); !errors.Is(err, pdk.ErrNoMethod) {
		t.Errorf("unknown method: got %v", err)
	}
}

// Every method of pluginsocket.proto is in the table, and nothing else.
func TestEveryProtocolMethodIsThere(t *testing.T) {
	src, err := os.ReadFile("testdata/methods.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(src))
	slices.Sort(want)
	if diff := cmp.Diff(want, pdk.Methods()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzCall(f *testing.F) {
	methods := pdk.Methods()
	f.Add(uint8(0), []byte("\x0a\x01x"))
	f.Fuzz(func(t *testing.T, n uint8, args []byte) {
		name := methods[int(n)%len(methods)]
		if name == "kong.request.get_raw_body" {
			return // needs a connection
		}
		h := newHost(t)
		if reply, err := pdk.Call(h.Exchange, name, args); err != nil && reply != nil {
			t.Fatalf("%s: a reply with the error %v", name, err)
		}
	})
}

func TestHTTPVersionIsANumber(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct {
		major, minor int
		number       float64
		protocol     string
	}{{1, 0, 1, "HTTP/1.0"}, {1, 1, 1.1, "HTTP/1.1"}, {2, 0, 2, "HTTP/2.0"}} {
		h.Head.Major, h.Head.Minor = c.major, c.minor
		var n pb.Number
		if err := proto.Unmarshal(h.call("kong.request.get_http_version", nil), &n); err != nil || n.V != c.number {
			t.Errorf("%s: expected %v, got %v %v", c.protocol, c.number, n.V, err)
		}
		if got := h.text("kong.nginx.get_var", pdkpb.String("server_protocol")); got != c.protocol {
			t.Errorf("server_protocol: expected %q, got %q", c.protocol, got)
		}
	}
}
