package subschema

import (
	"fmt"
	"slices"
	"strings"
)

// fieldTypes are the values of `type`; "function" is Kong's too, but JSON has
// no functions, and "json" needs a JSON-schema engine that this package has not.
var fieldTypes = []string{"array", "set", "string", "number", "boolean", "integer", "foreign", "map", "record"}

// requiredAttrs are the attributes a type cannot do without.
var requiredAttrs = map[string][]string{
	"array":  {"elements"},
	"set":    {"elements"},
	"map":    {"keys", "values"},
	"record": {"fields"},
}

// attrTypes limits an attribute to some field types (metaschema.lua).
var attrTypes = map[string][]string{
	"between":          {"integer", "number"},
	"len_eq":           {"array", "set", "string", "map"},
	"match":            {"string"},
	"one_of":           {"string", "number", "integer"},
	"contains":         {"array", "set"},
	"is_regex":         {"string"},
	"timestamp":        {"number", "integer"},
	"uuid":             {"string"},
	"unique":           {"string", "number", "integer", "foreign"},
	"unique_across_ws": {"string", "number", "integer", "foreign"},
	"abstract":         {"string", "number", "integer", "record", "array", "set", "map"},
	"transient":        {"string", "number", "integer", "array", "set", "boolean"},
}

// attrShapes lists every attribute a field definition may have and the JSON
// shape of its value.
var attrShapes = map[string]func(v any) string{
	"type": isString, "required": isBool, "reference": isString, "description": isDescription,
	"examples": isArray, "auto": isBool, "unique": isBool, "unique_across_ws": isBool,
	"on_delete": isString, "default": isAny, "abstract": isBool, "generate_admin_api": isBool,
	"immutable": isBool, "err": isText, "encrypted": isBool, "referenceable": isBool,
	"transient": isBool, "deprecation": isTable,
	"between": isPair, "eq": isAny, "ne": isAny, "gt": isNumber, "len_eq": isInteger,
	"len_min": isInteger, "len_max": isInteger, "match": isText, "not_match": isText,
	"match_all": isRules, "match_none": isRules, "match_any": isPatterns, "starts_with": isText,
	"one_of": isArray, "not_one_of": isArray, "contains": isAny, "is_regex": isBool,
	"timestamp": isBool, "uuid": isBool, "mutually_exclusive_subsets": isSubsets,
	"elements": isTable, "keys": isTable, "values": isTable, "fields": isArray, "entity_checks": isArray,
}

// matchAttrs may stand in if_match, then_match and else_match; required,
// elements, keys and values may too.
var matchAttrs = []string{"required", "elements", "keys", "values", "between", "eq", "ne", "gt",
	"len_eq", "len_min", "len_max", "match", "not_match", "match_all", "match_none", "match_any",
	"starts_with", "one_of", "not_one_of", "contains", "is_regex", "timestamp", "uuid",
	"mutually_exclusive_subsets"}

// functionAttrs exist in Lua schemas and cannot come from JSON.
var functionAttrs = []string{"custom_validator", "shorthand_fields", "transformations", "check", "func"}

// metaCheck is the metaschema: everything about a schema that makes Kong refuse
// to load the plugin. An empty result is a good schema.
func metaCheck(def map[string]any) FieldErrors {
	errs := FieldErrors{}
	for k := range def {
		if !slices.Contains([]string{"name", "fields", "entity_checks"}, k) {
			errs[k] = msgUnknown
		}
	}
	if _, ok := def["name"].(string); !ok {
		errs["name"] = msgRequired
	}
	if _, ok := def["fields"].([]any); !ok {
		errs["fields"] = "'fields' must be a table"
		return errs
	}
	metaRecord("", def, errs)
	return errs
}

func metaRecord(path string, def map[string]any, errs FieldErrors) {
	list, ok := def["fields"].([]any)
	if !ok {
		return // its shape has been reported
	}
	for i, item := range list {
		entry, ok := item.(map[string]any)
		if !ok || len(entry) != 1 {
			errs[join(path, fmt.Sprintf("fields[%d]", i))] = "expected one field name with its definition"
			continue
		}
		for name, d := range entry {
			metaField(join(path, name), d, errs)
		}
	}
	checks, ok := def["entity_checks"].([]any)
	if _, present := def["entity_checks"]; present && !ok && !isEmptyTable(def["entity_checks"]) {
		errs[join(path, "entity_checks")] = msgArray
	}
	for i, c := range checks {
		metaEntityCheck(join(path, fmt.Sprintf("entity_checks[%d]", i)), c, errs)
	}
}

func isEmptyTable(v any) bool {
	m, ok := v.(map[string]any)
	return ok && len(m) == 0
}

// metaField checks one field definition and what is nested in it.
func metaField(path string, v any, errs FieldErrors) {
	def, ok := v.(map[string]any)
	if !ok {
		errs[path] = fmt.Sprintf("'%s' must be a table", path)
		return
	}
	typ, _ := def["type"].(string)
	if typ == "" {
		errs[path] = "missing type declaration"
		return
	}
	if !slices.Contains(fieldTypes, typ) {
		errs[join(path, "type")] = "expected one of: " + strings.Join(fieldTypes, ", ")
		return
	}
	metaAttrs(path, typ, def, errs)
	for _, attr := range requiredAttrs[typ] {
		if def[attr] == nil && !(typ == "record" && def["abstract"] == true) {
			errs[path] = fmt.Sprintf("field of type '%s' must declare '%s'", typ, attr)
		}
	}
	for _, sub := range []string{"elements", "keys", "values"} {
		if d, ok := def[sub].(map[string]any); ok {
			metaField(join(path, sub), d, errs)
		}
	}
	metaRecord(path, def, errs)
	if d := def["default"]; d != nil && len(errs) == 0 {
		if err := parseField(def).validate(Normalize(d)); err != nil {
			errs[join(path, "default")] = err
		}
	}
}

// metaAttrs checks that every attribute is known, has the right shape and may
// stand on a field of this type.
func metaAttrs(path, typ string, def map[string]any, errs FieldErrors) {
	for attr, v := range def {
		shape, ok := attrShapes[attr]
		at := join(path, attr)
		switch {
		case slices.Contains(functionAttrs, attr):
			errs[at] = "expected a function"
		case !ok:
			errs[at] = msgUnknown
		case attrTypes[attr] != nil && !slices.Contains(attrTypes[attr], typ):
			errs[path] = fmt.Sprintf("field of type '%s' cannot have attribute '%s'", typ, attr)
		case v == nil:
		default:
			if msg := shape(v); msg != "" {
				errs[at] = msg
			}
		}
	}
}
