package conf_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
)

func TestParse(t *testing.T) {
	got, err := conf.Parse([]byte(strings.Join([]string{
		"# a comment", "", "prefix = /tmp/x # behind a value", "  Plugins=bundled, mine  ",
		`password = "quo ted"`, `hash = a\#b`, "anchor = a#b", "empty =", "twice = 1", "twice = 2",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"prefix": "/tmp/x", "plugins": "bundled, mine", "password": "quo ted", "hash": "a#b",
		"anchor": "a#b", "empty": "", "twice": "2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{"no equals sign", "= value", "two words = x"} {
		if _, err := conf.Parse([]byte(bad)); err == nil {
			t.Errorf("%q: expected an error", bad)
		}
	}
}

func TestFormatIsReadBack(t *testing.T) {
	in := map[string]string{"a": "x # y", "b": "", "c": `back\slash`, "d": "plain"}
	got, err := conf.Parse(conf.Format(in))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// load writes a file and loads it.
func load(t *testing.T, text string, env ...string) (*conf.Conf, []string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kong.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return conf.Load(path, "", env)
}

func TestLoad(t *testing.T) {
	c, warnings, err := load(t, `
prefix = /tmp/kongdev-test
database = off
declarative_config = /etc/kong/kong.yml
proxy_listen = 127.0.0.1:8000 reuseport backlog=16384, [::1]:8000 http2
admin_listen = off
nginx_worker_processes = 2
plugins = bundled,my-plugin
pluginserver_names = my-plugin
pluginserver_my_plugin_start_cmd = /bin/plugin -kong-prefix /x
pluginserver_my_plugin_query_cmd = /bin/plugin -dump
trusted_ips = 10.0.0.0/8, 192.0.2.1
real_ip_recursive = on
headers = server_tokens, X-Kong-Upstream-Status
nginx_http_large_client_header_buffers = 8 64k
nginx_main_env = HTTPS_PROXY; env A=b
nginx_main_worker_rlimit_nofile = 2048
lua_ssl_trusted_certificate = system
`, "KONG_LOG_LEVEL=debug", "KONG_PREFIX=/tmp/other", "KONG_PLUGINS=", "PATH=/bin")
	if err != nil {
		t.Fatal(err)
	}
	want := &conf.Conf{
		Prefix: "/tmp/other", DeclarativeConfig: "/etc/kong/kong.yml", ProxyListen: []string{"127.0.0.1:8000", "[::1]:8000"},
		ProxyHTTP2:   true,
		StatusListen: []string{"127.0.0.1:8007"}, Workers: 2, Plugins: []string{"bundled", "my-plugin"},
		PluginServers: []conf.PluginServer{{Name: "my-plugin", Socket: "/tmp/other/my-plugin.socket",
			StartCmd: "/bin/plugin -kong-prefix /x", QueryCmd: "/bin/plugin -dump"}},
		LogLevel:     "debug",
		TrustedIPs:   []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")},
		RealIPHeader: "X-Real-IP", RealIPRecursive: true,
		Headers:       conf.Headers{Server: true, Via: true, UpstreamStatus: true},
		HeaderBuffers: conf.Buffers{Number: 8, Size: 64 << 10}, ErrorDefaultType: "text/plain",
		ErrorLog: "/tmp/other/logs/error.log", AccessLog: "/tmp/other/logs/access.log",
		OpenFiles: 2048, MainEnv: []string{"HTTPS_PROXY", "A=b"},
	}
	c.Settings = nil
	compare := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if diff := cmp.Diff(want, c, compare); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "lua_ssl_trusted_certificate") {
		t.Errorf("warnings: expected one for the unknown key, got %q", warnings)
	}
}

func TestLoadReportsEveryProblem(t *testing.T) {
	_, _, err := load(t, "database = postgres\nproxy_listen = 8000\nadmin_listen = 127.0.0.1:8444 ssl\n"+
		"nginx_worker_processes = 0\nlog_level = loud\ntrusted_ips = ten\nnginx_http_large_client_header_buffers = 4\nnginx_main_worker_rlimit_nofile = all\n")
	if err == nil {
		t.Fatal("expected an error")
	}
	for _, want := range []string{"database", "proxy_listen", "got ssl", "nginx_worker_processes", "log_level",
		"trusted_ips", "large_client_header_buffers", "worker_rlimit_nofile"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("expected a problem with %q, got %v", want, err)
		}
	}
	if _, _, err := conf.Load("/does/not/exist", "", nil); !errors.Is(err, conf.ErrNoFile) {
		t.Errorf("missing file: expected %v, got %v", conf.ErrNoFile, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a = b # c\nx=\"y\"\n"))
	f.Add([]byte(`k = \#`))
	f.Fuzz(func(t *testing.T, src []byte) {
		first, err := conf.Parse(src)
		if err != nil {
			return
		}
		second, err := conf.Parse(conf.Format(first))
		if err != nil {
			t.Fatalf("formatted settings do not parse: %v", err)
		}
		if len(first) != len(second) {
			t.Fatalf("expected %d settings back, got %d", len(first), len(second))
		}
	})
}
