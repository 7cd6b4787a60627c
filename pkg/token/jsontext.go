package token

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Faults of a JSON document. Their texts, and those wrapped around them, hold
// offsets only: a member's name can be as private as a value.
var (
	errNotObject = errors.New("not a JSON object")
	errUTF8      = errors.New("not valid UTF-8")
	errSyntax    = errors.New("not valid JSON")
	errDuplicate = errors.New("a name comes twice in one object")
	errDepth     = errors.New("nested too deeply")
	errValues    = errors.New("too many members and elements")
)

func (d *document) code(err error) diagnosis.Code {
	switch {
	case errors.Is(err, errDuplicate):
		return d.duplicate
	case errors.Is(err, errDepth), errors.Is(err, errValues):
		return diagnosis.TokenTooComplex
	}
	return d.badJSON
}

// textReader reads JSON (RFC 8259) under the rules of I-JSON (RFC 7493): valid
// UTF-8, no lone surrogates, unique names. Strings without escapes share the
// document's memory.
type textReader struct {
	s      string
	i      int
	depth  int // levels that may still be opened
	values int // members and elements that may still come
}

// readObject reads a document that is one object. Its values are map[string]any,
// []any, string, [json.Number] with the digits as written, bool or nil.
func readObject(s string, lim Limits) (map[string]any, error) {
	if !utf8.ValidString(s) {
		return nil, errUTF8
	}
	r := textReader{s: s, depth: lim.Depth, values: lim.Values}
	r.space()
	if r.peek() != '{' {
		return nil, errNotObject
	}
	v, err := r.object()
	if err != nil {
		return nil, fmt.Errorf("%w at byte %d", err, r.i)
	}
	if r.space(); r.i != len(s) {
		return nil, fmt.Errorf("%w: more text at byte %d", errSyntax, r.i)
	}
	return v, nil
}

// peek returns the next byte, 0 at the end: a NUL begins nothing in JSON.
func (r *textReader) peek() byte {
	if r.i < len(r.s) {
		return r.s[r.i]
	}
	return 0
}

func (r *textReader) space() {
	for r.i < len(r.s) && strings.IndexByte(" \t\r\n", r.s[r.i]) >= 0 {
		r.i++
	}
}

// take consumes one expected byte and the white space on both its sides.
func (r *textReader) take(c byte) bool {
	r.space()
	if r.peek() != c {
		return false
	}
	r.i++
	r.space()
	return true
}

func (r *textReader) value() (any, error) {
	if r.values--; r.values < 0 {
		return nil, errValues
	}
	switch c := r.peek(); {
	case c == '{':
		return r.object()
	case c == '[':
		return r.array()
	case c == '"':
		return r.text()
	case c == '-' || isDigit(c):
		return r.number()
	}
	switch rest := r.s[r.i:]; {
	case strings.HasPrefix(rest, "true"):
		r.i += 4
		return true, nil
	case strings.HasPrefix(rest, "false"):
		r.i += 5
		return false, nil
	case strings.HasPrefix(rest, "null"):
		r.i += 4
		return nil, nil
	}
	return nil, errSyntax
}

func (r *textReader) open() error {
	if r.depth--; r.depth < 0 {
		return errDepth
	}
	return nil
}

func (r *textReader) object() (map[string]any, error) {
	if err := r.open(); err != nil {
		return nil, err
	}
	m := make(map[string]any)
	if r.take('{'); r.take('}') {
		r.depth++
		return m, nil
	}
	for {
		if r.peek() != '"' {
			return nil, errSyntax
		}
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		if _, twice := m[name]; twice {
			return nil, errDuplicate
		}
		if !r.take(':') {
			return nil, errSyntax
		}
		if m[name], err = r.value(); err != nil {
			return nil, err
		}
		if r.take(',') {
			continue
		}
		if !r.take('}') {
			return nil, errSyntax
		}
		r.depth++
		return m, nil
	}
}

func (r *textReader) array() ([]any, error) {
	if err := r.open(); err != nil {
		return nil, err
	}
	list := []any{}
	if r.take('['); r.take(']') {
		r.depth++
		return list, nil
	}
	for {
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if r.take(',') {
			continue
		}
		if !r.take(']') {
			return nil, errSyntax
		}
		r.depth++
		return list, nil
	}
}
