package kongdev_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// withPlugins writes one route /NAME for each list of plugins.
func withPlugins(url string, routes map[string]string, rest string) string {
	var b strings.Builder
	for name, plugins := range routes {
		b.WriteString("  - name: " + name + "\n    paths: [/" + name + "]\n    plugins: [" + plugins + "]\n")
	}
	return config(url, b.String()) + rest
}

const consumers = `
consumers:
- username: alice
  custom_id: a-1
  keyauth_credentials: [{key: k-alice}]
  acls: [{group: gold}]
- username: bob
  keyauth_credentials: [{key: k-bob}]
- username: anon
`

func TestKeyAuth(t *testing.T) {
	t.Parallel()
	k := startKong(t, withPlugins(upstream(t), map[string]string{
		"key":    "{name: key-auth, config: {realm: here}}",
		"hide":   "{name: key-auth, config: {hide_credentials: true, key_names: [x-key]}}",
		"either": "{name: key-auth, config: {anonymous: anon}}",
	}, consumers))
	for _, c := range []struct {
		path   string
		lines  []string
		status int
		want   string
	}{
		{"/key", nil, 401, "No API key found in request"},
		{"/key", []string{"apikey:"}, 401, "No API key found in request"},
		{"/key", []string{"apikey: nope"}, 401, "Unauthorized"},
		{"/key", []string{"apikey: a", "apikey: b"}, 401, "Duplicate API key found"},
		{"/key", []string{"APIKEY: k-alice", "X-Consumer-Username: forged", "X-Anonymous-Consumer: true"}, 200, "X-Consumer-Username: alice\r\n"},
		{"/key?apikey=k-alice", nil, 200, "X-Consumer-Custom-Id: a-1\r\n"},
		{"/hide?x-key=k-bob&keep=1", nil, 200, "GET /?keep=1 HTTP"},
		{"/either", []string{"apikey: nope"}, 200, "X-Anonymous-Consumer: true\r\n"},
		{"/either?apikey=k-bob", nil, 200, "X-Consumer-Username: bob\r\n"},
	} {
		got := k.get(c.path, c.lines...)
		if got.Status != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s %q: expected %d %q, got %d %q", c.path, c.lines, c.status, c.want, got.Status, got.body)
		}
		if c.status == 401 && got.Header.Value("WWW-Authenticate") != `Key realm="here"` {
			t.Errorf("%s: WWW-Authenticate: got %q", c.path, got.Header.Value("WWW-Authenticate"))
		}
		if strings.Contains(got.body, "forged") || strings.HasPrefix(c.path, "/hide") && strings.Contains(got.body, "k-bob") {
			t.Errorf("%s: got %q", c.path, got.body)
		}
	}
}

