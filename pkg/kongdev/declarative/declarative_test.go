package declarative_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/kongdev/bundled"
	"kong-plugin-auth-diagnosis/pkg/kongdev/declarative"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

// catalog enables the bundled plugins and one external schema.
type catalog map[string]*subschema.Schema

func (c catalog) PluginSchema(name string) (*subschema.Schema, bool) {
	s, ok := c[name]
	return s, ok
}

const external = `{"name":"external","fields":[
	{"consumer":{"type":"foreign","reference":"consumers","eq":null}},
	{"config":{"type":"record","fields":[
	{"label":{"type":"string","required":true,"default":"none"}},
	{"secret":{"type":"string","referenceable":true}}]}}]}`

func newLoader(t testing.TB) *declarative.Loader {
	t.Helper()
	c := catalog{}
	for _, p := range bundled.All() {
		c[p.Name] = p.Schema
	}
	s, err := subschema.Load([]byte(external))
	if err != nil {
		t.Fatal(err)
	}
	c["external"] = s
	return &declarative.Loader{Catalog: c, Now: func() time.Time { return time.Unix(1700000000, 0) },
		Vault: func(ref string) (string, bool) { return "from the vault", true }}
}

func load(t *testing.T, text string) *entity.Set {
	t.Helper()
	set, err := newLoader(t).Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

const good = `
_format_version: "3.0"
_transform: true
services:
- name: svc
  url: http://upstream.test:8080/base
  routes:
  - name: a
    paths: [/a]
    plugins:
    - name: external
      instance_name: mine
      config: {label: on-route, secret: "{vault://env/x}"}
  plugins:
  - name: external
    enabled: false
routes:
- name: top
  service: svc
  hosts: [h.test]
  strip_path: false
  methods: [GET]
  headers: {X-Version: ["2"]}
consumers:
- username: alice
  custom_id: "7"
  keyauth_credentials:
  - key: k1
  acls:
  - group: gold
- username: bob
plugins:
- name: cors
- name: key-auth
  route: top
- name: external
  service: {name: svc}
  route: top
keyauth_credentials:
- consumer: bob
  key: k2
`

func TestLoad(t *testing.T) {
	set := load(t, good)
	svc := set.Services[0]
	if svc.Host != "upstream.test" || svc.Port != 8080 || svc.Path != "/base" || svc.Retries != 5 || svc.ReadTimeout != time.Minute {
		t.Errorf("service: got %+v", svc)
	}
	top := set.Routes[1]
	if top.Service != svc || top.StripPath || top.CreatedAt != 1700000000 || !cmp.Equal(top.Headers, map[string][]string{"x-version": {"2"}}) {
		t.Errorf("route: got %+v", top)
	}
	alice := set.ConsumerByName("alice")
	if alice == nil || set.KeyAuthByKey("k1").Consumer != alice || set.KeyAuthByKey("k2").Consumer.Username != "bob" ||
		!cmp.Equal(alice.Groups, []string{"gold"}) || set.ConsumerByID(alice.ID) != alice {
		t.Errorf("consumers: got %+v", alice)
	}
	byKey := map[string]*entity.Plugin{}
	for _, p := range set.Plugins {
		byKey[p.Key()] = p
	}
	route := byKey["plugins:external:"+set.Routes[0].ID+":::"+":"+entity.DefaultWorkspace]
	if route == nil || route.InstanceName != "mine" {
		t.Fatalf("route plugin: got %v of %v", route, byKey)
	}
	want := map[string]any{"label": "on-route", "secret": "from the vault", "$refs": map[string]any{"secret": "{vault://env/x}"}}
	if diff := cmp.Diff(want, route.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if route.Stored["secret"] != "{vault://env/x}" {
		t.Errorf("stored config: expected the reference, got %v", route.Stored)
	}
	if p := byKey["plugins:external:"+top.ID+":"+svc.ID+":::"+entity.DefaultWorkspace]; p == nil {
		t.Error("the plugin on route and service is missing")
	}
	if p := byKey["plugins:external::"+svc.ID+":::"+entity.DefaultWorkspace]; p == nil || p.Enabled {
		t.Error("the disabled plugin on the service is missing")
	}
}

func TestGRPCRoutesKeepTheirPaths(t *testing.T) {
	set := load(t, "_format_version: '3.0'\nservices:\n- name: s\n  url: grpc://h:50051\n  routes:\n  - name: r\n    protocols: [grpc]\n    paths: [/]\n")
	s, r := set.Services[0], set.Routes[0]
	if s.Protocol != "grpc" || s.Port != 50051 || r.StripPath || !cmp.Equal(r.Protocols, []string{"grpc"}) {
		t.Errorf("got %+v of %+v", r, s)
	}
}

// The ids were read from a Kong 3.9.3 that had loaded the same names.
func TestIDsAreKongs(t *testing.T) {
	if got := entity.UUID("routes", "a"); got != "f3ef8bde-817d-5a84-b4cd-13f35d3bbb53" {
		t.Errorf("route a: got %s", got)
	}
	if got := entity.UUID("plugins", "plugins:*:auth-diagnosis:f3ef8bde-817d-5a84-b4cd-13f35d3bbb53::"); got != "1628767d-fa4b-5d65-ad5d-bb1ca5ef9878" {
		t.Errorf("plugin on route a: got %s", got)
	}
	again := load(t, good)
	for i, p := range load(t, good).Plugins {
		if p.ID != again.Plugins[i].ID || p.ID == "" {
			t.Errorf("plugin %d: expected the same id again, got %s and %s", i, p.ID, again.Plugins[i].ID)
		}
	}
}

func TestJSONIsReadToo(t *testing.T) {
	set := load(t, `{"_format_version":"3.0","services":[{"name":"s","host":"h"}]}`)
	if set.Services[0].Port != 80 || set.Services[0].Protocol != "http" {
		t.Errorf("got %+v", set.Services[0])
	}
}

func TestRefusedConfigurations(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid-*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(src), "\n")
			want := strings.TrimPrefix(first, "# want: ")
			_, err = newLoader(t).Load(src)
			var bad *declarative.Invalid
			if !errors.As(err, &bad) {
				t.Fatalf("expected a refusal, got %v", err)
			}
			if got := strings.Join(bad.Fields.Lines(), " | "); got != want {
				t.Errorf("\nwant %s\ngot  %s", want, got)
			}
		})
	}
}

