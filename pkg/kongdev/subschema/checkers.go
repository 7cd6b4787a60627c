package subschema

import "strings"

func atLeastOneOf(_ *field, c check, in map[string]any, _ FieldErrors) (bool, string, string) {
	return len(filled(in, c.fields)) > 0, quotedNames(c.fields), ""
}

func onlyOneOf(_ *field, c check, in map[string]any, _ FieldErrors) (bool, string, string) {
	return len(filled(in, c.fields)) == 1, quotedNames(c.fields), ""
}

func mutuallyRequired(_ *field, c check, in map[string]any, _ FieldErrors) (bool, string, string) {
	n := len(filled(in, c.fields))
	return n == 0 || n == len(c.fields), quotedNames(c.fields), ""
}

func mutuallyExclusive(_ *field, c check, in map[string]any, _ FieldErrors) (bool, string, string) {
	return len(filled(in, c.fields)) <= 1, quotedNames(c.fields), ""
}

// distinct compares scalars only: two Lua tables are never the same key.
func distinct(_ *field, c check, in map[string]any, _ FieldErrors) (bool, string, string) {
	seen := map[any]bool{}
	for _, n := range filled(in, c.fields) {
		v, _ := lookup(in, n)
		switch v.(type) {
		case []any, map[string]any:
			continue
		}
		if seen[v] {
			return false, quotedNames(c.fields), ""
		}
		seen[v] = true
	}
	return true, "", ""
}

func exclusiveSets(_ *field, c check, in map[string]any, _ FieldErrors) (bool, string, string) {
	one, two := filled(in, c.names("set1")), filled(in, c.names("set2"))
	if len(one) == 0 || len(two) == 0 {
		return true, "", ""
	}
	return false, "(" + quotedNames(one) + "), (" + quotedNames(two) + ")", ""
}

// conditional validates then_field when if_field passes if_match. Both matches
// inherit the attributes of the field they judge; an absent or null if_field
// passes a match that does not say otherwise.
func conditional(f *field, c check, in map[string]any, errs FieldErrors) (bool, string, string) {
	ifName, thenName := c.str("if_field"), c.str("then_field")
	ifValue, _ := lookup(in, ifName)
	if c.matches["if_match"].over(f.lookupField(ifName)).validate(ifValue) != nil {
		return true, "", ""
	}
	thenValue, _ := lookup(in, thenName)
	then := c.matches["then_match"]
	if then.required() && thenValue == nil {
		errs.set(thenName, msgRequired)
		return false, ifName, "" // Kong ignores then_err here
	}
	if err := then.over(f.lookupField(thenName)).validate(thenValue); err != nil {
		errs.set(thenName, err)
		return false, ifName, withArg(c.str("then_err"), ifName)
	}
	return true, "", ""
}

func conditionalAtLeastOneOf(f *field, c check, in map[string]any, _ FieldErrors) (bool, string, string) {
	name := c.str("if_field")
	v, present := lookup(in, name)
	if !present {
		return true, "", ""
	}
	base := f.lookupField(name)
	list, text := "then_at_least_one_of", "then_err"
	if c.matches["if_match"].over(base).validate(v) != nil {
		other := c.matches["else_match"]
		if other == nil || other.over(base).validate(v) != nil {
			return true, "", ""
		}
		list, text = "else_then_at_least_one_of", "else_then_err"
	}
	names := c.names(list)
	if len(filled(in, names)) > 0 {
		return true, "", ""
	}
	quoted := quotedNames(names)
	return false, quoted, withArg(c.str(text), quoted)
}

// withArg is string.format with one %s argument: a text may hold none.
func withArg(format, arg string) string {
	return strings.ReplaceAll(strings.Replace(format, "%s", arg, 1), "%%", "%")
}
