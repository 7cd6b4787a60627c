// Package h1 is the HTTP/1.1 wire format as nginx reads and writes it: request
// heads with their bytes unchanged, response heads, and message bodies.
//
// net/http cleans up too much for a gateway that has to show what a client
// really sent (it joins, folds, refuses or rewrites header lines), so both the
// client side and the upstream side of the embedded gateway use this package.
// Start at Reader.ReadRequest.
package h1

import (
	"slices"
	"strings"
)

// Field is one header line: its name as written and its value without the
// blanks around it. Both are raw bytes, not necessarily UTF-8.
type Field struct {
	Name  string
	Value string
}

// Header is a list of header lines in the order of the wire. Names compare
// without regard to case.
type Header []Field

// Get returns the first value of name. ok tells an empty value from an absent
// header.
func (h Header) Get(name string) (value string, ok bool) {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value, true
		}
	}
	return "", false
}

// Value returns the first value of name, or "".
func (h Header) Value(name string) string {
	v, _ := h.Get(name)
	return v
}

// Has reports whether there is a line called name.
func (h Header) Has(name string) bool {
	_, ok := h.Get(name)
	return ok
}

// Values returns every value of name, in order.
func (h Header) Values(name string) []string {
	var out []string
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			out = append(out, f.Value)
		}
	}
	return out
}

// Add appends a line.
func (h *Header) Add(name, value string) { *h = append(*h, Field{name, value}) }

// Del removes every line called name.
func (h *Header) Del(name string) {
	*h = slices.DeleteFunc(*h, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// Set replaces every line called name by one line a value, at the place of the
// first; no value removes the header.
func (h *Header) Set(name string, values ...string) {
	at := slices.IndexFunc(*h, func(f Field) bool { return strings.EqualFold(f.Name, name) })
	h.Del(name)
	if at < 0 || at > len(*h) {
		at = len(*h)
	}
	lines := make([]Field, len(values))
	for i, v := range values {
		lines[i] = Field{name, v}
	}
	*h = slices.Insert(*h, at, lines...)
}

// Clone returns a copy that shares no memory with h.
func (h Header) Clone() Header { return slices.Clone(h) }

// Tokens splits the comma-separated values of name into lower-case words.
func (h Header) Tokens(name string) []string {
	var out []string
	for _, v := range h.Values(name) {
		for w := range strings.SplitSeq(v, ",") {
			if w = strings.ToLower(strings.Trim(w, " \t")); w != "" {
				out = append(out, w)
			}
		}
	}
	return out
}

// HasToken reports whether one of name's comma-separated words is token.
func (h Header) HasToken(name, token string) bool {
	return slices.Contains(h.Tokens(name), strings.ToLower(token))
}

// Escape makes a value safe to write on the wire: CR, LF and NUL are percent-
// escaped, as OpenResty does for headers that Lua code sets.
func Escape(v string) string {
	if !strings.ContainsAny(v, "\r\n\x00") {
		return v
	}
	return strings.NewReplacer("\r", "%0D", "\n", "%0A", "\x00", "%00").Replace(v)
}
