package router_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/router"
)

func route(name string, change func(r *entity.Route)) *entity.Route {
	r := &entity.Route{Name: name, Protocols: []string{"http"}, Headers: map[string][]string{}, StripPath: true,
		PathHandling: "v0", Service: &entity.Service{Enabled: true}}
	change(r)
	return r
}

func TestPrecedence(t *testing.T) {
	paths := func(p ...string) func(*entity.Route) { return func(r *entity.Route) { r.Paths = p } }
	rt := router.New([]*entity.Route{
		route("root", paths("/")),
		route("short", paths("/api")),
		route("long", paths("/api/v1")),
		route("regex", paths(`~/api/v\d+/x`)),
		route("regex-first", func(r *entity.Route) {
			r.Paths = []string{`~/api/v\d`}
			r.RegexPriority = 5
			r.Methods = []string{"PUT"}
		}),
		route("host", func(r *entity.Route) { r.Hosts = []string{"a.test"} }),
		route("wild", func(r *entity.Route) { r.Hosts = []string{"*.test"} }),
		route("port", func(r *entity.Route) { r.Hosts = []string{"b.test:8080"} }),
		route("host-path", func(r *entity.Route) { r.Hosts = []string{"a.test"}; r.Paths = []string{"/api"} }),
		route("header", func(r *entity.Route) { r.Paths = []string{"/api"}; r.Headers["x-v"] = []string{"2", "Three"} }),
		route("header-regex", func(r *entity.Route) { r.Paths = []string{"/api"}; r.Headers["x-w"] = []string{"~*^a+$"} }),
		route("method", func(r *entity.Route) { r.Methods = []string{"DELETE"} }),
		route("stream", func(r *entity.Route) { r.Protocols = []string{"tcp"}; r.Paths = []string{"/api/v1/very/long"} }),
		route("disabled", func(r *entity.Route) { r.Paths = []string{"/api/v1/off"}; r.Service.Enabled = false }),
	})
	for _, c := range []struct {
		method, target, host, header, want string
	}{
		{"GET", "/", "x", "", "root"},
		{"GET", "/other?x=/api", "x", "", "root"},
		{"GET", "/api/v2", "x", "", "short"},
		{"GET", "/api/v1/y", "x", "", "long"},
		{"GET", "/api/v1/off", "x", "", "long"},
		{"GET", "/api/v1/very/long", "x", "", "long"},
		{"GET", "/api/v1/x", "x", "", "regex"},
		{"PUT", "/api/v1/x", "x", "", "regex-first"},
		{"GET", "/zzz", "A.test:123", "", "host"},
		{"GET", "/zzz", "c.test", "", "root"},
		{"GET", "/zzz", "b.test:8080", "", "port"},
		{"GET", "/zzz", "b.test", "", "root"},
		{"GET", "/api/v1", "a.test", "", "host-path"},
		{"GET", "/api", "x", "X-V: three", "header"},
		{"GET", "/api", "x", "X-W: AAA", "header-regex"},
		{"GET", "/api", "x", "X-V: 4", "short"},
		{"DELETE", "/zzz", "x", "", "root"},
		{"GET", "/%61pi/v2", "x", "", "short"},
		{"GET", "/x/../api//v2", "x", "", "short"},
	} {
		h := h1.Header{}
		if c.header != "" {
			h.Add(c.header[:3], c.header[5:])
		}
		m := rt.Find(router.Request{Method: c.method, Target: c.target, Host: c.host, Header: h})
		if m == nil || m.Route.Name != c.want {
			t.Errorf("%s %s %s %s: expected %s, got %v", c.method, c.host, c.target, c.header, c.want, m)
		}
	}
	empty := router.New([]*entity.Route{route("only", paths("/only"))})
	if m := empty.Find(router.Request{Method: "GET", Target: "/x", Host: "x"}); m != nil {
		t.Errorf("expected no route, got %v", m)
	}
}

