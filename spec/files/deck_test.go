package files_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/kongdev/declarative"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/runloop"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

// registry is what a gateway with kong.conf knows of plugins, asked with the
// query command in it.
func registry(t *testing.T) *runloop.Registry {
	t.Helper()
	c := kongConf(t).load(t, kongPrefix)
	for i := range c.PluginServers {
		c.PluginServers[i].QueryCmd = strings.ReplaceAll(c.PluginServers[i].QueryCmd, installed, program(t, plugin))
	}
	r, err := runloop.NewRegistry(c)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(r.Plugins(), func(p *runloop.Plugin) bool { return p.Name == plugin }); i < 0 {
		t.Fatalf("the query command names another plugin than %q", plugin)
	}
	return r
}

// loadDeck loads a declarative file as a gateway does.
func loadDeck(t *testing.T, text string) *entity.Set {
	t.Helper()
	loader := declarative.Loader{Catalog: registry(t), Vault: subschema.EnvVault, Now: time.Now}
	set, err := loader.Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// check runs the plugin's -check on a file's text.
func check(t *testing.T, text string) (out string, code int) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kong.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return run(t, dir, program(t, plugin), "-check", "kong.yml")
}

// checkDeck: a file is good to the plugin's own check and to a gateway, and the
// plugin's configuration in it is good to the plugin.
func checkDeck(t *testing.T, text string) *entity.Set {
	t.Helper()
	if out, code := check(t, text); code != 0 {
		t.Errorf("-check exits %d:\n%s", code, out)
	}
	set := loadDeck(t, text)
	found := false
	for _, p := range set.Plugins {
		if p.Name != plugin {
			continue
		}
		found = true
		if data, err := json.Marshal(p.Config); err != nil {
			t.Error(err)
		} else if _, err := config.Load(data); err != nil {
			t.Error(err)
		}
	}
	if !found {
		t.Errorf("expected an instance of %q, got none", plugin)
	}
	return set
}

func TestDeckFilesLoad(t *testing.T) {
	for _, name := range under(t, "kong", ".yml", ".yaml") {
		t.Run(name, func(t *testing.T) { checkDeck(t, read(t, name)) })
	}
}

// TestReferenceConfiguration is what the rest of the project takes for granted
// about kong.yml.
func TestReferenceConfiguration(t *testing.T) {
	set := loadDeck(t, read(t, "kong/kong.yml"))
	modes := map[string]string{}
	var exposed []any
	for _, p := range set.Plugins {
		switch p.Name {
		case plugin:
			at := "service"
			if p.RouteID != "" {
				at = "route"
			}
			modes[at], _ = p.Config["mode"].(string)
		case "cors":
			exposed, _ = p.Config["exposed_headers"].([]any)
		}
	}
	if diff := cmp.Diff(map[string]string{"service": "enforce", "route": "advise"}, modes); diff != "" {
		t.Errorf("modes by what the instance is attached to (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"X-Auth-Diagnosis", "Retry-After", "WWW-Authenticate"}, exposed); diff != "" {
		t.Errorf("exposed_headers (-want +got):\n%s", diff)
	}
	// Advise is no authentication: its service has a plugin that is.
	for _, p := range set.Plugins {
		if p.RouteID == "" || p.Name != plugin {
			continue
		}
		route := set.Routes[slices.IndexFunc(set.Routes, func(r *entity.Route) bool { return r.ID == p.RouteID })]
		if !slices.ContainsFunc(set.Plugins, func(o *entity.Plugin) bool { return o.ServiceID == route.Service.ID && o.Name == "key-auth" }) {
			t.Errorf("expected key-auth behind the advising route %q, got none", route.Name)
		}
	}
}

// checkYAML tells the kinds of YAML apart by their members.
func checkYAML(t *testing.T, b block) {
	var top map[string]any
	if err := yaml.Unmarshal([]byte(b.text), &top); err != nil {
		t.Fatal(err)
	}
	switch {
	case top["_format_version"] != nil:
		checkDeck(t, b.text)
	case top["env"] != nil:
		checkHelmValues(t, b.text)
	default:
		checkFields(t, top)
	}
}

// checkFields: a part of a config is good in the orders instance of kong.yml,
// and what kong.yml has there is the same.
func checkFields(t *testing.T, part map[string]any) {
	var file map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "kong/kong.yml")), &file); err != nil {
		t.Fatal(err)
	}
	reference := firstInstance(t, file)
	for name, value := range part {
		if diff := cmp.Diff(reference[name], value); diff != "" {
			t.Errorf("%s (-kong.yml +page):\n%s", name, diff)
		}
	}
	maps.Copy(reference, part)
	text, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	checkDeck(t, string(text))
}

// firstInstance is the config of the plugin on the first service of a file.
func firstInstance(t *testing.T, file map[string]any) map[string]any {
	t.Helper()
	services, _ := file["services"].([]any)
	service, _ := services[0].(map[string]any)
	plugins, _ := service["plugins"].([]any)
	for _, p := range plugins {
		if p, _ := p.(map[string]any); p["name"] == plugin {
			config, _ := p["config"].(map[string]any)
			return config
		}
	}
	t.Fatal("expected the plugin on the first service, got none")
	return nil
}
