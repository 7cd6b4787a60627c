package subschema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Messages of kong/db/schema/init.lua that do not take an argument.
const (
	msgArray       = "expected an array"
	msgSet         = "expected a set"
	msgMap         = "expected a map"
	msgRecord      = "expected a record"
	msgString      = "expected a string"
	msgNumber      = "expected a number"
	msgBoolean     = "expected a boolean"
	msgInteger     = "expected an integer"
	msgRequired    = "required field missing"
	msgUnknown     = "unknown field"
	msgForCheck    = "field required for entity check"
	msgUUID        = "expected a valid UUID"
	msgTimestamp   = "expected a valid timestamp"
	msgConditional = "failed conditional validation given value of field '%s'"
)

// entityKey holds the messages of failed entity checks, a []any of strings.
const entityKey = "@entity"

// FieldErrors is Kong's nested error table: a field name maps to a message, to
// another map[string]any, or to a []any whose index is the element's and which
// has nil for the elements without error. The key "@entity" holds the messages
// of entity checks. It marshals to the JSON that Kong's Admin API shows under
// "fields". The empty table is no error.
type FieldErrors map[string]any

// Error renders every problem on one line, sorted.
func (e FieldErrors) Error() string { return strings.Join(e.Lines(), "; ") }

// Problem is one message of a FieldErrors.
type Problem struct {
	Path    string // dotted, elements as [n] counted from 0; "" for the entity itself
	Message string
	Entity  bool // of an entity check, whose Path is the record's that declares it
}

func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// Lines renders one sorted line a problem: `config.issuers[1].audiences: text`.
func (e FieldErrors) Lines() []string {
	var out []string
	for _, p := range e.Flat() {
		out = append(out, p.String())
	}
	return out
}

// Flat returns every problem, sorted by its line.
func (e FieldErrors) Flat() []Problem {
	var out []Problem
	flatten("", map[string]any(e), &out)
	slices.SortFunc(out, func(a, b Problem) int { return strings.Compare(a.String(), b.String()) })
	return out
}

func flatten(path string, v any, out *[]Problem) {
	switch v := v.(type) {
	case nil:
	case []any:
		for i, e := range v {
			flatten(fmt.Sprintf("%s[%d]", path, i), e, out)
		}
	case FieldErrors:
		flatten(path, map[string]any(v), out)
	case map[string]any:
		for k, e := range v {
			if k != entityKey {
				flatten(join(path, k), e, out)
				continue
			}
			for _, msg := range e.([]any) {
				*out = append(*out, Problem{path, fmt.Sprint(msg), true})
			}
		}
	default:
		*out = append(*out, Problem{path, fmt.Sprint(v), false})
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// Summary is Schema:errors_to_string: the text of a "schema violation" answer,
// its fields in alphabetical order.
func (e FieldErrors) Summary() string {
	return strings.Join(summary(map[string]any(e)), "; ")
}

func summary(m map[string]any) []string {
	var out []string
	if list, ok := m[entityKey].([]any); ok {
		for _, msg := range list {
			out = append(out, fmt.Sprint(msg))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k == entityKey {
			continue
		}
		switch v := m[k].(type) {
		case map[string]any:
			out = append(out, k+": Validation error: "+strings.Join(summary(v), "; "))
		case []any:
			out = append(out, k+": Validation error: "+strings.Join(listSummary(v), "; "))
		default:
			out = append(out, fmt.Sprintf("%s: %v", k, v))
		}
	}
	return out
}

func listSummary(list []any) []string {
	var out []string
	for _, v := range list {
		switch v := v.(type) {
		case nil:
		case map[string]any:
			out = append(out, "Validation error: "+strings.Join(summary(v), "; "))
		default:
			out = append(out, fmt.Sprint(v))
		}
	}
	return out
}

func (e FieldErrors) addEntity(msg string) {
	list, _ := e[entityKey].([]any)
	e[entityKey] = append(list, msg)
}

// set puts a message at a dotted path, unless a nested error already stands on
// the way.
func (e FieldErrors) set(path string, msg any) {
	m := map[string]any(e)
	for {
		head, tail, nested := strings.Cut(path, ".")
		if !nested {
			m[path] = msg
			return
		}
		sub, ok := m[head].(map[string]any)
		if !ok {
			if m[head] != nil {
				return
			}
			sub = map[string]any{}
			m[head] = sub
		}
		m, path = sub, tail
	}
}
