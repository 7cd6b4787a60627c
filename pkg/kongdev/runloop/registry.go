// Package runloop runs a request through the gateway once its head is there:
// routing, the plugins of the access phase, proxying, and the header and log
// phases, in the order of kong/runloop/handler.lua and plugins_iterator.lua.
//
// A Registry holds the enabled plugins, a State is one worker's view of one
// configuration, and State.Serve answers one exchange.
package runloop

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"kong-plugin-auth-diagnosis/pkg/kongdev/bundled"
	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pluginproc"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

// Plugin is an enabled plugin: bundled, or external with its plugin server.
type Plugin struct {
	Name     string
	Priority int
	Version  string
	Phases   []string
	Schema   *subschema.Schema
	Builtin  *bundled.Plugin    // nil for an external plugin
	Server   *conf.PluginServer // nil for a built-in plugin
}

// Registry is the set of enabled plugins of one start or reload.
type Registry struct{ plugins map[string]*Plugin }

// NewRegistry asks the plugin servers of a configuration for their plugins and
// enables what `plugins` names. A bundled plugin of Kong that is not built in
// here stays disabled, so that a configuration that uses it is refused.
func NewRegistry(c *conf.Conf) (*Registry, error) {
	builtin := map[string]*bundled.Plugin{}
	for _, p := range bundled.All() {
		builtin[p.Name] = p
	}
	external := map[string]*Plugin{}
	for i := range c.PluginServers {
		s := &c.PluginServers[i]
		info, err := pluginproc.Query(s.Name, s.QueryCmd)
		if err != nil {
			return nil, err
		}
		external[info.Name] = &Plugin{Name: info.Name, Priority: info.Priority, Version: info.Version,
			Phases: info.Phases, Schema: info.Schema, Server: s}
	}
	r := &Registry{plugins: map[string]*Plugin{}}
	for _, name := range c.Plugins {
		switch {
		case name == "bundled":
			for _, p := range builtin {
				r.addBuiltin(p)
			}
		case builtin[name] != nil:
			r.addBuiltin(builtin[name])
		case external[name] != nil:
			r.plugins[name] = external[name]
		default:
			return nil, fmt.Errorf("%s plugin is enabled but not installed", name)
		}
	}
	return r, nil
}

func (r *Registry) addBuiltin(p *bundled.Plugin) {
	var phases []string
	for name, phase := range map[string]bundled.Phase{"access": p.Access, "header_filter": p.HeaderFilter, "log": p.Log} {
		if phase != nil {
			phases = append(phases, name)
		}
	}
	slices.Sort(phases)
	r.plugins[p.Name] = &Plugin{Name: p.Name, Priority: p.Priority, Version: "3.9.3", Phases: phases,
		Schema: p.Schema, Builtin: p}
}

// PluginSchema implements declarative.Catalog.
func (r *Registry) PluginSchema(name string) (*subschema.Schema, bool) {
	p, ok := r.plugins[name]
	if !ok {
		return nil, false
	}
	return p.Schema, true
}

// Plugins returns the enabled plugins in the order in which they run: by
// priority, the highest first, then by name.
func (r *Registry) Plugins() []*Plugin {
	return slices.SortedFunc(maps.Values(r.plugins), func(a, b *Plugin) int {
		if a.Priority != b.Priority {
			return b.Priority - a.Priority
		}
		if a.Name < b.Name {
			return 1
		}
		return -1
	})
}

// SchemaJSON is the answer of GET /schemas/plugins/NAME: the declared schema,
// with the entity_checks and the required config that Kong adds.
func (p *Plugin) SchemaJSON() (map[string]any, error) {
	var out map[string]any
	if err := json.Unmarshal(p.Schema.Source(), &out); err != nil {
		return nil, err
	}
	delete(out, "name")
	if out["entity_checks"] == nil {
		out["entity_checks"] = []any{}
	}
	fields, _ := out["fields"].([]any)
	for _, f := range fields {
		entry, _ := f.(map[string]any)
		if config, ok := entry["config"].(map[string]any); ok && config["required"] == nil {
			config["required"] = true
		}
	}
	return out, nil
}
