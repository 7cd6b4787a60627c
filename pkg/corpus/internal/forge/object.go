package forge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Object is a JSON object as text: members keep their order and may repeat.
// Its methods leave it as it is and return another.
type Object []member

type member struct{ name, value string }

// Set gives a member a value, in its place or at the end.
func (o Object) Set(name string, value any) Object { return o.SetRaw(name, JSON(value)) }

// SetRaw is Set with the value's text, which may be anything.
func (o Object) SetRaw(name, text string) Object {
	o = slices.Clone(o)
	for i := range o {
		if o[i].name == name {
			o[i].value = text
			return o
		}
	}
	return append(o, member{name, text})
}

// Add puts a member at the end, whether there is one of that name or not.
func (o Object) Add(name string, value any) Object {
	return append(slices.Clone(o), member{name, JSON(value)})
}

// Without leaves members out.
func (o Object) Without(names ...string) Object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return slices.Contains(names, m.name) })
}

// String writes the object without white space.
func (o Object) String() string {
	parts := make([]string, len(o))
	for i, m := range o {
		parts[i] = JSON(m.name) + ":" + m.value
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// JSON writes a value without escaping what JSON need not escape.
func JSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("forge: %v", err))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
