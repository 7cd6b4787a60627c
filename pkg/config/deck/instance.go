package deck

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

// instance checks the config of one plugin node.
func (c *checker) instance(plugin *yaml.Node, path string) {
	sources := []*yaml.Node{member(plugin, "config")}
	if use := member(plugin, "_config"); use != nil {
		shared := member(c.shared, use.Value)
		if shared == nil {
			c.add(use, path+"._config", "expected a name in _plugin_configs, got another")
			return
		}
		sources = append(sources, shared)
	}
	object := map[string]any{}
	for _, source := range sources {
		values, ok := decode(source)
		if !ok {
			c.add(source, path+".config", "expected a mapping with strings as keys, each of them once, got something else")
			return
		}
		for key, value := range values {
			if _, own := object[key]; !own { // decK fills in the absent keys only
				object[key] = value
			}
		}
	}
	pending := deferred(object)
	for _, p := range c.judge(object) {
		if !slices.Contains(pending, p.Path) {
			c.add(nearest(plugin, sources, p.Path), path+"."+p.Path, p.Message)
		}
	}
}

// decode turns a config node into plain values; no node is an empty config.
func decode(node *yaml.Node) (map[string]any, bool) {
	if node == nil || node.Tag == "!!null" {
		return nil, true
	}
	var values map[string]any
	err := node.Decode(&values)
	return values, err == nil
}

// judge returns what Kong's schema and the plugin itself have against a
// config, each path once, the schema's word first.
func (c *checker) judge(object map[string]any) []config.Problem {
	var found []config.Problem
	told := map[string]bool{}
	if c.schema != nil {
		filled, problems := c.schema.Process(object)
		for _, p := range problems {
			told[p.Path] = true
			found = append(found, p)
		}
		if filled != nil && len(problems) == 0 {
			object = filled
		}
	}
	data, err := json.Marshal(object)
	if err != nil {
		return append(found, config.Problem{Path: "config", Message: "expected values that JSON has, got others"})
	}
	_, err = config.Load(data)
	for _, p := range config.Problems(err) {
		if !told[p.Path] {
			found = append(found, p)
		}
	}
	return found
}

var (
	vaultReference = regexp.MustCompile(`^\{vault://[^{}]+\}$`) // as kong.vault.is_reference has it
	placeholder    = regexp.MustCompile(`\$\{\{\s*env\s`)
)

// deferred returns the paths of values that are filled in later: placeholders
// of decK anywhere, vault references where the schema allows them.
func deferred(object map[string]any) []string {
	var paths []string
	var walk func(path string, f *shape.Field, value any)
	walk = func(path string, f *shape.Field, value any) {
		switch value := value.(type) {
		case string:
			if placeholder.MatchString(value) || f != nil && f.Referenceable && vaultReference.MatchString(value) {
				paths = append(paths, path)
			}
		case []any:
			for i, element := range value {
				walk(shape.At(path, i), elementOf(f), element)
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(value)) {
				sub := elementOf(f)
				if f != nil && f.Type == shape.Record {
					sub = f.Field(key)
				}
				walk(shape.Join(path, key), sub, value[key])
			}
		}
	}
	walk("config", config.Shape(), object)
	return paths
}

func elementOf(f *shape.Field) *shape.Field {
	if f == nil {
		return nil
	}
	return f.Elem
}

// nearest finds the node at a problem's path, or the deepest one above it: in
// the plugin's own config first, else in the shared one.
func nearest(plugin *yaml.Node, sources []*yaml.Node, path string) *yaml.Node {
	best, depth := plugin, 0
	for _, source := range sources {
		if node, n := descend(source, strings.TrimPrefix(strings.TrimPrefix(path, "config"), ".")); n > depth {
			best, depth = node, n
		}
	}
	if config := resolve(sources[0]); depth == 0 && config != nil {
		return config
	}
	return best
}
