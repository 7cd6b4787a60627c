package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/schema"
	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

const plugin = "auth-diagnosis"

// dump is the schema as Kong reads it.
func dump(t *testing.T) map[string]any {
	t.Helper()
	data, err := json.Marshal(schema.Kong(plugin))
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestKongIsTheSameBytesEveryTime(t *testing.T) {
	first, err := json.Marshal(schema.Kong(plugin))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if again, _ := json.Marshal(schema.Kong(plugin)); !bytes.Equal(first, again) {
			t.Fatal("two dumps differ")
		}
	}
}

func TestTopLevelFields(t *testing.T) {
	tree := dump(t)
	if tree["name"] != plugin || len(tree) != 2 {
		t.Errorf("got keys %v and name %v", slices.Sorted(maps.Keys(tree)), tree["name"])
	}
	fields := fieldsOf(t, tree)
	if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, []string{"config", "consumer", "protocols"}) {
		t.Errorf("got fields %v", got)
	}
	want := map[string]any{"type": "foreign", "reference": "consumers", "eq": nil, "description": fields["consumer"]["description"]}
	if diff := cmp.Diff(want, fields["consumer"]); diff != "" {
		t.Errorf("consumer (-want +got):\n%s", diff)
	}
}

// TestEveryFieldHasARow walks the Go struct and the schema side by side.
func TestEveryFieldHasARow(t *testing.T) {
	var fromGo, fromKong []string
	config.Shape().Walk(func(path string, f *shape.Field) {
		if f.Name != "" {
			fromGo = append(fromGo, fmt.Sprint(path, " ", f.Type))
		}
	})
	visit(t, "", fieldsOf(t, dump(t))["config"], func(path string, node map[string]any) {
		if path != "" && !strings.HasSuffix(path, "[]") {
			fromKong = append(fromKong, fmt.Sprint(path, " ", node["type"]))
		}
	})
	slices.Sort(fromGo)
	slices.Sort(fromKong)
	if diff := cmp.Diff(fromGo, fromKong); diff != "" {
		t.Errorf("fields (-struct +schema):\n%s", diff)
	}
}

// TestDefaultsAgree builds a configuration of the schema's defaults alone and
// reads it back.
func TestDefaultsAgree(t *testing.T) {
	data, err := json.Marshal(defaults(t, fieldsOf(t, dump(t))["config"]))
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), got); diff != "" {
		t.Errorf("defaults (-Go +schema):\n%s", diff)
	}
}

func defaults(t *testing.T, record map[string]any) map[string]any {
	object := map[string]any{}
	for name, node := range fieldsOf(t, record) {
		switch def, ok := node["default"]; {
		case ok:
			object[name] = def
		case node["type"] == "record":
			object[name] = defaults(t, node)
		}
	}
	return object
}

// TestKongAcceptsTheShape holds the schema against what Kong 3.8 and later load
// from JSON (kong/db/schema/metaschema.lua): known attributes only, none of
// them functions, descriptions of 10 to 500 characters.
func TestKongAcceptsTheShape(t *testing.T) {
	attributes := strings.Fields(`type required default description elements keys values fields entity_checks reference
		eq one_of between len_min len_max match match_any starts_with is_regex err referenceable encrypted`)
	visit(t, "", fieldsOf(t, dump(t))["config"], func(path string, node map[string]any) {
		for key := range node {
			if !slices.Contains(attributes, key) {
				t.Errorf("%s: attribute %q", path, key)
			}
		}
		text, described := node["description"].(string)
		if described && (len(text) < 10 || len(text) > 500) || !described && path != "" && !strings.HasSuffix(path, "[]") {
			t.Errorf("%s: description of %d characters", path, len(text))
		}
		if node["default"] != nil && node["required"] != true {
			t.Errorf("%s: a default without required", path)
		}
		checks, _ := node["entity_checks"].([]any)
		for i, check := range checks {
			for name, arg := range check.(map[string]any) {
				testCheck(t, fmt.Sprintf("%s entity check %d", path, i), fieldsOf(t, node), name, arg)
			}
		}
	})
}

