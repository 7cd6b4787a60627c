package router

import (
	"regexp"
	"strings"
)

// hostRule is one entry of a route's hosts: a plain name or a wildcard at its
// left or right end, with or without a port.
type hostRule struct {
	value string
	regex *regexp.Regexp
	port  bool
}

func newHostRule(h string) hostRule {
	h = strings.ToLower(h)
	_, port, _ := cutPort(h)
	hr := hostRule{value: h, port: port != ""}
	if strings.Contains(h, "*") {
		expr := strings.ReplaceAll(regexp.QuoteMeta(h), `\*`, `.+`)
		if !hr.port {
			expr += `(?::\d+)?`
		}
		hr.regex = regexp.MustCompile("^" + expr + "$")
	}
	return hr
}

// hostPort is a request's host in the two forms that routes may name.
type hostPort struct{ bare, full string }

func splitHost(h string, https bool) hostPort {
	h = strings.ToLower(h)
	bare, port, ok := cutPort(h)
	if ok && port != "" {
		return hostPort{bare, h}
	}
	if https {
		return hostPort{bare, bare + ":443"}
	}
	return hostPort{bare, bare + ":80"}
}

// cutPort splits host:port, brackets of an IPv6 address kept.
func cutPort(h string) (host, port string, ok bool) {
	i := strings.LastIndexByte(h, ':')
	if i < 0 || strings.Contains(h[i:], "]") || strings.Count(h, ":") > 1 && !strings.HasPrefix(h, "[") {
		return h, "", false
	}
	return h[:i], h[i+1:], true
}

func (h hostPort) matches(r hostRule) bool {
	if r.regex != nil {
		return r.regex.MatchString(h.full)
	}
	return r.value == h.bare || r.value == h.full
}
