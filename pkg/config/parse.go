package config

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

// Load is [Parse] and [Config.Validate]. The Config is never nil: where a field
// could not be read it has the default, so that a caller that must answer
// "invalid configuration" still knows the mode and the header to use.
func Load(data []byte) (*Config, error) {
	c, err := Parse(data)
	found := problems{}
	told := map[string]bool{}
	for _, p := range Problems(err) {
		told[p.Path] = true
		found = append(found, p)
	}
	for _, p := range Problems(c.Validate()) {
		if !told[p.Path] { // else it comes from the default put in its place
			found = append(found, p)
		}
	}
	return c, found.err()
}

// Parse decodes an instance's configuration as Kong sends it when it starts
// the instance: a JSON object with every field that the user or Kong's defaults
// gave. It does not count on the latter, so that an absent or null field gets
// its default here. What Kong adds goes to Scope ($refs and ids beside the
// fields) or is passed over; an empty array may stand for an empty map and the
// reverse, because Lua has one empty table.
//
// The error holds what a Config cannot express, all of it at once: values of
// the wrong type, empty strings (what Kong makes of a vault reference that it
// cannot resolve), zeros where nothing or a positive number is expected, and
// unknown fields: a newer schema may have let through what this program would
// silently not enforce. Rules about values are [Config.Validate]'s. The Config
// is never nil.
func Parse(data []byte) (*Config, error) {
	c := Default()
	d := decoder{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var raw any
	err := dec.Decode(&raw)
	if _, trailing := dec.Token(); err != nil || trailing != io.EOF {
		d.problems.add("config", "expected a JSON object, got %d bytes that are no single JSON value", len(data))
		return c, d.problems.err()
	}
	d.record("config", root, raw, reflect.ValueOf(c).Elem(), isAddition)
	c.Scope = readScope(raw)
	return c, d.problems.err()
}

// Default returns the configuration that an empty object stands for.
func Default() *Config {
	c := &Config{}
	setDefaults(root, reflect.ValueOf(c).Elem())
	return c
}

func setDefaults(f *shape.Field, into reflect.Value) {
	for _, sub := range f.Fields {
		v := into.Field(sub.Index)
		switch def := sub.Default.(type) {
		case nil:
			if sub.Type == shape.Record {
				setDefaults(sub, v)
			}
		case string:
			v.SetString(def)
		case int:
			v.SetInt(int64(def))
		case float64:
			v.SetFloat(def)
		case bool:
			v.SetBool(def)
		case []string:
			v.Set(reflect.MakeSlice(v.Type(), len(def), len(def)))
			for i, s := range def {
				v.Index(i).SetString(s)
			}
		case map[string]string:
			v.Set(reflect.ValueOf(maps.Clone(def)))
		}
	}
}

// isAddition reports whether Kong itself puts a key of that name beside the
// plugin's fields: __seq__, __plugin_id, __ws_id and __key__, route_id and the
// ids of other entities, plugin_instance_name.
func isAddition(key string) bool {
	return strings.HasPrefix(key, "__") || strings.HasSuffix(key, "_id") || key == "plugin_instance_name"
}

func readScope(raw any) Scope {
	object, _ := raw.(map[string]any)
	text := func(key string) string {
		s, _ := object[key].(string)
		return s
	}
	return Scope{
		PluginID:     text("__plugin_id"),
		WorkspaceID:  text("__ws_id"),
		RouteID:      text("route_id"),
		ServiceID:    text("service_id"),
		InstanceName: text("plugin_instance_name"),
	}
}

// refsKey is where Kong keeps the vault references of a record.
const refsKey = "$refs"

type decoder struct{ problems problems }

// record decodes raw into a struct that already has its defaults. Keys that
// are no fields are a problem unless skip reports true of them.
func (d *decoder) record(path string, f *shape.Field, raw any, into reflect.Value, skip func(string) bool) {
	if isEmptyTable(raw) {
		raw = map[string]any{}
	}
	object, ok := raw.(map[string]any)
	if !ok {
		d.problems.add(path, "expected an object, got %s", kindOf(raw))
		return
	}
	refs, _ := object[refsKey].(map[string]any)
	for _, sub := range f.Fields {
		value, present := object[sub.Name]
		if present && value != nil {
			d.value(shape.Join(path, sub.Name), sub, value, into.Field(sub.Index), refs[sub.Name] != nil)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if f.Field(key) == nil && key != refsKey && (skip == nil || !skip(key)) {
			d.problems.add(shape.Join(path, cut(key)), "expected a known field, got one that no schema of this version has")
		}
	}
}

// value decodes raw into v; referenced says that the field holds, or its
// elements hold, a resolved vault reference.
func (d *decoder) value(path string, f *shape.Field, raw any, v reflect.Value, referenced bool) {
	switch f.Type {
	case shape.Record:
		d.record(path, f, raw, v, nil)
	case shape.Array, shape.Set:
		d.list(path, f, raw, v, referenced)
	case shape.Map:
		d.table(path, f, raw, v)
	case shape.String:
		d.text(path, raw, v, referenced)
	case shape.Integer:
		d.integer(path, f, raw, v)
	case shape.Number:
		d.number(path, raw, v)
	case shape.Boolean:
		b, ok := raw.(bool)
		if !ok {
			d.problems.add(path, "expected a boolean, got %s", kindOf(raw))
			return
		}
		v.SetBool(b)
	}
}

func (d *decoder) text(path string, raw any, v reflect.Value, referenced bool) {
	s, ok := raw.(string)
	switch {
	case !ok:
		d.problems.add(path, "expected a string, got %s", kindOf(raw))
	case s == "" && referenced:
		d.problems.add(path, "expected a value, got a vault reference that could not be resolved")
	case s == "":
		d.problems.add(path, "expected a value, got an empty string")
	default:
		v.SetString(s)
	}
}

func (d *decoder) integer(path string, f *shape.Field, raw any, v reflect.Value) {
	number, ok := raw.(json.Number)
	if !ok {
		d.problems.add(path, "expected an integer, got %s", kindOf(raw))
		return
	}
	n, err := number.Int64()
	if err != nil { // Kong's numbers are doubles: 3.0 and 1e3 are integers too
		float, err := number.Float64()
		if err != nil || float != math.Trunc(float) || math.Abs(float) > 1<<53 {
			d.problems.add(path, "expected an integer, got %s", show(number.String(), false))
			return
		}
		n = int64(float)
	}
	if n == 0 && !f.Required && f.Between != nil && !f.Between.Contains(0) {
		d.problems.add(path, "expected an integer from %d to %d, got 0", f.Between.Min, f.Between.Max)
		return
	}
	v.SetInt(n)
}

func (d *decoder) number(path string, raw any, v reflect.Value) {
	number, ok := raw.(json.Number)
	if !ok {
		d.problems.add(path, "expected a number, got %s", kindOf(raw))
		return
	}
	n, err := number.Float64()
	if err != nil {
		d.problems.add(path, "expected a number, got %s", show(number.String(), false))
		return
	}
	v.SetFloat(n)
}

func (d *decoder) list(path string, f *shape.Field, raw any, v reflect.Value, referenced bool) {
	if isEmptyTable(raw) {
		raw = []any{}
	}
	elements, ok := raw.([]any)
	if !ok {
		d.problems.add(path, "expected a list, got %s", kindOf(raw))
		return
	}
	list := reflect.MakeSlice(v.Type(), 0, len(elements))
	seen := map[any]bool{}
	for i, element := range elements {
		if s, ok := element.(string); ok && f.Type == shape.Set && seen[s] {
			continue // as Kong keeps sets
		} else if ok {
			seen[s] = true
		}
		slot := reflect.New(v.Type().Elem()).Elem()
		setDefaults(f.Elem, slot)
		d.value(shape.At(path, i), f.Elem, element, slot, referenced)
		list = reflect.Append(list, slot)
	}
	v.Set(list)
}

func (d *decoder) table(path string, f *shape.Field, raw any, v reflect.Value) {
	if isEmptyTable(raw) {
		raw = map[string]any{}
	}
	object, ok := raw.(map[string]any)
	if !ok {
		d.problems.add(path, "expected a map, got %s", kindOf(raw))
		return
	}
	table := reflect.MakeMapWithSize(v.Type(), len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if key == refsKey {
			continue
		}
		slot := reflect.New(v.Type().Elem()).Elem()
		d.text(shape.Join(path, key), object[key], slot, false)
		table.SetMapIndex(reflect.ValueOf(key), slot)
	}
	v.Set(table)
}

// isEmptyTable reports whether raw is {} or [].
func isEmptyTable(raw any) bool {
	switch t := raw.(type) {
	case []any:
		return len(t) == 0
	case map[string]any:
		return len(t) == 0
	}
	return false
}

// kindOf names the JSON type of a decoded value for a message.
func kindOf(raw any) string {
	switch raw.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	}
	return "an object"
}
