package subschema

import (
	"fmt"
	"strings"
)

// checker describes how an entity check is run.
type checker struct {
	sources        []string // argument keys that name fields; empty: the argument is the list
	requiredSource map[string]bool
	withMissing    bool // run although a required field is absent
	withInvalid    bool // run although one of its fields has an error
	text           string
	run            func(f *field, c check, in map[string]any, errs FieldErrors) (ok bool, err, custom string)
}

// checkers is filled in init because the conditional ones validate fields,
// which run checks.
var checkers map[string]checker

func init() {
	cond := map[string]bool{"if_field": true}
	checkers = map[string]checker{
		"at_least_one_of": {withMissing: true, withInvalid: true,
			text: "at least one of these fields must be non-empty: %s", run: atLeastOneOf},
		"conditional_at_least_one_of": {
			sources:     []string{"if_field", "then_at_least_one_of", "else_then_at_least_one_of"},
			withMissing: true, withInvalid: true,
			text: "at least one of these fields must be non-empty: %s", run: conditionalAtLeastOneOf},
		"only_one_of": {withInvalid: true,
			text: "exactly one of these fields must be non-empty: %s", run: onlyOneOf},
		"distinct": {withInvalid: true,
			text: "values of these fields must be distinct: %s", run: distinct},
		"conditional": {sources: []string{"if_field", "then_field"}, requiredSource: cond,
			withInvalid: true, text: msgConditional, run: conditional},
		"mutually_required": {withMissing: true,
			text: "all or none of these fields must be set: %s", run: mutuallyRequired},
		"mutually_exclusive": {withMissing: true,
			text: "only one or none of these fields must be set: %s", run: mutuallyExclusive},
		"mutually_exclusive_sets": {sources: []string{"set1", "set2"}, withMissing: true,
			text: "these sets are mutually exclusive: %s", run: exclusiveSets},
	}
}

// runCheck is run_entity_check of a complete entity: it decides whether the
// check applies and records its failure.
func (f *field) runCheck(c check, in map[string]any, errs FieldErrors) {
	k := checkers[c.name]
	names, required := c.fields, map[string]bool{}
	if k.sources == nil {
		for _, n := range names {
			required[n] = true
		}
	}
	for _, src := range k.sources {
		for _, n := range c.names(src) {
			names = append(names, n)
			required[n] = required[n] || k.requiredSource[src]
		}
	}
	projected := map[string]any{}
	allNil, allOK := true, true
	var missing []string
	for _, n := range names {
		v, present := lookup(in, n)
		if !present {
			if !k.withMissing && required[n] {
				missing = append(missing, n)
			}
		} else {
			allNil = false
			def := f.lookupField(n)
			if s, ok := v.(string); ok && def != nil && def.flag("referenceable") && IsReference(s) {
				return
			}
			project(projected, n, v)
		}
		if errs[n] != nil {
			allOK = false
		}
	}
	if !allOK && !k.withInvalid {
		return
	}
	if allNil && !k.withMissing {
		return
	}
	if len(missing) > 0 {
		for _, n := range missing {
			errs.set(n, msgForCheck)
		}
		return
	}
	ok, err, custom := k.run(f, c, projected, errs)
	switch {
	case ok:
	case custom != "":
		errs.addEntity(custom)
	default:
		errs.addEntity(fmt.Sprintf(k.text, err))
	}
}

// names returns the field names under an argument key: one or a list.
func (c check) names(key string) []string {
	switch v := c.arg[key].(type) {
	case string:
		return []string{v}
	case []any:
		return stringList(v)
	}
	return nil
}

func (c check) str(key string) string {
	s, _ := c.arg[key].(string)
	return s
}

// lookup finds a dotted path; present is false where Lua would give nil.
func lookup(m map[string]any, path string) (v any, present bool) {
	head, tail, nested := strings.Cut(path, ".")
	v, present = m[head]
	if !nested {
		return v, present
	}
	sub, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	return lookup(sub, tail)
}

func project(m map[string]any, path string, v any) {
	head, tail, nested := strings.Cut(path, ".")
	if !nested {
		m[head] = v
		return
	}
	sub, ok := m[head].(map[string]any)
	if !ok {
		sub = map[string]any{}
		m[head] = sub
	}
	project(sub, tail, v)
}

func (f *field) lookupField(path string) *field {
	head, tail, nested := strings.Cut(path, ".")
	def := f.byName[head]
	if def == nil || !nested {
		return def
	}
	return def.lookupField(tail)
}

func nonEmpty(in map[string]any, path string) bool {
	v, _ := lookup(in, path)
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

func filled(in map[string]any, names []string) (out []string) {
	for _, n := range names {
		if nonEmpty(in, n) {
			out = append(out, n)
		}
	}
	return out
}

func quotedNames(names []string) string {
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return quoted(out)
}
