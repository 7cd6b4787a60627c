// Package bundled holds the bundled Kong plugins that the embedded gateway has
// built in: key-auth, acl, cors, file-log and request-termination, with the
// priorities, schemas and answers they have in Kong 3.9.3.
package bundled

import (
	"embed"
	"fmt"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

//go:embed schemas/*.json
var schemas embed.FS

// Phase runs a plugin in one phase of a request. An error is what a Lua error
// is: the request ends as 500.
type Phase func(x *exchange.Exchange, config map[string]any) error

// Plugin is a built-in plugin; a phase it does not have is nil.
type Plugin struct {
	Name         string
	Priority     int
	Schema       *subschema.Schema
	Access       Phase
	HeaderFilter Phase
	Log          Phase
}

// All returns the built-in plugins.
func All() []*Plugin {
	list := []*Plugin{
		{Name: "cors", Priority: 2000, Access: corsAccess, HeaderFilter: corsHeaderFilter},
		{Name: "key-auth", Priority: 1250, Access: keyAuthAccess},
		{Name: "acl", Priority: 950, Access: aclAccess},
		{Name: "file-log", Priority: 9, Log: fileLog},
		{Name: "request-termination", Priority: 2, Access: terminate},
	}
	for _, p := range list {
		src, err := schemas.ReadFile("schemas/" + p.Name + ".json")
		if err != nil {
			panic(err)
		}
		if p.Schema, err = subschema.Load(src); err != nil {
			panic(fmt.Sprintf("bundled plugin %s: %v", p.Name, err))
		}
	}
	return list
}

// fail is kong.response.error in the access phase.
func fail(x *exchange.Exchange, status int, message string, headers ...h1.Field) {
	x.Delayed, x.Source = x.ErrorAnswer(status, message, headers...), exchange.SourceExit
}

func flag(config map[string]any, key string) bool { return config[key] == true }

func str(config map[string]any, key string) string {
	s, _ := config[key].(string)
	return s
}

func strs(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// setOut is kong.response.set_header with one value.
func setOut(x *exchange.Exchange, name, value string) { x.Out.Set(name, value) }

func commas(list []string) string { return strings.Join(list, ",") }
