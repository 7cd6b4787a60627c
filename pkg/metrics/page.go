// Package metrics writes what a process counts as a page that Prometheus reads: its
// text format, version 0.0.4.
//
// [Page] is the page: [Page.Begin] begins a series and [Page.Add] gives it a value.
// [ReadProcess] looks at the process itself, the way that the usual clients do and under
// the names that their dashboards know.
//
// Prometheus's own client does that too, and more: registries, histograms, protobuf.
// Numbers that are kept anyway need none of it to be printed, and it adds three quarters
// of a megabyte to a program that has to stay below 15 and is not far from them.
package metrics

import (
	"strconv"
	"strings"
)

// ContentType is the page's, with the version of the format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Kind is what the numbers of a series mean.
type Kind string

// Kinds.
const (
	Counter Kind = "counter" // only grows while the process lives; its name ends in _total
	Gauge   Kind = "gauge"   // goes up and down
)

// Label is a name and a value that tell the samples of a series apart.
type Label struct{ Name, Value string }

// Page is a page in the making. The zero Page is empty and ready to use. Names and help
// are the program's own words; a label's value may be any text in UTF-8.
type Page struct {
	text   []byte
	series string // the series that Add adds to
}

// Begin begins a series.
func (p *Page) Begin(kind Kind, name, help string) {
	p.series = name
	for _, s := range []string{"# HELP ", name, " ", helpEscapes.Replace(help), "\n# TYPE ", name, " ", string(kind), "\n"} {
		p.text = append(p.text, s...)
	}
}

// Add adds a sample to the series that was begun last. Within a series no two samples
// may have the same labels.
func (p *Page) Add(value float64, labels ...Label) {
	p.text = append(p.text, p.series...)
	separator := byte('{')
	for _, l := range labels {
		p.text = append(append(append(p.text, separator), l.Name...), `="`...)
		p.text = append(append(p.text, valueEscapes.Replace(l.Value)...), '"')
		separator = ','
	}
	if len(labels) > 0 {
		p.text = append(p.text, '}')
	}
	p.text = append(p.text, ' ')
	// NaN and the infinities are spelled in the format as they are here.
	p.text = strconv.AppendFloat(p.text, value, 'g', -1, 64)
	p.text = append(p.text, '\n')
}

// Bytes returns the page so far, until the next call of another method.
func (p *Page) Bytes() []byte { return p.text }

// What the format escapes, in a help text and in a label's value.
var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	valueEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)
