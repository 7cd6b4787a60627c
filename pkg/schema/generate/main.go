// Command generate rewrites what is generated from the configuration's
// description: kong/schema.lua and the table in docs/CONFIGURATION.md. It works
// on the module around the current directory.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"kong-plugin-auth-diagnosis/pkg/schema"
)

const plugin = "auth-diagnosis"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	lua := filepath.Join(root, "kong", "schema.lua")
	if err := os.WriteFile(lua, schema.Lua(plugin), 0o644); err != nil {
		return err
	}
	page := filepath.Join(root, "docs", "CONFIGURATION.md")
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	fresh, err := schema.Splice(old, schema.Markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, fresh, 0o644)
}

// moduleRoot returns the nearest directory upwards that has a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("expected a go.mod here or above, got none")
		}
		dir = parent
	}
}
