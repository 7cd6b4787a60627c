package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/config/deck"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
	"kong-plugin-auth-diagnosis/pkg/schema"
)

// check prints every problem of every instance in a deck file, a line each, and
// returns the exit code: 1 when there are problems, or nothing to check.
func check(file string, stdout, stderr io.Writer) int {
	in, err := os.Open(file)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 1
	}
	defer in.Close()
	kong, err := kongSchema()
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 1
	}
	report := deck.Check(in, file, name, kong)
	for _, p := range report.Problems {
		fmt.Fprintln(stdout, p.Error())
	}
	switch {
	case len(report.Problems) > 0:
		return 1
	case report.Instances == 0:
		fmt.Fprintf(stderr, "%s: %s: expected an instance of %q, found none\n", name, file, name)
		return 1
	}
	fmt.Fprintf(stdout, "%s: %d of %d instances are good\n", file, report.Instances, report.Instances)
	return 0
}

// checker runs Kong's own rules for each field, as a gateway would at load.
type checker struct{ schema *subschema.Schema }

var _ deck.Checker = checker{}

// entityChecks is where a schema says which fields do not go together.
const entityChecks = "entity_checks"

// kongSchema leaves the entity checks out. The plugin's rules have all of them,
// and tell each at the field that it is about and with what was got; Kong blames
// the record, and of a conditional check one of the two fields besides.
func kongSchema() (checker, error) {
	text, err := json.Marshal(schema.Kong(name))
	if err != nil {
		return checker{}, err
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return checker{}, err
	}
	dropEntityChecks(tree)
	if text, err = json.Marshal(tree); err != nil {
		return checker{}, err
	}
	s, err := subschema.Load(text)
	return checker{s}, err
}

// dropEntityChecks removes them from a node of a schema and from all below it.
func dropEntityChecks(node any) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			dropEntityChecks(element)
		}
	case map[string]any:
		delete(node, entityChecks)
		for _, value := range node {
			dropEntityChecks(value)
		}
	}
}

// Process implements [deck.Checker].
func (c checker) Process(in map[string]any) (map[string]any, []config.Problem) {
	filled, errs := c.schema.Process(in)
	var problems []config.Problem
	for _, line := range errs.Lines() {
		path, message, ok := strings.Cut(line, ": ")
		if !ok {
			path, message = "config", line
		}
		problems = append(problems, config.Problem{Path: path, Message: message})
	}
	return filled, problems
}
