//go:build spec

package intermediaries

import (
	"path/filepath"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// proxy is a real one with a configuration of testdata.
type proxy struct {
	program, config string
	args            func(file, dir string) []string
}

var proxies = map[string]proxy{
	"haproxy": {"haproxy", "haproxy.cfg", func(file, _ string) []string { return []string{"-db", "-f", file} }},
	"nginx": {"nginx", "nginx.conf", func(file, dir string) []string {
		return []string{"-p", dir, "-c", file, "-e", filepath.Join(dir, "start.log")}
	}},
	"apache": {"apache2", "apache.conf", func(file, _ string) []string { return []string{"-D", "FOREGROUND", "-f", file} }},
	"squid":  {"squid", "squid.conf", func(file, _ string) []string { return []string{"-N", "-f", file} }},
}

// start runs the proxy in front of target and returns where it listens.
func (p proxy) start(t *testing.T, target string) (addr string) {
	t.Helper()
	file, place := configure(t, p.config, target)
	launch(t, place.Listen, nil, p.program, p.args(file, place.Dir)...)
	return place.Listen
}

// startAll runs every proxy in front of a gateway.
func startAll(t *testing.T, r *rig.Rig) map[string]string {
	t.Helper()
	addrs := map[string]string{}
	for name, p := range proxies {
		addrs[name] = p.start(t, strings.TrimPrefix(r.Proxy, "http://"))
	}
	return addrs
}
