package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// samples are values by series with labels, as the page spells them.
type samples map[string]float64

var (
	helpLine   = regexp.MustCompile(`^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$`)
	typeLine   = regexp.MustCompile(`^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)$`)
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? ([^ ]+)$`)
	labels     = regexp.MustCompile(`^\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*")*\}$`)
	labelName  = regexp.MustCompile(`[{,]([a-zA-Z_][a-zA-Z0-9_]*)="`)
)

// parsePage reads a page of the text format 0.0.4 and is stricter than Prometheus: each
// series has its help, its type and then its samples, in one place; a counter's name
// ends in _total and no gauge's does; nothing is there twice.
func parsePage(text string) (all samples, kinds map[string]string, err error) {
	all, kinds = samples{}, map[string]string{}
	helped, series := "", ""
	if !strings.HasSuffix(text, "\n") {
		return nil, nil, fmt.Errorf("the last line has no end")
	}
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		fail := func(why string) (samples, map[string]string, error) {
			return nil, nil, fmt.Errorf("line %d, %q: %s", n+1, line, why)
		}
		if m := helpLine.FindStringSubmatch(line); m != nil {
			if helped = m[1]; kinds[helped] != "" || m[2] == "" {
				return fail("help that is not for a new series, or says nothing")
			}
			continue
		}
		if m := typeLine.FindStringSubmatch(line); m != nil {
			if series = m[1]; series != helped || kinds[series] != "" {
				return fail("a type that does not follow its help")
			}
			if kinds[series] = m[2]; strings.HasSuffix(series, "_total") != (m[2] == "counter") {
				return fail("a name that does not fit the type")
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		switch {
		case m == nil:
			return fail("neither help nor type nor sample")
		case m[1] != series || helped != series:
			return fail("a sample of another series")
		case m[2] != "" && !labels.MatchString(m[2]):
			return fail("labels that are not well-formed")
		}
		if _, twice := all[m[1]+m[2]]; twice {
			return fail("a sample that was there before")
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return fail("a value that is no number")
		}
		all[m[1]+m[2]] = value
	}
	return all, kinds, nil
}

func TestTheParserIsStrict(t *testing.T) {
	const head = "# HELP a_total b\n# TYPE a_total counter\n"
	for text, good := range map[string]bool{
		head + "a_total 1\n": true,
		head + "a_total{x=\"1\",y=\"\\\\ \\\" \\n\"} 1e+06\n": true,
		head:                            true,
		head + "a_total 1":              false,
		head + "a_total 1\na_total 2\n": false,
		head + "a_total{x=\"1\"} 1\na_total{x=\"1\"} 1\n": false,
		head + "b_total 1\n":                              false,
		head + "a_total one\n":                            false,
		head + "a_total  1\n":                             false,
		head + "a_total{x=\"\"\"} 1\n":                    false,
		head + "a_total{x=\"\\t\"} 1\n":                   false,
		head + "a_total{x=1} 1\n":                         false,
		head + "a_total{} 1\n":                            false,
		head + "\n":                                       false,
		head + head:                                       false,
		"a_total 1\n":                                     false,
		"# TYPE a_total counter\na_total 1\n":             false,
		"# HELP a b\n# TYPE a counter\n":                  false,
		"# HELP a_total b\n# TYPE a_total gauge\n":        false,
		"# HELP a_total b\n# TYPE a_total histogram\n":    false,
	} {
		if _, _, err := parsePage(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
