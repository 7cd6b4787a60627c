package schema

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

// Markers around the generated part of docs/CONFIGURATION.md.
const (
	markBegin = "<!-- generated -->\n"
	markEnd   = "<!-- end of generated -->\n"
)

var errNoMarkers = errors.New("expected one pair of generated markers, got another number")

// Splice returns the document with table between its markers, replacing what
// stands there. The document has to have the pair of markers exactly once.
func Splice(doc, table []byte) ([]byte, error) {
	before, rest, found := bytes.Cut(doc, []byte(markBegin))
	_, after, ended := bytes.Cut(rest, []byte(markEnd))
	if !found || !ended || bytes.Contains(after, []byte(markBegin)) || bytes.Contains(after, []byte(markEnd)) {
		return nil, errNoMarkers
	}
	return slices.Concat(before, []byte(markBegin), table, []byte(markEnd), after), nil
}

// Markdown returns the table of all fields: path, type, default, bounds and
// description, a record's own row before those of its fields.
func Markdown() []byte {
	var b bytes.Buffer
	b.WriteString("\n| Field | Type | Default | Values | Description |\n|---|---|---|---|---|\n")
	config.Shape().Walk(func(path string, f *shape.Field) {
		if f.Name == "" { // the root and lists' elements
			return
		}
		row := []string{code(path), typeOf(f), defaultOf(f), boundsOf(f), f.Doc}
		for _, cell := range row {
			b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	})
	b.WriteString("\n")
	return b.Bytes()
}

func code(s string) string { return "`" + s + "`" }

func typeOf(f *shape.Field) string {
	switch f.Type {
	case shape.Array, shape.Set:
		return fmt.Sprintf("%s of %s", f.Type, f.Elem.Type)
	case shape.Map:
		return fmt.Sprintf("map of %s to %s", f.Key.Type, f.Elem.Type)
	}
	return string(f.Type)
}

func defaultOf(f *shape.Field) string {
	switch def := f.Default.(type) {
	case nil:
		if f.Required && f.Type != shape.Record {
			return "required"
		}
		return ""
	case []string:
		if len(def) == 0 {
			return "empty"
		}
		return code(strings.Join(def, "`, `"))
	case map[string]string:
		pairs := make([]string, 0, len(def))
		for _, key := range slices.Sorted(maps.Keys(def)) {
			pairs = append(pairs, code(key+": "+def[key]))
		}
		return strings.Join(pairs, ", ")
	default:
		return code(fmt.Sprint(def))
	}
}

func boundsOf(f *shape.Field) string {
	var bounds []string
	if f.LenMin > 0 && f.Elem != nil {
		bounds = append(bounds, fmt.Sprintf("at least %d", f.LenMin))
	}
	if f.LenMax > 0 && f.Elem != nil {
		bounds = append(bounds, fmt.Sprintf("at most %d", f.LenMax))
	}
	if f.Key != nil && f.Key.Format != "" {
		bounds = append(bounds, config.Formats[f.Key.Format].Want+" to "+expectation(f.Elem))
	} else if f.Elem != nil {
		bounds = append(bounds, expectation(f.Elem))
	} else {
		bounds = append(bounds, expectation(f))
	}
	bounds = slices.DeleteFunc(bounds, func(s string) bool { return s == "" })
	if f.Referenceable || f.Elem != nil && f.Elem.Referenceable {
		bounds = append(bounds, "vault reference")
	}
	return strings.Join(bounds, "; ")
}

// expectation words what a single value has to be; "" means anything.
func expectation(f *shape.Field) string {
	switch {
	case f.Want != "":
		return f.Want
	case len(f.OneOf) > 0:
		return code(strings.Join(f.OneOf, "`, `"))
	case f.Between != nil:
		return fmt.Sprintf("%d to %d", f.Between.Min, f.Between.Max)
	}
	want := config.Formats[f.Format].Want
	switch {
	case want == "" || f.LenMax == 0:
	case f.LenMin > 0:
		want += fmt.Sprintf(", %d to %d bytes", f.LenMin, f.LenMax)
	default:
		want += fmt.Sprintf(", at most %d bytes", f.LenMax)
	}
	return want
}
