package subschema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/gopher-lua/pm"
)

// validator judges v against the attribute's argument. The message is empty
// when v passes.
type validator struct {
	name string
	run  func(f *field, v, arg any) string
}

// validators stand in the order in which Kong runs them; the first failure of a
// field is the one reported.
var validators = []validator{
	{"eq", func(_ *field, v, arg any) string { return unless(equal(v, arg), "value must be "+text(arg)) }},
	{"ne", func(_ *field, v, arg any) string { return unless(!equal(v, arg), "value must not be "+text(v)) }},
	{"not_one_of", func(_ *field, v, arg any) string {
		list := arg.([]any)
		return unless(!contains(list, v), "must not be one of: "+concat(list))
	}},
	{"one_of", func(_ *field, v, arg any) string {
		list := arg.([]any)
		return unless(contains(list, v), "expected one of: "+concat(list))
	}},
	{"gt", func(_ *field, v, arg any) string {
		n, ok := v.(float64)
		return unless(ok && n > arg.(float64), "value must be greater than "+text(arg))
	}},
	{"timestamp", func(_ *field, v, _ any) string {
		n, ok := v.(float64)
		return unless(ok && n > 0, msgTimestamp)
	}},
	{"uuid", func(_ *field, v, _ any) string {
		s, ok := v.(string)
		return unless(ok && isUUID(s), msgUUID)
	}},
	{"is_regex", func(_ *field, v, _ any) string {
		s, ok := v.(string)
		return unless(ok && isRegex(s), "not a valid regex: "+text(v))
	}},
	{"between", between},
	{"len_eq", func(f *field, v, arg any) string { return length(v, arg, "length must be %d", 0) }},
	{"len_min", func(f *field, v, arg any) string { return length(v, arg, "length must be at least %d", 1) }},
	{"len_max", func(f *field, v, arg any) string { return length(v, arg, "length must be at most %d", -1) }},
	{"starts_with", func(_ *field, v, arg any) string {
		s, ok := v.(string)
		return unless(ok && strings.HasPrefix(s, arg.(string)), "should start with: "+arg.(string))
	}},
	{"not_match", func(_ *field, v, arg any) string {
		found, err := luaMatch(v, arg)
		return unless(err == "" && !found, first2(err, "invalid value: "+text(v)))
	}},
	{"match_none", func(_ *field, v, arg any) string { return matchList(v, arg, false) }},
	{"match", func(_ *field, v, arg any) string {
		found, err := luaMatch(v, arg)
		return unless(err == "" && found, first2(err, "invalid value: "+text(v)))
	}},
	{"match_all", func(_ *field, v, arg any) string { return matchList(v, arg, true) }},
	{"match_any", matchAny},
	{"contains", func(_ *field, v, arg any) string {
		list, ok := v.([]any)
		return unless(ok && contains(list, arg), "expected to contain: "+text(arg))
	}},
	{"mutually_exclusive_subsets", exclusiveSubsets},
}

// runValidators returns nil or the first failure's message. A string without
// len_min has a len_min of 1.
func (f *field) runValidators(v any) any {
	for _, val := range validators {
		arg, ok := f.attrs[val.name]
		if val.name == "len_min" && !ok && f.typ() == "string" {
			arg, ok = float64(1), true
		}
		if !ok || arg == nil {
			continue
		}
		if msg := val.run(f, v, arg); msg != "" {
			return f.message(msg)
		}
	}
	return nil
}

func unless(ok bool, msg string) string {
	if ok {
		return ""
	}
	return msg
}

func first2(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// equal compares scalars; tables are never equal, as in Lua.
func equal(a, b any) bool {
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

func contains(list []any, v any) bool {
	return slices.ContainsFunc(list, func(e any) bool { return equal(e, v) })
}

// between prints its limits with %d, which drops their fraction.
func between(_ *field, v, arg any) string {
	lim := arg.([]any)
	lo, hi := lim[0].(float64), lim[1].(float64)
	n, ok := v.(float64)
	return unless(ok && n >= lo && n <= hi,
		fmt.Sprintf("value should be between %d and %d", int64(lo), int64(hi)))
}

// length compares the byte length of a string or the size of a table with n:
// sign 1 is at least, -1 at most, 0 exactly.
func length(v, arg any, format string, sign int) string {
	n := int(arg.(float64))
	size := 0
	switch v := v.(type) {
	case string:
		size = len(v)
	case []any:
		size = len(v)
	case map[string]any:
		size = len(v)
	}
	ok := size == n
	switch sign {
	case 1:
		ok = size >= n
	case -1:
		ok = size <= n
	}
	return unless(ok, fmt.Sprintf(format, n))
}

// luaMatch reports whether string.match finds the pattern in v. A malformed
// pattern is a Lua error at the first value in Kong; here it is a message.
func luaMatch(v, pattern any) (found bool, errText string) {
	s, ok := v.(string)
	p, _ := pattern.(string)
	if !ok {
		return false, msgString
	}
	m, err := pm.Find(p, []byte(s), 0, 1)
	if err != nil {
		return false, "malformed pattern: " + p
	}
	return len(m) > 0, ""
}

func matchList(v, arg any, want bool) string {
	for _, item := range arg.([]any) {
		rule := item.(map[string]any)
		found, errText := luaMatch(v, rule["pattern"])
		if errText == "" && found == want {
			continue
		}
		if msg, ok := rule["err"].(string); ok {
			return msg
		}
		return first2(errText, "invalid value: "+text(v))
	}
	return ""
}

func matchAny(_ *field, v, arg any) string {
	rule := arg.(map[string]any)
	patterns, _ := rule["patterns"].([]any)
	for _, p := range patterns {
		if found, _ := luaMatch(v, p); found {
			return ""
		}
	}
	if msg, ok := rule["err"].(string); ok {
		return msg
	}
	return "invalid value: " + text(v)
}

func exclusiveSubsets(_ *field, v, arg any) string {
	list, _ := v.([]any)
	var hit []any
	for _, subset := range arg.([]any) {
		sub := subset.([]any)
		if slices.ContainsFunc(list, func(e any) bool { return contains(sub, e) }) {
			hit = append(hit, sub)
		}
	}
	return unless(len(hit) <= 1, "these sets are mutually exclusive: "+quoted(hit))
}

// quoted is quoted_list: 'a', 'b' and ('a', 'b') for nested lists.
func quoted(words []any) string {
	out := make([]string, len(words))
	for i, w := range words {
		if sub, ok := w.([]any); ok {
			out[i] = "(" + quoted(sub) + ")"
			continue
		}
		out[i] = "'" + text(w) + "'"
	}
	return strings.Join(out, ", ")
}

var uuidPattern = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func isUUID(s string) bool { return uuidPattern.MatchString(s) }

// pcreOnly finds the constructs that PCRE has and RE2 has not.
var pcreOnly = regexp.MustCompile(`\(\?(=|!|<=|<!|>|\|)|\\[1-9]|[*+?}]\+`)

// isRegex reports whether PCRE would compile s. RE2's verdict stands unless s
// uses a construct that only PCRE knows; those are accepted unexamined.
func isRegex(s string) bool {
	_, err := regexp.Compile(s)
	return err == nil || pcreOnly.MatchString(s)
}