func TestPrettyErrorsAsAtStartUp(t *testing.T) {
	_, err := newLoader(t).Load([]byte("_format_version: '3.0'\nservices:\n- name: s\n  host: h\n  routes:\n  - paths: [/]\n    plugins:\n    - name: external\n      config: {label: 1}\n"))
	var bad *declarative.Invalid
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	want := "in 'services':\n  - in entry 1 of 'services':\n    in 'routes':\n      - in entry 1 of 'routes':\n        in 'plugins':\n" +
		"          - in entry 1 of 'plugins':\n            in 'config':\n              in 'label': expected a string"
	if diff := cmp.Diff(want, bad.Pretty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A plugin that cannot be scoped to a consumer is let through when it is nested
// under one, and refused when it names one.
func TestConsumerScopeAsKongTakesIt(t *testing.T) {
	set := load(t, "_format_version: '3.0'\nconsumers:\n- username: c\n  plugins:\n  - name: external\n")
	if len(set.Plugins) != 1 || set.Plugins[0].ConsumerID != set.Consumers[0].ID {
		t.Errorf("nested: got %+v", set.Plugins)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"_format_version":"3.0","routes":[{"paths":["~/(a"]}],"plugins":[{"name":"external","route":"x"}]}`))
	f.Add([]byte("_format_version: '3.0'\nservices: [{host: h, routes: [{paths: [/], plugins: [3, {}]}]}]"))
	l := newLoader(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		set, err := l.Load(src)
		var bad *declarative.Invalid
		switch {
		case err == nil && set == nil:
			t.Fatal("neither a configuration nor an error")
		case errors.As(err, &bad) && (bad.Pretty() == "" || len(bad.Fields.Lines()) == 0):
			t.Fatalf("a refusal without a reason: %v", bad.Fields)
		}
	})
}
