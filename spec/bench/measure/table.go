package measure

import (
	"fmt"
	"strings"
)

// Table is the outcome of a Suite.
type Table struct {
	Title   string
	Notes   []string
	Columns []string
	Ratios  []string // names of the columns that ratios are of
	Rows    []Row
}

// Row is the outcome of a Case. Ratios is empty for one that is not compared.
type Row struct {
	Name, Against string
	Goal          float64
	Values        []Summary
	Ratios        []Summary
}

// Met returns the value that the goal is about and whether it is met. Without a
// goal there is nothing to meet, and ok is false.
func (r Row) Met() (value float64, met, ok bool) {
	of := r.Values
	if r.Against != "" {
		of = r.Ratios
	}
	if r.Goal == 0 || len(of) == 0 || of[0].N == 0 {
		return 0, false, false
	}
	return of[0].Median, of[0].Median <= r.Goal, true
}

// Markdown returns the table under a heading of the third level.
func (t Table) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", t.Title)
	for _, note := range t.Notes {
		fmt.Fprintf(&b, "%s\n\n", note)
	}
	compared, goals := t.compared(), t.goals()
	head := append([]string{""}, t.Columns...)
	if compared {
		for _, name := range t.Ratios {
			quantity, _, _ := strings.Cut(name, ",") // without the unit
			head = append(head, "ratio: "+quantity)
		}
		head = append(head, "to")
	}
	if goals {
		head = append(head, "goal")
	}
	line(&b, head)
	rule(&b, head)
	for _, r := range t.Rows {
		cells := append([]string{r.Name}, texts(r.Values, len(t.Columns))...)
		if compared {
			cells = append(append(cells, texts(r.Ratios, len(t.Ratios))...), r.Against)
		}
		if goals {
			cells = append(cells, r.goal())
		}
		line(&b, cells)
	}
	return b.String()
}

// compared reports whether any row has ratios.
func (t Table) compared() bool {
	for _, r := range t.Rows {
		if len(r.Ratios) > 0 {
			return true
		}
	}
	return false
}

func (t Table) goals() bool {
	for _, r := range t.Rows {
		if r.Goal != 0 {
			return true
		}
	}
	return false
}

func (r Row) goal() string {
	_, met, ok := r.Met()
	switch {
	case !ok:
		return ""
	case met:
		return fmt.Sprintf("≤ %s: met", figure(r.Goal))
	}
	return fmt.Sprintf("≤ %s: missed", figure(r.Goal))
}

// texts returns n cells; summaries that are missing leave theirs empty.
func texts(summaries []Summary, n int) []string {
	cells := make([]string, n)
	for i, s := range summaries {
		cells[i] = s.String()
	}
	return cells
}

func line(b *strings.Builder, cells []string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// rule ends the head: names to the left, figures to the right.
func rule(b *strings.Builder, head []string) {
	b.WriteString("|---|")
	for _, name := range head[1:] {
		if name == "to" || name == "goal" {
			b.WriteString("---|")
		} else {
			b.WriteString("--:|")
		}
	}
	b.WriteString("\n")
}
