package edge_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/edge"
)

// observation is a line of testdata/observed.json: something that hops have been
// observed to do to a credential or to what goes with it.
type observation struct {
	// ID counts: A for what is done, P for marks that hops leave by passing, X
	// for traces of other origin.
	ID string
	// Grade is how much a trace says where it was observed: definite if nothing
	// else writes it, strong, weak, or none if there is nothing to find. What is
	// shown is capped: a client can write every trace.
	Grade string
	What  string
	// By names what tells of it: a row of one of this package's tables (sign,
	// candidate, mark), a code or a finding that is given without a trace, or what
	// the decision table makes of it with a witness.
	By []string
	// Unseen says why a plugin in the access phase cannot see it, or not all.
	Unseen string
}

// observedKinds are how many lines of each kind of ID there are.
var observedKinds = map[string]int{"A": 69, "P": 8, "X": 2}

// TestEveryObservationIsCovered: nothing that was observed goes missing silently,
// and no row of the tables is there without an observation.
func TestEveryObservationIsCovered(t *testing.T) {
	text, err := os.ReadFile("testdata/observed.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []observation
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	known := evidence()
	referred := map[string]bool{}
	got := map[string]bool{}
	for _, o := range all {
		if got[o.ID] {
			t.Errorf("%s stands there twice", o.ID)
		}
		got[o.ID] = true
		if !slices.Contains([]string{"definite", "strong", "weak", "none"}, o.Grade) || o.What == "" {
			t.Errorf("%s: expected a grade and what happens, got %+v", o.ID, o)
		}
		if len(o.By) == 0 && o.Unseen == "" {
			t.Errorf("%s: expected what tells of it, or why nothing can", o.ID)
		}
		for _, by := range o.By {
			referred[by] = true
			if !known[by] {
				t.Errorf("%s: there is no %q", o.ID, by)
			}
			// A weak trace may only make a candidate, unless another line has the sign.
			if strings.HasPrefix(by, "sign ") && o.Grade == "weak" && len(o.By) == 1 {
				t.Errorf("%s: weak, and accuses by %q", o.ID, by)
			}
		}
	}
	for kind, n := range observedKinds {
		for i := range n {
			if id := fmt.Sprint(kind, i+1); !got[id] {
				t.Errorf("expected a line %s", id)
			}
		}
		if len(slices.Collect(keysWith(got, kind))) != n {
			t.Errorf("expected %d lines %s, got others too", n, kind)
		}
	}
	for by := range known {
		if table, _, _ := strings.Cut(by, " "); slices.Contains([]string{"sign", "candidate", "mark"}, table) && !referred[by] {
			t.Errorf("no observation speaks of the %s", by)
		}
	}
}

func keysWith(m map[string]bool, prefix string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if strings.HasPrefix(key, prefix) && !yield(key) {
				return
			}
		}
	}
}

// evidence lists all that an observation can refer to.
func evidence() map[string]bool {
	known := map[string]bool{"witness none": true} // no member: unknown, whatever is gone
	for _, s := range edge.Signs() {
		known["sign "+s.Name] = true
	}
	for _, name := range edge.CandidateNames() {
		known["candidate "+name] = true
	}
	for _, name := range edge.MarkNames() {
		known["mark "+name] = true
	}
	for _, row := range diagnosis.Rows() {
		known["code "+string(row.Code)] = true
		known["witness "+string(row.Code)] = true
	}
	for _, name := range diagnosis.FindingNames() {
		known["finding "+string(name)] = true
	}
	return known
}

// TestNamesAreUnique within each table.
func TestNamesAreUnique(t *testing.T) {
	var signs []string
	for _, s := range edge.Signs() {
		signs = append(signs, s.Name)
		for what, text := range map[string]string{"says": s.Says, "look": s.Look, "fix": s.Fix} {
			if text == "" || diagnosis.Clean(text, 200) != text {
				t.Errorf("%s: %s %q must be there and plain ASCII", s.Name, what, text)
			}
		}
	}
	for table, names := range map[string][]string{"signs": signs, "candidates": edge.CandidateNames(), "marks": edge.MarkNames()} {
		slices.Sort(names)
		if n := len(slices.Compact(slices.Clone(names))); n != len(names) {
			t.Errorf("%s: two of one name in %q", table, names)
		}
	}
}
