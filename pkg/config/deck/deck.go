// Package deck checks the plugin's configuration in deck files, before they
// reach a gateway. [Check] finds every instance of the plugin, wherever the
// file attaches it, and reports all problems with file, line and path.
//
// What it reads is the declarative format 3.0 of decK and of DB-less Kong:
// plugins at top level, under services, routes, consumers and consumer groups,
// and decK's shared _plugin_configs. Values that another tool fills in later (a
// vault reference, decK's ${{ env "…" }}) are not judged.
package deck

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"kong-plugin-auth-diagnosis/pkg/config"
)

// A Checker validates a plugin's config against Kong's schema of it, each field
// by itself: types, unknown fields, closed lists and so on. Fields that do not go
// together are left to the rules of [config.Load], which name the field at fault,
// or such a problem would be told at two paths. Paths of problems begin with
// "config"; filled is the configuration with Kong's defaults, or nil.
type Checker interface {
	Process(config map[string]any) (filled map[string]any, problems []config.Problem)
}

// A Problem is one thing that is wrong in a file.
type Problem struct {
	File    string
	Line    int    // of the nearest node that is in the file; 0: the file as a whole
	Path    string // "services[orders].plugins[0].config.leeway"
	Message string
}

// Error renders the problem as "file:line: path: message".
func (p Problem) Error() string {
	at := p.File
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Path == "" {
		return at + ": " + p.Message
	}
	return at + ": " + p.Path + ": " + p.Message
}

// A Report is what [Check] found.
type Report struct {
	Instances int       // of the plugin, disabled ones included
	Problems  []Problem // by line
}

// maxFile bounds a deck file, in bytes.
const maxFile = 16 << 20

// Check reads a deck file and checks each instance of the plugin called name.
// file stands in the problems only. A nil schema leaves Kong's own checks out:
// config.Load repeats most of them.
func Check(r io.Reader, file, name string, schema Checker) Report {
	c := checker{name: name, file: file, schema: schema}
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		c.add(nil, "", "cannot be read: "+err.Error())
	case len(data) > maxFile:
		c.add(nil, "", fmt.Sprintf("expected at most %d bytes, got more", maxFile))
	default:
		c.document(data)
	}
	slices.SortStableFunc(c.report.Problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return c.report
}

type checker struct {
	name, file string
	schema     Checker
	shared     *yaml.Node // _plugin_configs
	entities   int        // visited so far
	report     Report
}

func (c *checker) add(at *yaml.Node, path, message string) {
	p := Problem{File: c.file, Path: path, Message: message}
	if at != nil {
		p.Line = at.Line
	}
	c.report.Problems = append(c.report.Problems, p)
}

const formatVersion = "3.0"

func (c *checker) document(data []byte) {
	var doc, second yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(data))
	if err := in.Decode(&doc); err != nil && err != io.EOF {
		c.add(nil, "", "not YAML: "+strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	if err := in.Decode(&second); err != io.EOF {
		c.add(&second, "", "expected one YAML document, got another after it: the gateway reads the first only")
	}
	top := resolve(&doc)
	if top == nil || top.Kind != yaml.MappingNode {
		c.add(top, "", "expected a mapping at top level, got none")
		return
	}
	switch version := member(top, "_format_version"); {
	case version == nil:
		c.add(top, "_format_version", fmt.Sprintf("expected %q, got none", formatVersion))
	case version.Value != formatVersion || version.Tag != "!!str":
		c.add(version, "_format_version", fmt.Sprintf("expected the string %q, got %s %s", formatVersion, version.ShortTag()[2:], version.Value))
	}
	c.shared = member(top, "_plugin_configs")
	c.entity(top, "", "", maxDepth)
	if c.entities > maxEntities {
		c.add(nil, "", fmt.Sprintf("expected at most %d entities, got more", maxEntities))
	}
}

// Bounds of what is visited: aliases make files of any size, or none, of a few
// lines. The format itself nests routes in services and no deeper.
const (
	maxDepth    = 4
	maxEntities = 100_000
)

// children are the lists of entities that hold plugins, or entities that do.
var children = []string{"services", "routes", "consumers", "consumer_groups"}

// entity checks the plugins of a node and of the entities nested in it. never
// is why a plugin does not run there, "" where it does.
func (c *checker) entity(node *yaml.Node, path, never string, depth int) {
	if c.entities++; depth == 0 || c.entities > maxEntities {
		return
	}
	for i, plugin := range list(member(node, "plugins")) {
		c.plugin(plugin, fmt.Sprintf("%splugins[%d]", path, i), never)
	}
	for _, kind := range children {
		never := never
		if kind == "consumers" || kind == "consumer_groups" {
			never = "the plugin never runs here: it decides before a consumer is known; attach it to a service or a route"
		}
		for i, child := range list(member(node, kind)) {
			c.entity(child, fmt.Sprintf("%s%s[%s].", path, kind, label(child, i)), never, depth-1)
		}
	}
}

// label names an entity in a path: by name, or by its position from 0.
func label(entity *yaml.Node, i int) string {
	for _, key := range []string{"name", "username", "id"} {
		if v := member(entity, key); v != nil && v.Kind == yaml.ScalarNode && v.Value != "" {
			return v.Value
		}
	}
	return fmt.Sprint(i)
}

func (c *checker) plugin(node *yaml.Node, path, never string) {
	name := member(node, "name")
	if name == nil || name.Value != c.name {
		return
	}
	c.report.Instances++
	if never != "" {
		c.add(name, path, never)
	}
	for _, key := range []string{"consumer", "consumer_group"} {
		if v := member(node, key); v != nil && v.Tag != "!!null" {
			c.add(v, path+"."+key, "expected no "+key+", got one: the plugin decides before a consumer is known")
		}
	}
	c.instance(node, path)
}
