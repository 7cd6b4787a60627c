// Package subschema validates plugin configuration in Kong's plugin subschema
// language: the JSON that an external plugin prints under "Schema" when it is
// started with -dump, and that `GET /schemas/plugins/NAME` answers.
//
// Load reads and meta-checks a schema, Schema.Process validates one config
// record and fills its defaults, Schema.ProcessPlugin does the same for a whole
// plugin entity (config, protocols, consumer, …), and Resolve turns a filled
// record into what a plugin process is sent. Error texts, the order of
// defaults and checks, and the corners (an absent record, an empty table, a
// null) are those of kong/db/schema/init.lua and metaschema.lua at 3.9.3.
//
// Values are those of encoding/json with float64 numbers. A key with a nil
// value is Kong's null; a key that is not there is Lua's nil.
package subschema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Schema is a loaded plugin subschema. It is immutable and safe for concurrent
// use.
type Schema struct {
	name   string
	source json.RawMessage
	entity *field // the plugin entity with this subschema's fields put in
}

// field is one field definition. Attributes that hold field definitions are
// parsed into elements, keys, values and fields; every other one stays in
// attrs as decoded JSON, so that the matches of a conditional check can be laid
// over a field's own attributes the way Kong's metatables do.
type field struct {
	attrs    map[string]any
	elements *field
	keys     *field
	values   *field
	fields   []named
	byName   map[string]*field
	checks   []check
}

type named struct {
	name string
	def  *field
}

// check is one entity check: its name and its decoded argument.
type check struct {
	name    string
	fields  []string // for the checks whose argument is a list of fields
	arg     map[string]any
	matches map[string]*field // if_match, then_match, else_match
}

// Name returns the plugin name the schema declares.
func (s *Schema) Name() string { return s.name }

// Source returns the schema's JSON as it was loaded.
func (s *Schema) Source() json.RawMessage { return slices.Clone(s.source) }

// Load parses and meta-checks a plugin subschema. The error names every
// offending attribute by its path.
func Load(src []byte) (*Schema, error) {
	raw, err := decode(src)
	if err != nil {
		return nil, fmt.Errorf("plugin schema: %w", err)
	}
	def, ok := raw.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("plugin schema: expected a JSON object, got %T", raw)
	}
	if errs := metaCheck(def); len(errs) > 0 {
		return nil, fmt.Errorf("plugin schema %v: schema violation: %w", def["name"], errs)
	}
	top := parseRecord(def)
	makeRecordsRequired(top)
	entity, err := overlay(pluginEntity(), top)
	if err != nil {
		return nil, fmt.Errorf("plugin schema %v: %w", def["name"], err)
	}
	name, _ := def["name"].(string)
	return &Schema{name: name, source: slices.Clone(src), entity: entity}, nil
}

// decode reads one JSON document with float64 numbers and nothing behind it.
func decode(src []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(src))
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, fmt.Errorf("expected one JSON value, got more behind it")
	}
	return v, nil
}

// parseField turns a meta-checked definition into a field.
func parseField(def map[string]any) *field {
	f := &field{attrs: map[string]any{}}
	for k, v := range def {
		switch k {
		case "elements":
			f.elements = parseField(v.(map[string]any))
		case "keys":
			f.keys = parseField(v.(map[string]any))
		case "values":
			f.values = parseField(v.(map[string]any))
		case "fields", "entity_checks":
			// read by parseRecord below
		default:
			f.attrs[k] = v
		}
	}
	rec := parseRecord(def)
	f.fields, f.byName, f.checks = rec.fields, rec.byName, rec.checks
	return f
}

// parseRecord reads the fields and entity checks of a record or of the schema
// itself.
func parseRecord(def map[string]any) *field {
	f := &field{attrs: map[string]any{"type": "record"}}
	list, _ := def["fields"].([]any)
	if list != nil {
		f.byName = make(map[string]*field, len(list))
	}
	for _, item := range list {
		for name, d := range item.(map[string]any) {
			sub := parseField(d.(map[string]any))
			f.fields = append(f.fields, named{name, sub})
			f.byName[name] = sub
		}
	}
	checks, _ := def["entity_checks"].([]any)
	for _, item := range checks {
		for name, arg := range item.(map[string]any) {
			f.checks = append(f.checks, parseCheck(name, arg))
		}
	}
	return f
}

func parseCheck(name string, arg any) check {
	c := check{name: name, matches: map[string]*field{}}
	switch arg := arg.(type) {
	case []any:
		c.fields = stringList(arg)
	case map[string]any:
		c.arg = arg
		for _, k := range []string{"if_match", "then_match", "else_match"} {
			if m, ok := arg[k].(map[string]any); ok {
				c.matches[k] = parseField(m)
			}
		}
	}
	return c
}

func stringList(list []any) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// makeRecordsRequired gives every nested record that says nothing about
// `required` the value true, as Entity.new_subschema does. Like Kong it does
// not descend into the elements of arrays and maps.
func makeRecordsRequired(f *field) {
	for _, n := range f.fields {
		if n.def.typ() != "record" {
			continue
		}
		if r, ok := n.def.attrs["required"]; !ok || r == nil {
			n.def.attrs["required"] = true
		}
		makeRecordsRequired(n.def)
	}
}

// over lays f's attributes over base's: what an if_match or then_match sees.
func (f *field) over(base *field) *field {
	if base == nil {
		return f
	}
	out := &field{attrs: maps.Clone(base.attrs)}
	maps.Copy(out.attrs, f.attrs)
	out.elements = first(f.elements, base.elements)
	out.keys = first(f.keys, base.keys)
	out.values = first(f.values, base.values)
	out.fields, out.byName, out.checks = base.fields, base.byName, base.checks
	return out
}

func first(a, b *field) *field {
	if a != nil {
		return a
	}
	return b
}

func (f *field) typ() string {
	t, _ := f.attrs["type"].(string)
	return t
}

func (f *field) flag(name string) bool {
	b, _ := f.attrs[name].(bool)
	return b
}

func (f *field) required() bool { return f.flag("required") }
