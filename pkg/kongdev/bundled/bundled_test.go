package bundled_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/kongdev/bundled"
)

// Priorities of Kong 3.9.3.
func TestPrioritiesAndPhases(t *testing.T) {
	want := map[string]int{"cors": 2000, "key-auth": 1250, "acl": 950, "file-log": 9, "request-termination": 2}
	for _, p := range bundled.All() {
		if p.Priority != want[p.Name] || p.Schema.Name() != p.Name {
			t.Errorf("%s: expected priority %d, got %d and the schema of %s", p.Name, want[p.Name], p.Priority, p.Schema.Name())
		}
		if p.Access == nil && p.HeaderFilter == nil && p.Log == nil {
			t.Errorf("%s: has no phase", p.Name)
		}
		delete(want, p.Name)
	}
	if len(want) > 0 {
		t.Errorf("not built in: %v", want)
	}
}

func TestSchemasRefuse(t *testing.T) {
	schemas := map[string]*bundled.Plugin{}
	for _, p := range bundled.All() {
		schemas[p.Name] = p
	}
	for _, c := range []struct {
		plugin string
		config map[string]any
		want   string
	}{
		{"acl", map[string]any{}, "at least one of these fields must be non-empty: 'config.allow', 'config.deny'"},
		{"acl", map[string]any{"allow": []any{"a"}, "deny": []any{"b"}}, "exactly one of these fields must be non-empty"},
		{"key-auth", map[string]any{"key_names": []any{"a b"}}, "bad header name"},
		{"cors", map[string]any{"methods": []any{"BREW"}}, "expected one of: GET"},
		{"file-log", map[string]any{}, "config.path: required field missing"},
		{"file-log", map[string]any{"path": "/x*"}, "not a valid filename"},
		{"request-termination", map[string]any{"status_code": 99.0}, "between 100 and 599"},
	} {
		if _, errs := schemas[c.plugin].Schema.Process(c.config); !strings.Contains(errs.Error(), c.want) {
			t.Errorf("%s %v: expected %q, got %v", c.plugin, c.config, c.want, errs)
		}
	}
}
