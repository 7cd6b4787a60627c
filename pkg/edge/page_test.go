package edge_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/edge"
)

// The lines of docs/EDGE.md between which the table of signs stands.
const (
	page       = "../../docs/EDGE.md"
	tableBegin = "<!-- go test ./pkg/edge -run TestPageListsTheSigns -update -->\n"
	tableEnd   = "<!-- end -->\n"
)

// TestPageListsTheSigns: the page's table is the table of signs. -update writes it.
func TestPageListsTheSigns(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableBegin)
	got, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		t.Fatalf("%s: expected a table between %q and %q", page, tableBegin, tableEnd)
	}
	want := table()
	if *update {
		if err := os.WriteFile(page, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s, repair with -update (-want +got):\n%s", page, diff)
	}
}

// table writes a line for each sign that has a trace of its own to show; two in
// a row that say the same share one.
func table() string {
	b := strings.Builder{}
	b.WriteString("\n| code | trace | what it says |\n|---|---|---|\n")
	signs := edge.Signs()
	for i := 0; i < len(signs); i++ {
		s := signs[i]
		if s.Trace == "" {
			continue
		}
		trace := s.Trace
		for i+1 < len(signs) && signs[i+1].Says == s.Says {
			i++
			trace += ", " + signs[i].Trace
		}
		var codes []string
		for _, c := range s.Codes {
			codes = append(codes, "`"+string(c)+"`")
		}
		b.WriteString("| " + strings.Join(codes, ", ") + " | " + trace + " | " + s.Says + ". Look at " + s.Look + ": " + s.Fix + " |\n")
	}
	return b.String() + "\n"
}