// TestPrecedenceOfEquals has pairs of routes that both match.
func TestPrecedenceOfEquals(t *testing.T) {
	wild := func(r *entity.Route) { r.Hosts = []string{"*.test"} }
	for name, c := range map[string]struct{ winner, loser func(r *entity.Route) }{
		"a path before a wildcard host": {func(r *entity.Route) { r.Paths = []string{"/"} }, wild},
		"a header before a wildcard host": {func(r *entity.Route) {
			r.Headers["x-v"] = []string{"2"}
			r.Paths = []string{"/"}
		}, func(r *entity.Route) { wild(r); r.Paths = []string{"/a/b"} }},
		"a plain host before a header": {func(r *entity.Route) { r.Hosts = []string{"a.test"} },
			func(r *entity.Route) { r.Headers["x-v"] = []string{"2"} }},
		"more headers before a regular expression": {func(r *entity.Route) {
			r.Headers["x-v"], r.Headers["x-w"] = []string{"2"}, []string{"2"}
			r.Paths = []string{"/"}
		}, func(r *entity.Route) { r.Headers["x-v"] = []string{"2"}; r.Paths = []string{"~/a"} }},
		"a regular expression has no length": {func(r *entity.Route) { r.ID = "2"; r.Paths = []string{"~/a"} },
			func(r *entity.Route) { r.ID = "1"; r.Paths = []string{"~/a/b"} }},
		"the greater id": {func(r *entity.Route) { r.ID = "2"; r.CreatedAt = 9 }, func(r *entity.Route) { r.ID = "1" }},
	} {
		rt := router.New([]*entity.Route{route("loser", c.loser), route("winner", c.winner)})
		m := rt.Find(router.Request{Method: "GET", Target: "/a/b", Host: "a.test",
			Header: h1.Header{{Name: "X-V", Value: "2"}, {Name: "X-W", Value: "2"}}})
		if m == nil || m.Route.Name != "winner" {
			t.Errorf("%s: got %+v", name, m)
		}
	}
}

func TestUpstreamPath(t *testing.T) {
	for _, c := range []struct {
		base, path, target, want string
		keep                     bool
	}{
		{"", "/a", "/a", "/", false},
		{"", "/a", "/a/", "/", false},
		{"", "/a", "/a/b?q", "/b", false},
		{"", "/a", "/ab", "/b", false},
		{"/s", "/a", "/a", "/s", false},
		{"/s", "/a", "/a/b", "/s/b", false},
		{"/s/", "/a", "/a", "/s", false},
		{"/s/", "/a", "/a/b", "/s/b", false},
		{"/s", "/a/", "/a/b", "/s/b", false},
		{"/s", "/a", "/a/b", "/s/a/b", true},
		{"/s/", "/a", "/a/b", "/s/a/b", true},
		{"/s", "/", "/", "/s", true},
		{"/s", "~/a/(?P<id>\\d+)", "/a/12/x", "/s/x", false},
	} {
		r := route("r", func(r *entity.Route) { r.Paths, r.StripPath, r.Service.Path = []string{c.path}, !c.keep, c.base })
		m := router.New([]*entity.Route{r}).Find(router.Request{Method: "GET", Target: c.target})
		if m == nil || m.UpstreamPath != c.want {
			t.Errorf("service %q, route %q, strip %v, request %q: expected %q, got %+v", c.base, c.path, !c.keep, c.target, c.want, m)
		}
	}
}

func TestCaptures(t *testing.T) {
	r := route("r", func(r *entity.Route) { r.Paths = []string{`~/u/(?P<id>\d+)/(\w+)`} })
	m := router.New([]*entity.Route{r}).Find(router.Request{Method: "GET", Target: "/u/7/x/rest"})
	if m == nil {
		t.Fatal("expected a match")
	}
	if diff := cmp.Diff([]string{"/u/7/x", "7", "x"}, m.Captures); diff != "" {
		t.Errorf("captures (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"id": "7"}, m.Named); diff != "" {
		t.Errorf("named (-want +got):\n%s", diff)
	}
	if m.Prefix != "/u/7/x" {
		t.Errorf("prefix: got %q", m.Prefix)
	}
}

func TestNormalizeAndEscape(t *testing.T) {
	for in, want := range map[string]string{
		"/a/./b/../c": "/a/c", "//a///b/": "/a/b/", "/..": "/", "/%7euser": "/~user", "/a%2fb": "/a%2Fb",
		"/caf%c3%a9": "/caf\xc3\xa9", "/%zz": "/%zz", "/a/..": "/",
	} {
		if got := router.Normalize(in); got != want {
			t.Errorf("Normalize(%q): expected %q, got %q", in, want, got)
		}
	}
	if got := router.Escape("/caf\xc3\xa9 x?y"); got != "/caf%C3%A9%20x?y" {
		t.Errorf("Escape: got %q", got)
	}
}
