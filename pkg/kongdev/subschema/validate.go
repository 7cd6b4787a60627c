package subschema

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// validateRecord is Schema:validate with a full check: every field, then the
// required ones, then the entity checks. All problems are reported at once.
func (f *field) validateRecord(in map[string]any) FieldErrors {
	errs := FieldErrors{}
	for _, k := range slices.Sorted(maps.Keys(in)) {
		def, ok := f.byName[k]
		if !ok {
			errs[k] = msgUnknown
			continue
		}
		if err := def.validate(in[k]); err != nil {
			errs[k] = err
		}
	}
	for _, n := range f.fields {
		if v := in[n.name]; v == nil && n.def.required() {
			errs[n.name] = msgRequired
		}
	}
	for _, c := range f.checks {
		f.runCheck(c, in, errs)
	}
	return errs
}

// validate is Schema:validate_field. It returns nil, a message, or the nested
// table of an aggregate: map[string]any or []any.
func (f *field) validate(v any) any {
	eq, hasEq := f.attrs["eq"]
	if v == nil {
		if ne, ok := f.attrs["ne"]; ok && ne == nil {
			return f.message("value must not be null")
		}
		if hasEq && eq != nil {
			return "value must be " + text(eq)
		}
		if f.required() {
			return msgRequired
		}
		return nil
	}
	if hasEq && eq == nil {
		return f.message("value must be null")
	}
	if f.flag("abstract") {
		return "error in schema definition: abstract field was not specialized"
	}
	if err, done := f.validateType(v); err != nil || done {
		return err
	}
	return f.runValidators(v)
}

// validateType checks v against the field's type and descends into aggregates.
// done says that no validator applies (a vault reference).
func (f *field) validateType(v any) (err any, done bool) {
	switch t := f.typ(); t {
	case "array", "set":
		list, ok := asList(v)
		if !ok {
			if t == "set" {
				return msgSet, true
			}
			return msgArray, true
		}
		return f.validateElements(list), false
	case "map":
		m, ok := asTable(v)
		if !ok {
			return msgMap, true
		}
		return f.validateMap(m, v), false
	case "record":
		m, ok := asTable(v)
		if !ok {
			return msgRecord, true
		}
		if errs := f.validateRecord(f.fillRecord(m)); len(errs) > 0 {
			return map[string]any(errs), true
		}
	case "foreign":
		return validateForeign(v), false
	case "integer":
		n, ok := v.(float64)
		if !ok || n != math.Floor(n) || math.IsInf(n, 0) {
			return msgInteger, true
		}
	case "number":
		if _, ok := v.(float64); !ok {
			return msgNumber, true
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return msgBoolean, true
		}
	case "string":
		s, ok := v.(string)
		if !ok {
			return msgString, true
		}
		return nil, f.flag("referenceable") && IsReference(s)
	case "any", "":
	default:
		return "invalid type: " + t, true
	}
	return nil, false
}

// validateElements checks every element; elements are always required.
func (f *field) validateElements(list []any) any {
	var errs []any
	for i, v := range list {
		err := f.elements.validateRequired(v)
		if err == nil {
			continue
		}
		for len(errs) < i {
			errs = append(errs, nil)
		}
		errs = append(errs, err)
	}
	if errs == nil {
		return nil
	}
	return errs
}

// validateMap reports the first bad key or value, as Kong does.
func (f *field) validateMap(m map[string]any, raw any) any {
	_, isList := raw.([]any)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		var key any = k
		if isList {
			n, _ := strconv.Atoi(k)
			key = float64(n)
		}
		if err := f.keys.validateRequired(key); err != nil {
			return err
		}
		if err := f.values.validateRequired(m[k]); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) validateRequired(v any) any {
	if v == nil {
		if ne, ok := f.attrs["ne"]; !ok || ne != nil {
			if eq, ok := f.attrs["eq"]; !ok || eq == nil {
				return msgRequired
			}
		}
	}
	return f.validate(v)
}

// validateForeign checks the primary key of a reference: {"id": uuid}.
func validateForeign(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return map[string]any{"id": "missing primary key"}
	}
	id, ok := m["id"]
	if !ok {
		return map[string]any{"id": "missing primary key"}
	}
	if s, ok := id.(string); !ok || !isUUID(s) {
		return map[string]any{"id": msgUUID}
	}
	return nil
}

// message is the field's own `err` text where it has one.
func (f *field) message(text string) string {
	if err, ok := f.attrs["err"].(string); ok {
		return err
	}
	return text
}

// text is Lua's tostring for JSON values.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', 14, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}

// concat is table.concat(list, ", ").
func concat(list []any) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = text(v)
	}
	return strings.Join(words, ", ")
}
