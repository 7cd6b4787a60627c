package files_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// page is a Markdown file: its code blocks, and the lines outside of them.
type page struct {
	name   string
	blocks []block
	prose  []line
}

type line struct {
	page string
	n    int // from 1
	text string
}

func (l line) at() string { return fmt.Sprintf("%s:%d", l.page, l.n) }

// block is a fenced code block without its indentation.
type block struct {
	line // of its first line; text holds all of them
	kind string
}

// pages reads every page of the project.
func pages(t *testing.T) (all []page) {
	t.Helper()
	for _, name := range append([]string{"README.md", "SECURITY.md", "CHANGELOG.md"}, under(t, "docs", ".md")...) {
		all = append(all, parsePage(name, read(t, name)))
	}
	return all
}

func readPage(t *testing.T, name string) page {
	t.Helper()
	return parsePage(name, read(t, name))
}

var fence = regexp.MustCompile("^( *)```(.*)$")

func parsePage(name, text string) page {
	p := page{name: name}
	var open *block
	var indent string
	for i, s := range strings.Split(text, "\n") {
		m := fence.FindStringSubmatch(s)
		switch {
		case open == nil && m == nil:
			p.prose = append(p.prose, line{name, i + 1, s})
		case open == nil:
			indent = m[1]
			open = &block{line: line{page: name, n: i + 2}, kind: m[2]}
		case m != nil && m[2] == "":
			p.blocks = append(p.blocks, *open)
			open = nil
		default:
			open.text += strings.TrimPrefix(s, indent) + "\n"
		}
	}
	if open != nil { // never closed: let its checker see it
		p.blocks = append(p.blocks, *open)
	}
	return p
}

// row is a line of a table: its cells by the table's column names.
type row struct {
	line
	cells map[string]string
}

// table returns the rows of the one table with these columns.
func (p page) table(t *testing.T, columns ...string) (rows []row) {
	t.Helper()
	want := "| " + strings.Join(columns, " | ") + " |"
	inside := false
	for _, l := range p.prose {
		switch {
		case l.text == want:
			inside = true
		case !strings.HasPrefix(l.text, "|"):
			inside = false
		case inside && !strings.HasPrefix(l.text, "|--"):
			cells := strings.Split(strings.Trim(l.text, "|"), "|")
			if len(cells) != len(columns) {
				t.Fatalf("%s: expected %d cells, got %d", l.at(), len(columns), len(cells))
			}
			r := row{l, map[string]string{}}
			for i, c := range columns {
				r.cells[c] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s: expected a table %s, got none", p.name, want)
	}
	return rows
}

var quoted = regexp.MustCompile("`([^`]+)`")

// words returns what stands in back quotes.
func words(text string) (all []string) {
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

var notInAnchor = regexp.MustCompile(`[^a-z0-9 _-]`)

// anchors are the names under which headings can be linked to.
func (p page) anchors() map[string]bool {
	all := map[string]bool{}
	for _, l := range p.prose {
		if title := strings.TrimLeft(l.text, "#"); title != l.text {
			all[strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")] = true
		}
	}
	return all
}

func TestPagesAreParsed(t *testing.T) {
	p := parsePage("x.md", "# A `b` c\n\n- item\n\n  ```yaml\n  a:\n    - b\n  ```\n\n| x | y |\n|---|---|\n| `1` | 2 |\n```\nopen\n")
	if len(p.blocks) != 2 || p.blocks[0].kind != "yaml" || p.blocks[0].text != "a:\n  - b\n" || p.blocks[0].n != 6 {
		t.Errorf("blocks %+v", p.blocks)
	}
	if !p.anchors()["a-b-c"] {
		t.Errorf("anchors %v", p.anchors())
	}
	if rows := p.table(t, "x", "y"); len(rows) != 1 || rows[0].cells["y"] != "2" || rows[0].n != 12 || words(rows[0].cells["x"])[0] != "1" {
		t.Errorf("rows %+v", rows)
	}
}