func testCheck(t *testing.T, at string, fields map[string]map[string]any, name string, arg any) {
	t.Helper()
	conditions := strings.Fields(`required elements keys values eq ne gt between len_min contains not_one_of`)
	var names []any
	switch name {
	case "at_least_one_of", "mutually_exclusive", "mutually_required":
		names = arg.([]any)
	case "conditional", "conditional_at_least_one_of":
		arg := arg.(map[string]any)
		then, _ := arg["then_match"].(map[string]any)
		for _, key := range slices.Concat(slices.Collect(maps.Keys(arg["if_match"].(map[string]any))), slices.Collect(maps.Keys(then))) {
			if !slices.Contains(conditions, key) {
				t.Errorf("%s: condition %q", at, key)
			}
		}
		// Kong formats the text.
		if text, _ := arg["then_err"].(string); text == "" || strings.Contains(text, "%") {
			t.Errorf("%s: error %q", at, text)
		}
		names = append(names, arg["if_field"])
		if name == "conditional" {
			names = append(names, arg["then_field"])
		} else {
			names = append(names, arg["then_at_least_one_of"].([]any)...)
		}
	default:
		t.Errorf("%s: kind %q", at, name)
	}
	for i, field := range names {
		node := nodeAt(t, fields, field.(string))
		if node == nil || name != "conditional" && i > 0 && node["type"] == "boolean" {
			t.Errorf("%s: about %q, a %v", at, field, node["type"])
		}
	}
}

func TestFilesAreFresh(t *testing.T) {
	for file, want := range map[string]func(old []byte) ([]byte, error){
		"../../kong/schema.lua":       func([]byte) ([]byte, error) { return schema.Lua(plugin), nil },
		"../../docs/CONFIGURATION.md": func(old []byte) ([]byte, error) { return schema.Splice(old, schema.Markdown()) },
	} {
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := want(old)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(fresh), string(old)); diff != "" {
			t.Errorf("%s is stale, run go generate ./pkg/schema (-fresh +file):\n%s", file, diff)
		}
	}
}

func TestSpliceWantsOnePairOfMarkers(t *testing.T) {
	const begin, end = "<!-- generated -->\n", "<!-- end of generated -->\n"
	got, err := schema.Splice([]byte("a\n"+begin+"old\n"+end+"b\n"), []byte("new\n"))
	if want := "a\n" + begin + "new\n" + end + "b\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	for _, doc := range []string{"", begin, end, end + begin, begin + end + begin + end} {
		if _, err := schema.Splice([]byte(doc), nil); err == nil {
			t.Errorf("%q is accepted", doc)
		}
	}
}

// fieldsOf returns a record's fields by name; each of Kong's entries has one.
func fieldsOf(t *testing.T, record map[string]any) map[string]map[string]any {
	t.Helper()
	fields := map[string]map[string]any{}
	for _, entry := range record["fields"].([]any) {
		if len(entry.(map[string]any)) != 1 {
			t.Fatalf("field entry with %d names", len(entry.(map[string]any)))
		}
		for name, node := range entry.(map[string]any) {
			fields[name] = node.(map[string]any)
		}
	}
	return fields
}

// nodeAt returns the field at a dotted path, nil when there is none.
func nodeAt(t *testing.T, fields map[string]map[string]any, path string) map[string]any {
	t.Helper()
	name, rest, nested := strings.Cut(path, ".")
	if node := fields[name]; !nested || node == nil {
		return node
	}
	return nodeAt(t, fieldsOf(t, fields[name]), rest)
}

// visit calls f for a node and all below it, with paths as shape.Field.Walk has.
func visit(t *testing.T, path string, node map[string]any, f func(string, map[string]any)) {
	t.Helper()
	f(path, node)
	if node["fields"] != nil {
		for name, sub := range fieldsOf(t, node) {
			visit(t, shape.Join(path, name), sub, f)
		}
	}
	if elements, ok := node["elements"].(map[string]any); ok {
		visit(t, path+"[]", elements, f)
	}
}