func TestACL(t *testing.T) {
	t.Parallel()
	k := startKong(t, withPlugins(upstream(t), map[string]string{
		"allow": "{name: key-auth}, {name: acl, config: {allow: [gold]}}",
		"deny":  "{name: key-auth}, {name: acl, config: {deny: [gold], hide_groups_header: true}}",
		"bare":  "{name: acl, config: {allow: [gold]}}",
	}, consumers))
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/allow?apikey=k-alice", 200, "X-Consumer-Groups: gold\r\n"},
		{"/allow?apikey=k-bob", 403, "You cannot consume this service"},
		{"/deny?apikey=k-alice", 403, "You cannot consume this service"},
		{"/deny?apikey=k-bob", 200, "X-Consumer-Username: bob"},
		{"/bare", 401, "Unauthorized"},
	} {
		if got := k.get(c.path); got.Status != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s: expected %d %q, got %d %q", c.path, c.status, c.want, got.Status, got.body)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	k := startKong(t, withPlugins(upstream(t), map[string]string{
		"all":  "{name: cors, config: {exposed_headers: [X-A, X-B], credentials: true}}, {name: key-auth}",
		"some": `{name: cors, config: {origins: ["https://a.test", ".*[.]b[.]test"], max_age: 60}}`,
	}, consumers))
	preflight := func(path string, lines ...string) answer {
		return k.dial().send("OPTIONS " + path + " HTTP/1.1\r\nHost: h\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n").recv("OPTIONS")
	}
	got := preflight("/some", "Origin: https://x.b.test:443", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-a")
	for name, want := range map[string]string{"Access-Control-Allow-Origin": "https://x.b.test", "Access-Control-Allow-Headers": "x-a",
		"Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT", "Access-Control-Max-Age": "60", "Vary": "Origin"} {
		if v := got.Header.Value(name); got.Status != 200 || v != want {
			t.Errorf("preflight %s: expected %q, got %q", name, want, v)
		}
	}
	if got := k.get("/some", "Origin: https://evil.test"); got.Header.Has("Access-Control-Allow-Origin") {
		t.Errorf("foreign origin: got %v", got.Header)
	}
	rejected := k.get("/all", "Origin: https://x.test") // key-auth's 401 carries cors' headers
	if rejected.Status != 401 || rejected.Header.Value("Access-Control-Expose-Headers") != "X-A,X-B" ||
		rejected.Header.Value("Access-Control-Allow-Origin") != "https://x.test" || rejected.Header.Value("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("headers of a rejection: got %v", rejected.Header)
	}
	if got := preflight("/all", "Origin: https://x.test"); got.Status != 401 {
		t.Errorf("OPTIONS that is no preflight: expected 401, got %d", got.Status)
	}
}

func TestMostSpecificPluginConfigurationRuns(t *testing.T) {
	t.Parallel()
	term := func(message string) string {
		return "{name: request-termination, config: {status_code: 418, message: " + message + "}}"
	}
	yml := withPlugins(upstream(t), map[string]string{"own": term("route"), "none": ""},
		"plugins: ["+term("global")+"]\n"+"routes:\n- name: bare\n  paths: [/bare]\n")
	yml = strings.Replace(yml, "- name: svc\n", "- name: svc\n  plugins: ["+term("service")+"]\n", 1)
	yml = strings.Replace(yml, "plugins: []", "preserve_host: false", 1)
	k := startKong(t, yml)
	for path, want := range map[string]string{"/own": "route", "/none": "service", "/bare": "global"} {
		if got := k.get(path); got.Status != 418 || got.body != `{"message":"`+want+`"}` {
			t.Errorf("%s: expected the plugin of the %s, got %d %q", path, want, got.Status, got.body)
		}
	}
}

func TestConsumerScopeCountsBehindAuthentication(t *testing.T) {
	t.Parallel()
	yml := withPlugins(upstream(t), map[string]string{"a": "{name: key-auth}"}, consumers)
	yml = strings.Replace(yml, "- username: bob\n", "- username: bob\n  plugins: [{name: request-termination, config: {status_code: 403, message: not bob}}]\n", 1)
	k := startKong(t, yml)
	if got := k.get("/a?apikey=k-bob"); got.Status != 403 {
		t.Errorf("bob: expected 403, got %d", got.Status)
	}
	if got := k.get("/a?apikey=k-alice"); got.Status != 200 {
		t.Errorf("alice: expected 200, got %d", got.Status)
	}
}

func TestFileLogCarriesSerializeValues(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/log"
	k := startKong(t, withPlugins(upstream(t), map[string]string{
		"a": "{name: key-auth}, {name: file-log, config: {path: " + path + "}}, {name: stock, config: {label: a, do: serialize}}",
	}, consumers))
	k.get("/a", "Authorization: Bearer secret")
	var record struct {
		Mine    map[string]any `json:"mine"`
		Request struct {
			Headers map[string]any
			URI     string
		}
		Response struct{ Status int }
		Source   string
	}
	k.await("the log line", func() bool {
		text, err := os.ReadFile(path)
		return err == nil && strings.HasSuffix(string(text), "\n") && json.Unmarshal(text, &record) == nil
	})
	if record.Mine["value"] != "x" || record.Request.Headers["authorization"] != "REDACTED" || record.Request.URI != "/a" ||
		record.Response.Status != 401 || record.Source != "kong" {
		t.Errorf("got %+v", record)
	}
}
