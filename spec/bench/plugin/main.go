//go:build spec

// Command plugin is the plugin that benchmarks run on this project's server. The
// same handler runs on go-pdk's server in testdata/gopdk, which is built over
// this folder's handler.go.
package main

import (
	"encoding/json"
	"os"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

func main() {
	os.Exit(pluginserver.Main(pluginserver.Program{Plugin: pluginserver.Plugin{
		Info: pluginserver.Info{
			Name:     "bench-own",
			Version:  "0.1.0",
			Priority: 1460,
			Phases:   []string{"access"},
			Schema:   kongSchema(),
		},
		Start: start,
	}}))
}

// instance is a Config, and how to do what it says.
type instance struct {
	Config
	// Wire asks for the calls as bytes, as auth-diagnosis makes them, and not
	// through go-pdk's PDK.
	Wire bool `json:"wire"`
}

// start makes an instance; one that cannot be read panics, and the server makes
// answers with status 500 of that, which no benchmark takes.
func start(config []byte) pluginserver.Handler {
	var i instance
	if err := json.Unmarshal(config, &i); err != nil {
		panic(err)
	}
	if i.Wire {
		return pluginserver.HandlerFunc(i.onWire)
	}
	return pluginserver.HandlerFunc(func(_ string, ev *pluginserver.Event) { i.Access(ev.PDK()) })
}

func kongSchema() any {
	field := func(name, kind string) map[string]any { return map[string]any{name: map[string]any{"type": kind}} }
	return map[string]any{"name": "bench-own", "fields": []any{map[string]any{"config": map[string]any{
		"type":   "record",
		"fields": []any{field("calls", "integer"), field("exit", "boolean"), field("wire", "boolean")},
	}}}}
}
