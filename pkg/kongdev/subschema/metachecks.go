package subschema

import (
	"math"
	"slices"
)

// metaEntityCheck checks one entry of entity_checks: exactly one known check
// with an argument of its shape.
func metaEntityCheck(path string, v any, errs FieldErrors) {
	entry, ok := v.(map[string]any)
	if !ok || len(entry) != 1 {
		errs[path] = "exactly one of these fields must be non-empty: an entity check"
		return
	}
	for name, arg := range entry {
		at := join(path, name)
		switch name {
		case "conditional", "conditional_at_least_one_of", "mutually_exclusive_sets":
			m, ok := arg.(map[string]any)
			if !ok {
				errs[at] = msgRecord
				return
			}
			metaCheckArg(at, name, m, errs)
		case "at_least_one_of", "only_one_of", "distinct", "mutually_required", "mutually_exclusive":
			if msg := isNames(arg); msg != "" {
				errs[at] = msg
			}
		case "custom_entity_check":
			errs[join(at, "fn")] = "expected a function"
		default:
			errs[at] = msgUnknown
		}
	}
}

// checkArgs lists the keys of each record-shaped check; the ones in need must
// be there for the check to mean anything.
var checkArgs = map[string]struct{ keys, need []string }{
	"conditional": {[]string{"if_field", "if_match", "then_field", "then_match", "then_err"},
		[]string{"if_field", "if_match", "then_field", "then_match"}},
	"conditional_at_least_one_of": {[]string{"if_field", "if_match", "then_at_least_one_of", "then_err",
		"else_match", "else_then_at_least_one_of", "else_then_err"},
		[]string{"if_field", "if_match", "then_at_least_one_of"}},
	"mutually_exclusive_sets": {[]string{"set1", "set2"}, []string{"set1", "set2"}},
}

func metaCheckArg(path, name string, arg map[string]any, errs FieldErrors) {
	for k, v := range arg {
		at := join(path, k)
		if !slices.Contains(checkArgs[name].keys, k) {
			errs[at] = msgUnknown
			continue
		}
		switch k {
		case "if_field", "then_field", "then_err", "else_then_err":
			if msg := isString(v); msg != "" {
				errs[at] = msg
			}
		case "if_match", "then_match", "else_match":
			metaMatch(at, v, errs)
		default:
			if msg := isNames(v); msg != "" {
				errs[at] = msg
			}
		}
	}
	for _, k := range checkArgs[name].need {
		if arg[k] == nil {
			errs[join(path, k)] = msgRequired
		}
	}
}

func metaMatch(path string, v any, errs FieldErrors) {
	m, ok := v.(map[string]any)
	if !ok {
		errs[path] = msgRecord
		return
	}
	for k, v := range m {
		switch {
		case !slices.Contains(matchAttrs, k):
			errs[join(path, k)] = msgUnknown
		case k == "elements" || k == "keys" || k == "values":
			metaField(join(path, k), v, errs)
		case v != nil:
			if msg := attrShapes[k](v); msg != "" {
				errs[join(path, k)] = msg
			}
		}
	}
}

// The shape functions return a message, or "" for a good value.

func isAny(any) string { return "" }

func isString(v any) string {
	s, ok := v.(string)
	if !ok {
		return msgString
	}
	return unless(s != "", "length must be at least 1")
}

// isText is a string that patterns and messages use; empty ones are refused by
// Kong too.
func isText(v any) string { return isString(v) }

func isBool(v any) string {
	_, ok := v.(bool)
	return unless(ok, msgBoolean)
}

func isNumber(v any) string {
	_, ok := v.(float64)
	return unless(ok, msgNumber)
}

func isInteger(v any) string {
	n, ok := v.(float64)
	return unless(ok && n == math.Floor(n), msgInteger)
}

func isArray(v any) string {
	_, ok := asList(v)
	return unless(ok, msgArray)
}

func isTable(v any) string {
	_, ok := v.(map[string]any)
	return unless(ok, msgRecord)
}

// isDescription holds Kong's limits: 10 to 500 bytes.
func isDescription(v any) string {
	s, ok := v.(string)
	switch {
	case !ok:
		return msgString
	case len(s) < 10:
		return "length must be at least 10"
	case len(s) > 500:
		return "length must be at most 500"
	}
	return ""
}

func isPair(v any) string {
	list, ok := v.([]any)
	if !ok {
		return msgArray
	}
	if len(list) != 2 {
		return "length must be 2"
	}
	return first2(isNumber(list[0]), isNumber(list[1]))
}

func isNames(v any) string {
	list, ok := asList(v)
	if !ok {
		return msgArray
	}
	for _, e := range list {
		if msg := isString(e); msg != "" {
			return msg
		}
	}
	return ""
}

func isSubsets(v any) string {
	list, ok := v.([]any)
	if !ok {
		return msgArray
	}
	for _, e := range list {
		if msg := isNames(e); msg != "" {
			return msg
		}
		if _, ok := e.([]any); !ok {
			return msgArray
		}
	}
	return ""
}

func isRules(v any) string {
	list, ok := v.([]any)
	if !ok {
		return msgArray
	}
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return msgRecord
		}
		if _, ok := m["pattern"].(string); !ok {
			return msgRequired
		}
	}
	return ""
}

func isPatterns(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return msgRecord
	}
	if m["patterns"] == nil {
		return msgRequired
	}
	return isNames(m["patterns"])
}
