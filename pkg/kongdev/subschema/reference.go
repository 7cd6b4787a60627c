package subschema

import (
	"maps"
	"os"
	"slices"
	"strings"
)

// IsReference reports whether s is a vault reference such as {vault://env/NAME}.
func IsReference(s string) bool {
	return strings.HasPrefix(s, "{vault://") && strings.HasSuffix(s, "}") && len(s) > len("{vault://}")
}

// Vault resolves a reference. ok is false when it cannot.
type Vault func(reference string) (value string, ok bool)

// EnvVault is Kong's `env` vault without prefix: {vault://env/my-name} is the
// environment variable MY_NAME. Further path segments (JSON keys) and other
// vaults do not resolve.
func EnvVault(reference string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(reference, "}"), "{vault://env/")
	if !ok || rest == "" || strings.ContainsAny(rest, "/?#") {
		return "", false
	}
	return os.LookupEnv(strings.ToUpper(strings.ReplaceAll(rest, "-", "_")))
}

// Resolve turns a config that Process filled into what Kong sends to a plugin:
// nulls are dropped, references in referenceable fields are replaced by their
// values ("" for one that cannot be resolved) and kept under "$refs" of the
// record that holds them, empty strings elsewhere are dropped.
func (s *Schema) Resolve(config map[string]any, vault Vault) map[string]any {
	return s.entity.byName["config"].resolve(config, vault)
}

// resolve is process_auto_fields in the "select" context.
func (f *field) resolve(in map[string]any, vault Vault) map[string]any {
	out := make(map[string]any, len(in))
	refs := map[string]any{}
	for _, n := range f.fields {
		v, ok := in[n.name]
		if v == nil && n.def.required() {
			v, ok = n.def.missing()
		}
		if !ok || v == nil {
			continue
		}
		v, ref := n.def.resolveValue(v, vault)
		if ref != nil {
			refs[n.name] = ref
		}
		if s, isString := v.(string); isString && s == "" && ref == nil && !n.def.allowsEmpty() {
			continue
		}
		out[n.name] = v
	}
	if len(refs) > 0 {
		out["$refs"] = refs
	}
	return out
}

func (f *field) allowsEmpty() bool {
	n, ok := f.attrs["len_min"].(float64)
	return ok && n <= 0
}

// resolveValue resolves one field; ref is its reference or the table of its
// elements' references.
func (f *field) resolveValue(v any, vault Vault) (out, ref any) {
	switch v := v.(type) {
	case string:
		if f.typ() == "string" && f.flag("referenceable") && IsReference(v) {
			return deref(v, vault), v
		}
	case map[string]any:
		if f.typ() == "record" {
			return f.resolve(v, vault), nil
		}
		if f.typ() == "map" {
			return f.resolveMap(v, vault)
		}
	case []any:
		return f.resolveList(v, vault)
	}
	return v, nil
}

func (f *field) resolveMap(m map[string]any, vault Vault) (out, ref any) {
	vals, refs := make(map[string]any, len(m)), map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v, r := f.values.resolveValue(m[k], vault)
		vals[k] = v
		if r != nil {
			refs[k] = r
		}
	}
	if len(refs) == 0 {
		return vals, nil
	}
	return vals, refs
}

func (f *field) resolveList(list []any, vault Vault) (out, ref any) {
	vals := make([]any, len(list))
	var refs []any
	for i, e := range list {
		v, r := f.elements.resolveValue(e, vault)
		vals[i] = v
		if r == nil {
			continue
		}
		for len(refs) < i {
			refs = append(refs, nil)
		}
		refs = append(refs, r)
	}
	if refs == nil {
		return vals, nil
	}
	return vals, refs
}

func deref(ref string, vault Vault) string {
	if vault == nil {
		return ""
	}
	if v, ok := vault(ref); ok {
		return v
	}
	return ""
}
