package shape

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Read describes the struct type t as a record. An error names the Go field
// whose type or tags cannot be described.
func Read(t reflect.Type) (*Field, error) {
	fields, err := readFields(t)
	if err != nil {
		return nil, err
	}
	return &Field{Type: Record, Required: true, Fields: fields}, nil
}

// MustRead is Read for a type known at compile time; it panics on an error.
func MustRead(t reflect.Type) *Field {
	f, err := Read(t)
	if err != nil {
		panic(err)
	}
	return f
}

func readFields(t reflect.Type) ([]*Field, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("expected a struct, got %s", t)
	}
	var fields []*Field
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Tag.Get("json") == "-" {
			continue
		}
		f, err := readField(sf)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Name(), sf.Name, err)
		}
		f.Index = i
		fields = append(fields, f)
	}
	return fields, nil
}

func readField(sf reflect.StructField) (*Field, error) {
	f, err := readType(sf.Type, sf.Tag)
	if err != nil {
		return nil, err
	}
	f.Name, f.Doc = sf.Tag.Get("json"), sf.Tag.Get("doc")
	if f.Name == "" || f.Doc == "" {
		return nil, fmt.Errorf("expected json and doc tags, got %q", sf.Tag)
	}
	if err := readConstraints(f, sf.Tag); err != nil {
		return nil, err
	}
	if text, ok := sf.Tag.Lookup("default"); ok {
		if f.Default, err = readDefault(f.Type, text); err != nil {
			return nil, err
		}
	}
	f.Required = f.Default != nil || f.Type == Record || sf.Tag.Get("required") == "true"
	return f, nil
}

func readType(t reflect.Type, tag reflect.StructTag) (*Field, error) {
	switch t.Kind() {
	case reflect.String:
		return &Field{Type: String}, nil
	case reflect.Int:
		return &Field{Type: Integer}, nil
	case reflect.Float64:
		return &Field{Type: Number}, nil
	case reflect.Bool:
		return &Field{Type: Boolean}, nil
	case reflect.Struct:
		fields, err := readFields(t)
		return &Field{Type: Record, Fields: fields}, err
	case reflect.Slice:
		elem, err := readType(t.Elem(), "")
		if err != nil {
			return nil, err
		}
		f := &Field{Type: Array, Elem: elem}
		if tag.Get("type") == string(Set) {
			f.Type = Set
		}
		return f, nil
	case reflect.Map:
		if t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String {
			return &Field{Type: Map, Key: &Field{Type: String}, Elem: &Field{Type: String}}, nil
		}
	}
	return nil, fmt.Errorf("expected a type that Kong's schema has, got %s", t)
}

func readConstraints(f *Field, tag reflect.StructTag) error {
	value := f // what the tags about single values speak of
	if f.Elem != nil {
		value = f.Elem
	}
	if text, ok := tag.Lookup("one_of"); ok {
		value.OneOf = strings.Split(text, ",")
	}
	value.Want = tag.Get("want")
	value.Format = tag.Get("format")
	value.Referenceable = tag.Get("referenceable") == "true"
	value.Encrypted = tag.Get("encrypted") == "true"
	if f.Key != nil {
		f.Key.Format = tag.Get("key_format")
	}
	if text, ok := tag.Lookup("between"); ok {
		lo, hi, _ := strings.Cut(text, ",")
		low, errLow := strconv.Atoi(lo)
		high, errHigh := strconv.Atoi(hi)
		if errLow != nil || errHigh != nil || low > high {
			return fmt.Errorf("expected between as min,max, got %q", text)
		}
		f.Between = &Range{low, high}
	}
	for key, dst := range map[string]*int{"len_min": &f.LenMin, "len_max": &f.LenMax} {
		text, ok := tag.Lookup(key)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("expected a positive %s, got %q", key, text)
		}
		*dst = n
	}
	return nil
}

func readDefault(t Type, text string) (any, error) {
	switch t {
	case String:
		return text, nil
	case Integer:
		return strconv.Atoi(text)
	case Number:
		return strconv.ParseFloat(text, 64)
	case Boolean:
		return strconv.ParseBool(text)
	case Array, Set:
		if text == "" {
			return []string{}, nil
		}
		return strings.Split(text, ","), nil
	case Map:
		m := map[string]string{}
		for pair := range strings.SplitSeq(text, ",") {
			key, value, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, fmt.Errorf("expected a default of k=v pairs, got %q", text)
			}
			m[key] = value
		}
		return m, nil
	}
	return nil, fmt.Errorf("expected no default on a %s, got %q", t, text)
}
