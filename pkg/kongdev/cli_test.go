package kongdev_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBadConfigurationsDoNotStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		yml, want string
		extra     []string
	}{
		"unknown field of a plugin": {config("http://h", strings.Replace(route("a", "none"), "do:", "nope: 1, do:", 1)),
			"in 'config':\n              in 'nope': unknown field", nil},
		"plugin that is not enabled": {"_format_version: '3.0'\nplugins: [{name: jwt}]\n",
			"plugin 'jwt' not enabled; add it to the 'plugins' configuration property", nil},
		"plugin that is not installed":       {config("http://h"), "absent plugin is enabled but not installed", []string{"plugins = absent"}},
		"query command without a plugin":     {config("http://h"), "failed decoding plugin info", []string{"pluginserver_stock_query_cmd = true"}},
		"database":                           {config("http://h"), `database: expected "off"`, []string{"database = postgres"}},
		"address that cannot be listened on": {config("http://h"), "listening on 192.0.2.1:1", []string{"proxy_listen = 192.0.2.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKong(t, c.yml, c.extra...)
			out, err := k.run("start", "-c", k.conf)
			if err == nil || !strings.Contains(out, c.want) {
				t.Errorf("expected exit code 1 and %q, got %v:\n%s", c.want, err, out)
			}
			if _, err := os.Stat(filepath.Join(k.prefix, "pids", "nginx.pid")); err == nil {
				t.Error("a pid file was left behind")
			}
		})
	}
}

func TestLifeCycle(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "none")), "unheard_of = 1")
	if out, err := k.run("version"); err != nil || out != "3.9.3\n" {
		t.Errorf("version: got %q %v", out, err)
	}
	if out, err := k.run("health", "-p", k.prefix); err != nil || !strings.Contains(out, "Kong is healthy at "+k.prefix) {
		t.Errorf("health: got %q %v", out, err)
	}
	if out, err := k.run("start", "-c", k.conf); err == nil || !strings.Contains(out, "already running") {
		t.Errorf("second start: got %q %v", out, err)
	}
	for _, file := range []string{"pids/nginx.pid", "logs/error.log", "logs/access.log"} {
		if _, err := os.Stat(filepath.Join(k.prefix, file)); err != nil {
			t.Error(err)
		}
	}
	k.get("/a?secret=1", "User-Agent: spec")
	k.await("the access log", func() bool {
		text, err := os.ReadFile(filepath.Join(k.prefix, "logs", "access.log"))
		return err == nil && strings.Contains(string(text), `"GET /a?secret=1 HTTP/1.1" 200`) && strings.Contains(string(text), `"spec"`)
	})
	if out, err := k.run("quit", "-p", k.prefix); err != nil {
		t.Errorf("quit: %q %v", out, err)
	}
	if out, err := k.run("stop", "-p", k.prefix); err == nil || !strings.Contains(out, "not running") {
		t.Errorf("stop of a stopped gateway: got %q %v", out, err)
	}
	if out, err := k.run("health", "-p", k.prefix); err == nil {
		t.Errorf("health of a stopped gateway: got %q", out)
	}
	if out, err := k.run("dance"); err == nil || !strings.Contains(out, "usage:") {
		t.Errorf("unknown command: got %q %v", out, err)
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	t.Parallel()
	k := newKong(t, config(upstream(t), route("a", "none")))
	other := freeAddr(t)
	k.env = []string{"KONG_PROXY_LISTEN=" + other}
	if out, err := k.run("start", "-c", k.conf); err != nil {
		t.Fatalf("start: %v %s", err, out)
	}
	k.proxy = other
	k.await("the gateway on the other port", func() bool { return k.get("/a").Status == 200 })
}

func TestBadReloadKeepsTheRunningConfiguration(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "none")))
	k.write(k.yml, "_format_version: '3.0'\ncolour: red\n")
	if out, err := k.run("reload", "-p", k.prefix); err != nil {
		t.Fatalf("reload: %v %s", err, out)
	}
	k.await("the error", func() bool { return strings.Contains(k.errorLog(), "in 'colour': unknown field") })
	if got := k.get("/a"); got.Status != 200 {
		t.Errorf("expected the old configuration to serve, got %d", got.Status)
	}
}

func TestAdminAPI(t *testing.T) {
	t.Parallel()
	url := upstream(t)
	yml := config(url, route("a", "none"))
	k := startKong(t, yml)
	for path, want := range map[string]string{
		"/":                       `"version":"3.9.3"`,
		"/status":                 `"configuration_hash":"`,
		"/plugins":                `"label":"a"`,
		"/routes":                 `"paths":["/a"]`,
		"/services":               `"retries":5`,
		"/schemas/plugins/stock":  `"label":{"type":"string"}`,
		"/schemas/plugins/nobody": "No plugin named 'nobody'",
		"/nowhere":                "Not found",
	} {
		if got := k.adminGet(path); !strings.Contains(got, want) {
			t.Errorf("GET %s: expected %s, got %s", path, want, got)
		}
	}
	for _, c := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/config?check_hash=1", yml, 304, ""},
		{"/config", `{"_format_version":"3.0"}`, 201, "{}"},
		{"/config", `{"config":"_format_version: '3.0'\nservices: [{name: s, host: h}]"}`, 201, `"host":"h"`},
		{"/config", "", 400, "expected a declarative configuration"},
		{"/config", ": : :", 400, "failed parsing declarative configuration"},
		{"/config", `{"_format_version":"3.0","services":[{"name":"s"}]}`, 400, `"services":[{"host":"required field missing"}]`},
		{"/config?flatten_errors=1", `{"_format_version":"3.0","services":[{"name":"s"}]}`, 400,
			`"errors":[{"field":"host","message":"required field missing","type":"field"}]`},
		{"/schemas/plugins/validate", `{"name":"stock","config":{"label":"x"}}`, 200, "schema validation successful"},
		{"/schemas/plugins/validate", `{"name":"stock","config":{"label":1}}`, 400, `"label":"expected a string"`},
		{"/schemas/plugins/validate", `{"name":"jwt","config":{}}`, 400, "plugin 'jwt' not enabled"},
		{"/services", `{"name":"s"}`, 405, "when not using a database"},
	} {
		if status, body := k.post(c.path, c.body); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("POST %s %q: expected %d %s, got %d %s", c.path, c.body, c.status, c.want, status, body)
		}
	}
}
