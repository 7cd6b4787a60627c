// Package schema prints the configuration's description (the tags of
// config.Config) in the three forms that others read: [Kong] for the plugin
// server's -dump, [Lua] for control planes that load a schema.lua (Konnect and
// hybrid mode), [Markdown] for docs/CONFIGURATION.md. checks.go holds the
// entity checks, which relate fields to each other.
//
// The language is Kong's plugin subschema (kong/db/schema in Kong's source),
// without anything that only Lua code can provide. Two limits of it matter
// here: match is a Lua pattern, and an entity check sees two fields at most.
// What does not fit is left to config.Validate.
package schema

//go:generate go run ./generate

import (
	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

// A table is a node of the schema: a Lua table with keys, a JSON object.
type table = map[string]any

// Kong returns the schema of the plugin with that name as encoding/json
// renders it: maps, slices, strings, ints, bools and nil for null. Encoded, it
// is the same bytes every time.
func Kong(name string) any {
	return table{
		"name": name,
		"fields": []any{
			table{"consumer": table{
				"type": "foreign", "reference": "consumers", "eq": nil,
				"description": "Not available: the plugin runs before a consumer is known.",
			}},
			table{"protocols": table{
				"type":        "set",
				"elements":    table{"type": "string", "one_of": []string{"http", "https", "grpc", "grpcs"}},
				"required":    true,
				"default":     []string{"grpc", "grpcs", "http", "https"},
				"description": "Protocols of the requests that the plugin judges.",
			}},
			table{"config": node("", config.Shape())},
		},
	}
}

// node describes a field; path is the field's, as shape.Field.Walk has it.
func node(path string, f *shape.Field) table {
	t := table{"type": string(f.Type)}
	if f.Doc != "" {
		t["description"] = f.Doc
	}
	if f.Required && path != "" { // a plugin's config record is required anyway
		t["required"] = true
	}
	if f.Default != nil {
		t["default"] = f.Default
	}
	switch f.Type {
	case shape.Record:
		t["fields"] = fields(path, f)
		if checks := entityChecks()[path]; checks != nil {
			t["entity_checks"] = checks
		}
	case shape.Array, shape.Set:
		t["elements"] = node(path+"[]", f.Elem)
	case shape.Map:
		t["keys"], t["values"] = node(path+"{}", f.Key), node(path+"{}", f.Elem)
	}
	constrain(t, f)
	return t
}

func fields(path string, f *shape.Field) []any {
	list := make([]any, len(f.Fields))
	for i, sub := range f.Fields {
		list[i] = table{sub.Name: node(shape.Join(path, sub.Name), sub)}
	}
	return list
}

func constrain(t table, f *shape.Field) {
	if len(f.OneOf) > 0 {
		t["one_of"] = f.OneOf
	}
	if f.Between != nil {
		t["between"] = []int{f.Between.Min, f.Between.Max}
	}
	if f.LenMin > 0 {
		t["len_min"] = f.LenMin
	}
	if f.LenMax > 0 {
		t["len_max"] = f.LenMax
	}
	if f.Referenceable {
		t["referenceable"] = true
	}
	if f.Encrypted {
		t["encrypted"] = true
	}
	if f.Want != "" {
		t["err"] = "expected " + f.Want
	}
	format := config.Formats[f.Format]
	switch wanted := "expected " + expectation(f); {
	case format.Match != "":
		t["match"], t["err"] = format.Match, wanted
	case format.MatchAny != nil:
		t["match_any"] = table{"patterns": format.MatchAny, "err": wanted}
	case format.Prefix != "":
		t["starts_with"] = format.Prefix
	case format.Regex:
		t["is_regex"] = true
	}
}
