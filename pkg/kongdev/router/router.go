// Package router finds the route of a request by the precedence of Kong's
// default router flavour (traditional_compatible), and the path the upstream is
// called with.
//
// A route matches when every kind of rule it declares (hosts, headers, paths,
// methods) matches. Among the routes that match, the one with more kinds of
// rules wins, then one whose hosts are all plain, one with more headers, regular
// expressions (by regex_priority) before plain paths, longer paths before
// shorter, and of equals the one with the greater id (get_priority in
// kong/router/transform.lua).
package router

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

// Router is an immutable routing table.
type Router struct{ rules []*rule }

// rule is a route with at most one of its paths.
type rule struct {
	route   *entity.Route
	kinds   int  // of hosts, headers, paths and methods
	plain   bool // there are hosts, and none has a wildcard
	hosts   []hostRule
	headers []headerRule
	path    string
	regex   *regexp.Regexp
}

type headerRule struct {
	name   string
	values []string
	regex  *regexp.Regexp
}

// Request is what routing looks at.
type Request struct {
	Method string
	Target string // raw request target, arguments included
	Host   string // the Host header as received
	HTTPS  bool
	Header h1.Header
}

// Match is a found route.
type Match struct {
	Route        *entity.Route
	Prefix       string   // the part of the path that strip_path takes away, "" if none
	UpstreamPath string   // normalised and not yet escaped, without arguments
	Captures     []string // unnamed groups of a regular expression, whole match first
	Named        map[string]string
}

// New builds the table. Routes whose regular expressions do not compile have
// been refused by the loader.
func New(routes []*entity.Route) *Router {
	r := &Router{}
	for _, route := range routes {
		if !servesHTTP(route) || route.Service != nil && !route.Service.Enabled {
			continue
		}
		paths := route.Paths
		if len(paths) == 0 {
			paths = []string{""}
		}
		for _, p := range paths {
			r.rules = append(r.rules, newRule(route, p))
		}
	}
	slices.SortStableFunc(r.rules, compareRules)
	return r
}

// servesHTTP reports whether a route is of the http subsystem, gRPC's included.
func servesHTTP(r *entity.Route) bool {
	return slices.ContainsFunc(r.Protocols, func(p string) bool {
		return p == "http" || p == "https" || p == "grpc" || p == "grpcs"
	})
}

func newRule(route *entity.Route, path string) *rule {
	ru := &rule{route: route}
	if len(route.Hosts) > 0 {
		ru.kinds++
		ru.plain = true
		for _, h := range route.Hosts {
			hr := newHostRule(h)
			ru.plain = ru.plain && hr.regex == nil
			ru.hosts = append(ru.hosts, hr)
		}
	}
	if len(route.Headers) > 0 {
		ru.kinds++
	}
	for name, values := range route.Headers {
		ru.headers = append(ru.headers, newHeaderRule(name, values))
	}
	if path != "" {
		ru.kinds++
		ru.path = path
		if expr, ok := strings.CutPrefix(path, "~"); ok {
			ru.regex = regexp.MustCompile(`^(?:` + expr + `)`)
		}
	}
	if len(route.Methods) > 0 {
		ru.kinds++
	}
	return ru
}

func newHeaderRule(name string, values []string) headerRule {
	hr := headerRule{name: name}
	if len(values) == 1 {
		if expr, ok := strings.CutPrefix(values[0], "~*"); ok {
			if re, err := regexp.Compile("(?i)" + expr); err == nil {
				hr.regex = re
				return hr
			}
		}
	}
	for _, v := range values {
		hr.values = append(hr.values, strings.ToLower(v))
	}
	return hr
}

// compareRules orders rules by precedence, the best first. A regular expression
// has no length.
func compareRules(a, b *rule) int {
	return cmp.Or(
		cmp.Compare(b.kinds, a.kinds),
		first(a.plain, b.plain),
		cmp.Compare(len(b.headers), len(a.headers)),
		first(a.regex != nil, b.regex != nil),
		cmp.Compare(b.regexPriority(), a.regexPriority()),
		cmp.Compare(b.length(), a.length()),
		cmp.Compare(b.route.ID, a.route.ID),
	)
}

// first orders what has a property before what has not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func (ru *rule) regexPriority() int {
	if ru.regex == nil {
		return 0
	}
	return ru.route.RegexPriority
}

func (ru *rule) length() int {
	if ru.regex != nil {
		return 0
	}
	return len(ru.path)
}

// Find returns the matching route, or nil.
func (r *Router) Find(req Request) *Match {
	path := Normalize(withoutArgs(req.Target))
	host := splitHost(req.Host, req.HTTPS)
	for _, ru := range r.rules {
		if m := ru.match(req, host, path); m != nil {
			return m
		}
	}
	return nil
}

func withoutArgs(target string) string {
	if i := strings.IndexByte(target, '?'); i > 0 {
		return target[:i]
	}
	return target
}

func (ru *rule) match(req Request, host hostPort, path string) *Match {
	if len(ru.hosts) > 0 && !slices.ContainsFunc(ru.hosts, host.matches) {
		return nil
	}
	if len(ru.route.Methods) > 0 && !slices.Contains(ru.route.Methods, req.Method) {
		return nil
	}
	for _, h := range ru.headers {
		if !h.match(req.Header) {
			return nil
		}
	}
	m := &Match{Route: ru.route}
	postfix := strings.TrimPrefix(path, "/")
	switch {
	case ru.regex != nil:
		loc := ru.regex.FindStringSubmatchIndex(path)
		if loc == nil {
			return nil
		}
		m.capture(ru.regex, path, loc)
		m.Prefix, postfix = path[:loc[1]], sanitize(path[loc[1]:])
	case ru.path != "":
		rest, ok := strings.CutPrefix(path, ru.path)
		if !ok {
			return nil
		}
		m.Prefix, postfix = ru.path, sanitize(rest)
	}
	if !ru.route.StripPath {
		m.Prefix = ""
	}
	base := "/"
	if s := ru.route.Service; s != nil && s.Path != "" {
		base = s.Path
	}
	m.UpstreamPath = upstreamPath(ru.route, base, path, postfix)
	return m
}

func (h headerRule) match(header h1.Header) bool {
	return slices.ContainsFunc(header.Values(h.name), func(v string) bool {
		if h.regex != nil {
			return h.regex.MatchString(v)
		}
		return slices.Contains(h.values, strings.ToLower(v))
	})
}

func (m *Match) capture(re *regexp.Regexp, path string, loc []int) {
	for i, name := range re.SubexpNames() {
		if loc[2*i] < 0 {
			continue
		}
		v := path[loc[2*i]:loc[2*i+1]]
		m.Captures = append(m.Captures, v)
		if name != "" {
			if m.Named == nil {
				m.Named = map[string]string{}
			}
			m.Named[name] = v
		}
	}
}
