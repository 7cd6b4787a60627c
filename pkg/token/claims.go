package token

import (
	"encoding/json"
	"strings"
)

// Claims are a token's payload. Values are map[string]any, []any, string,
// [json.Number] with the digits as written, bool or nil.
type Claims map[string]any

// Find returns the claim at a path of member names. It goes into objects only,
// not into arrays, and reports a null as found.
func (c Claims) Find(path []string) (any, bool) {
	if len(path) == 0 {
		return nil, false
	}
	members := map[string]any(c)
	for _, name := range path[:len(path)-1] {
		inner, ok := members[name].(map[string]any)
		if !ok {
			return nil, false
		}
		members = inner
	}
	v, ok := members[path[len(path)-1]]
	return v, ok
}

// FindFirst returns the first claim of several paths that is there and not null.
func (c Claims) FindFirst(paths [][]string) (any, bool) {
	for _, p := range paths {
		if v, ok := c.Find(p); ok && v != nil {
			return v, true
		}
	}
	return nil, false
}

func (c Claims) has(name string) bool { _, ok := c[name]; return ok }

// text returns a top-level string claim, "" if it is absent or something else.
func (c Claims) text(name string) string { s, _ := c[name].(string); return s }

// maxText is the longest text that [Text] gives, in bytes: it goes into headers.
const maxText = 1024

// Plain writes a claim as text, to be compared or hashed: a string as it is, a
// number with the digits of the token, a boolean as true or false, an array of
// strings joined by commas. It reports false for every other value.
func Plain(v any) (string, bool) {
	list, isList := v.([]any)
	if !isList {
		return scalar(v)
	}
	parts := make([]string, len(list))
	for i, e := range list {
		s, ok := e.(string)
		if !ok {
			return "", false
		}
		parts[i] = s
	}
	return strings.Join(parts, ","), true
}

// Text is [Plain] for a header: it also reports false for a text over 1,024 bytes
// and for one with a byte outside 0x20 to 0x7E.
func Text(v any) (string, bool) {
	s, ok := Plain(v)
	if !ok || len(s) > maxText {
		return "", false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return "", false
		}
	}
	return s, true
}

// scalar writes a string, number or boolean as text.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
