// Command generate rewrites what is generated from the configuration's
// description: kong/schema.lua and the table in docs/CONFIGURATION.md. go
// generate runs it in pkg/schema.
package main

import (
	"log"
	"os"

	"kong-plugin-auth-diagnosis/pkg/schema"
)

const (
	plugin = "auth-diagnosis"
	lua    = "../../kong/schema.lua"
	page   = "../../docs/CONFIGURATION.md"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	if err := os.WriteFile(lua, schema.Lua(plugin), 0o644); err != nil {
		return err
	}
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	fresh, err := schema.Splice(old, schema.Markdown())
	if err != nil {
		return err
	}
	return os.WriteFile(page, fresh, 0o644)
}
