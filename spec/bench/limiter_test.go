//go:build spec

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTheLimiterHasATableForEachStore: every store that the configuration can
// name is measured, and every row has figures.
func TestTheLimiterHasATableForEachStore(t *testing.T) {
	b, err := newBench(t.Context(), few)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	tables, err := limiterTables(b)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, table := range tables {
		for _, r := range table.Rows {
			got[table.Title] = append(got[table.Title], r.Name)
			if took := r.Values[0]; took.N != few.runs || took.Median <= 0 {
				t.Errorf("%s: %s: expected the time of %d rounds, got %+v", table.Title, r.Name, few.runs, took)
			}
		}
	}
	want := map[string][]string{
		"In memory": {"allowed, one key", "allowed, 100,000 keys", "denied, one key"},
		"In Redis": {
			"asynchronous, one goroutine", "asynchronous, two goroutines",
			"strict, one goroutine", "strict, two goroutines",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
