//go:build spec

package main

import (
	"fmt"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

// group is a part of the page.
type group struct {
	name  string // for -only, and in the page's markers
	title string
	run   func(*bench) ([]measure.Table, error)
}

// groups are in the order of the page.
var groups = []group{
	{"servers", "The server: ours and go-pdk's", serverTables},
	{"verdict", "The verdict alone", verdictTables},
	{"limiter", "The limiter", limiterTables},
	{"requests", "Whole requests", requestTables},
	{"growth", "Growth", growthTables},
	{"kong", "A real Kong", kongTables},
}

func names(groups []group) (list []string) {
	for _, g := range groups {
		list = append(list, g.name)
	}
	return list
}

// section measures a group and returns its part of the page. A group without
// tables says why.
func (g group) section(b *bench) (string, error) {
	tables, err := g.run(b)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "## %s\n\n", g.title)
	if len(tables) == 0 {
		out.WriteString(notRun)
		return out.String(), nil
	}
	for _, t := range tables {
		fmt.Fprintf(&out, "%s\n", t.Markdown())
	}
	fmt.Fprintf(&out, "%d rounds on %s, %s.\n", b.runs, time.Now().UTC().Format(time.DateOnly), b.machine)
	return out.String(), nil
}

// tables runs suites one after the other.
func tables(b *bench, suites ...measure.Suite) (all []measure.Table, err error) {
	for _, s := range suites {
		t, err := s.Run(b.runs)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}
