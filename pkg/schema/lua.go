package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const luaHeader = `-- Kong schema of the %s plugin, for control planes that read it from a file:
-- Konnect and hybrid mode. A gateway that runs the plugin gets the same schema
-- from the plugin itself.
--
-- Generated from pkg/config by "go generate ./pkg/schema". DO NOT EDIT.

-- Konnect allows no require, hence no typedefs.
local null = ngx and ngx.null

return `

// Lua returns a schema.lua that returns the table of [Kong]. It requires
// nothing and uses no global but ngx, for ngx.null, and Lua 5.1 only.
func Lua(name string) []byte {
	// Through JSON, so that both forms come from the very same data.
	data, err := json.Marshal(Kong(name))
	if err != nil {
		panic(fmt.Sprintf("schema is not JSON: %v", err)) // plain maps and slices are
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		panic(fmt.Sprintf("schema is not JSON: %v", err))
	}
	var b strings.Builder
	fmt.Fprintf(&b, luaHeader, name)
	writeLua(&b, tree, "")
	b.WriteString("\n")
	return []byte(b.String())
}

// keyOrder is the order in which people read a field; other keys follow by name.
var keyOrder = []string{
	"name", "type", "reference", "required", "default", "eq", "one_of", "between",
	"if_field", "if_match", "then_field", "then_match", "then_at_least_one_of", "then_err",
	"description", "elements", "keys", "values", "fields", "entity_checks",
}

func rank(key string) int {
	if i := slices.Index(keyOrder, key); i >= 0 {
		return i
	}
	return slices.Index(keyOrder, "between") // beside the other constraints
}

func writeLua(b *strings.Builder, v any, indent string) {
	if line := luaLine(v); len(line) <= 72 {
		b.WriteString(line)
		return
	}
	switch v := v.(type) {
	case map[string]any:
		b.WriteString("{\n")
		for _, key := range luaKeys(v) {
			b.WriteString(indent + "  " + luaKey(key) + " = ")
			writeLua(b, v[key], indent+"  ")
			b.WriteString(",\n")
		}
		b.WriteString(indent + "}")
	case []any:
		b.WriteString("{\n")
		for _, element := range v {
			b.WriteString(indent + "  ")
			writeLua(b, element, indent+"  ")
			b.WriteString(",\n")
		}
		b.WriteString(indent + "}")
	default:
		b.WriteString(luaLine(v))
	}
}

// luaLine renders a value on a single line.
func luaLine(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return luaString(v)
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, key := range luaKeys(v) {
			parts = append(parts, luaKey(key)+" = "+luaLine(v[key]))
		}
		return luaTable(parts)
	case []any:
		parts := make([]string, len(v))
		for i, element := range v {
			parts[i] = luaLine(element)
		}
		return luaTable(parts)
	default: // bool, json.Number
		return fmt.Sprint(v)
	}
}

func luaTable(parts []string) string {
	if len(parts) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

func luaKeys(t map[string]any) []string {
	return slices.SortedFunc(maps.Keys(t), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

var identifier = regexp.MustCompile(`^[a-z_]+$`)

// luaKey writes a table key; the schema's own are no reserved words of Lua.
func luaKey(key string) string {
	if identifier.MatchString(key) {
		return key
	}
	return "[" + luaString(key) + "]"
}

// luaString quotes s for Lua 5.1, whose only numeric escape is decimal.
func luaString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
