package config

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

// Validate checks every field against its description and the fields against
// each other. The error joins one [Problem] for each fault, in the order of the
// fields, those between fields last; nil means that the configuration can be
// enforced as it stands.
//
// It repeats what Kong's schema checks (a configuration may come from an older
// control plane or from a database that was written around it) and adds what
// the schema language cannot say.
func (c *Config) Validate() error {
	var v validator
	v.value("config", root, reflect.ValueOf(c).Elem())
	for _, rule := range rules {
		rule(c, &v.problems)
	}
	return v.problems.err()
}

type validator struct{ problems problems }

func (v *validator) value(path string, f *shape.Field, value reflect.Value) {
	switch f.Type {
	case shape.Record:
		for _, sub := range f.Fields {
			v.value(shape.Join(path, sub.Name), sub, value.Field(sub.Index))
		}
	case shape.Array, shape.Set:
		v.length(path, f, value.Len(), "element")
		for i := range value.Len() {
			v.element(shape.At(path, i), f.Elem, value.Index(i))
		}
	case shape.Map:
		for _, key := range slices.Sorted(maps.Keys(value.Interface().(map[string]string))) {
			at := shape.Join(path, key)
			v.element(at, f.Key, reflect.ValueOf(key))
			v.element(at, f.Elem, value.MapIndex(reflect.ValueOf(key)))
		}
	case shape.String:
		switch s := value.String(); {
		case s != "":
			v.text(path, f, s)
		case f.Required:
			v.problems.add(path, "expected a value, got none")
		}
	case shape.Integer:
		n := int(value.Int())
		absent := n == 0 && !f.Required
		if f.Between != nil && !f.Between.Contains(n) && !absent {
			v.problems.add(path, "expected an integer from %d to %d, got %d", f.Between.Min, f.Between.Max, n)
		}
	case shape.Number:
		n := value.Float()
		if f.Between != nil && !(float64(f.Between.Min) <= n && n <= float64(f.Between.Max)) {
			v.problems.add(path, "expected %s, got %v", cmp.Or(f.Want, fmt.Sprintf("a number from %d to %d", f.Between.Min, f.Between.Max)), n)
		}
	}
}

// element checks a member of a list or map, which may not be empty.
func (v *validator) element(path string, f *shape.Field, value reflect.Value) {
	if f.Type == shape.String && value.Len() == 0 {
		v.problems.add(path, "expected a value, got an empty string")
		return
	}
	v.value(path, f, value)
}

func (v *validator) text(path string, f *shape.Field, s string) {
	if len(f.OneOf) > 0 && !slices.Contains(f.OneOf, s) {
		v.problems.add(path, "expected %s, got %s", quoted(f.OneOf), show(s, f.Referenceable))
		return
	}
	v.length(path, f, len(s), "byte")
	if f.Format == "" {
		return
	}
	format := Formats[f.Format]
	if reason := format.Check(s); reason != "" {
		v.problems.add(path, "expected %s, got %s: %s", format.Want, show(s, f.Referenceable), reason)
	}
}

func (v *validator) length(path string, f *shape.Field, n int, unit string) {
	if f.LenMin > 0 && n < f.LenMin {
		v.problems.add(path, "expected at least %s, got %d", count(f.LenMin, unit), n)
	}
	if f.LenMax > 0 && n > f.LenMax {
		v.problems.add(path, "expected at most %s, got %d", count(f.LenMax, unit), n)
	}
}

func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
