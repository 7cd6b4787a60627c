package subschema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Normalize returns a deep copy of v in the package's value model: integers and
// json.Number become float64, typed slices and maps become []any and
// map[string]any. Maps with other keys get their keys as text.
func Normalize(v any) any {
	switch v := v.(type) {
	case nil, bool, string, float64:
		return v
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Normalize(e)
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = e
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = Normalize(e)
		}
		return out
	case map[any]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[fmt.Sprint(k)] = Normalize(e)
		}
		return out
	}
	return fmt.Sprint(v)
}

// fillRecord is Schema:process_auto_fields in the "insert" context: a copy of
// in with every field of the record present, defaults in place of absent ones
// and null where there is none. A required field without default stays absent.
func (f *field) fillRecord(in map[string]any) map[string]any {
	out := maps.Clone(in)
	if out == nil {
		out = map[string]any{}
	}
	for _, n := range f.fields {
		v, present := out[n.name]
		v, present = n.def.fill(v, present)
		if present {
			out[n.name] = v
		}
	}
	return out
}

// fill is adjust_field_for_context: present says whether the key is there.
func (f *field) fill(v any, present bool) (any, bool) {
	if f.flag("abstract") {
		return v, present
	}
	switch t := f.typ(); {
	case t == "record":
		if present && v == nil || !present && !f.required() {
			break
		}
		if !present {
			v, present = f.missing()
		}
		if m, ok := asTable(v); ok {
			return f.fillRecord(m), true
		}
	case t == "array" || t == "set":
		list, ok := asList(v)
		if !present || !ok {
			break
		}
		if t == "set" {
			list = dedupe(list)
		}
		out := make([]any, len(list))
		for i, e := range list {
			out[i], _ = f.elements.fill(e, true)
		}
		return out, true
	case t == "map":
		m, ok := asTable(v)
		if !present || !ok {
			break
		}
		out := make(map[string]any, len(m))
		for k, e := range m {
			out[k], _ = f.values.fill(e, true)
		}
		return out, true
	}
	if !present {
		return f.missing()
	}
	return v, true
}

// missing is handle_missing_field: the value of an absent field.
func (f *field) missing() (v any, present bool) {
	if d, ok := f.attrs["default"]; ok && d != nil {
		return emptyAs(f.typ(), Normalize(d)), true
	}
	if !f.required() {
		return nil, true
	}
	if f.flag("abstract") {
		return nil, false
	}
	if f.typ() == "record" {
		return f.fillRecord(map[string]any{}), true
	}
	return nil, false
}

// emptyAs gives an empty table the shape of its type: JSON has two empty
// tables where Lua has one.
func emptyAs(typ string, v any) any {
	switch typ {
	case "array", "set":
		if list, ok := asList(v); ok {
			return list
		}
	case "map", "record":
		if m, ok := asTable(v); ok {
			return m
		}
	}
	return v
}

// asList returns v as a Lua sequence: a list, or an empty object.
func asList(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case map[string]any:
		return []any{}, len(v) == 0
	}
	return nil, false
}

// asTable returns v as a Lua table with string keys: an object, or a list with
// its 1-based indexes as keys.
func asTable(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case []any:
		out := make(map[string]any, len(v))
		for i, e := range v {
			out[fmt.Sprint(i+1)] = e
		}
		return out, true
	}
	return nil, false
}

// dedupe drops repeated scalars, keeping the first.
func dedupe(list []any) []any {
	seen := make(map[any]bool, len(list))
	return slices.DeleteFunc(slices.Clone(list), func(v any) bool {
		switch v.(type) {
		case string, float64, bool:
			if seen[v] {
				return true
			}
			seen[v] = true
		}
		return false
	})
}
