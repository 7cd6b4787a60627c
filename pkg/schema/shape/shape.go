// Package shape reads the description of a configuration from the tags of a
// Go struct. It is the ground floor under pkg/config, which decodes and checks
// with it, and pkg/schema, which prints it for Kong and for people. Start at
// [Read].
//
// Tags of a struct field, all but json and doc optional:
//
//	json:"leeway"            name in the configuration; "-" leaves the field out
//	doc:"Seconds of …"       one sentence for the schema and the documentation
//	type:"set"               of a slice: unordered; without it an ordered array
//	default:"30"             value when absent; lists as a,b and maps as k=v,k=v
//	required:"true"          must be given; everything with a default is required
//	one_of:"a,b"             closed list of values
//	between:"0,3600"         bounds of a number, both included and whole
//	want:"-1 or 0.02 to 9"   what is expected, where the rules above say it too loosely
//	len_min:"1"              fewest elements of a list, shortest string in bytes
//	len_max:"128"            most elements of a list, longest string in bytes
//	format:"url"             name of a syntax rule
//	key_format:"token"       the same for the keys of a map
//	referenceable:"true"     may be a vault reference in Kong
//	encrypted:"true"         stored encrypted where Kong has a keyring
//
// On a list or a map, one_of, format, referenceable and encrypted speak of its values.
package shape

import "fmt"

// A Type is one of Kong's field types.
type Type string

// The types that a description can have.
const (
	String  Type = "string"
	Integer Type = "integer"
	Number  Type = "number" // a float64
	Boolean Type = "boolean"
	Array   Type = "array"  // a slice, ordered
	Set     Type = "set"    // a slice, unordered, without duplicates
	Map     Type = "map"    // map[string]string
	Record  Type = "record" // a struct
)

// A Field describes one value of the configuration.
type Field struct {
	Name string // "" of the root record and of elements, keys and values
	Type Type
	Doc  string

	// Required reports whether the value is always present once defaults are
	// filled in; Default is a string, int, float64, bool, []string,
	// map[string]string or nil for none.
	Required bool
	Default  any

	OneOf         []string // empty: any
	Between       *Range   // nil: any
	Want          string   // "": what the other rules say
	LenMin        int      // 0: no rule of its own (Kong refuses "" all the same)
	LenMax        int      // 0: no rule
	Format        string   // "": none
	Referenceable bool
	Encrypted     bool

	Fields []*Field // of a record, in the order of the struct
	Key    *Field   // of a map
	Elem   *Field   // of an array, a set or a map

	// Index is the field's position in its struct, for reflect.Value.Field.
	Index int
}

// A Range is a pair of bounds, both included.
type Range struct{ Min, Max int }

// Contains reports whether n lies within the bounds.
func (r Range) Contains(n int) bool { return r.Min <= n && n <= r.Max }

// Field returns the record's field of that name, or nil.
func (f *Field) Field(name string) *Field {
	for _, sub := range f.Fields {
		if sub.Name == name {
			return sub
		}
	}
	return nil
}

// Walk calls visit for f and everything below it, parents first. Paths look
// like "issuers[].algorithms"; a list's elements have the list's path and "[]",
// a map's keys and values are not visited.
func (f *Field) Walk(visit func(path string, f *Field)) { f.walk("", visit) }

func (f *Field) walk(path string, visit func(string, *Field)) {
	visit(path, f)
	for _, sub := range f.Fields {
		sub.walk(Join(path, sub.Name), visit)
	}
	if f.Elem != nil && f.Type != Map {
		f.Elem.walk(path+"[]", visit)
	}
}

// Join appends a field's name to a path.
func Join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// At appends the position of a list's element, counted from 0, to a path.
func At(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
