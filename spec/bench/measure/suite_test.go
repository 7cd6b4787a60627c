package measure_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

var update = flag.Bool("update", false, "write the golden files")

// series gives out its values one after the other, and notes that it was asked.
func series(asked *[]string, name string, samples ...measure.Sample) func() (measure.Sample, error) {
	return func() (measure.Sample, error) {
		*asked = append(*asked, name)
		s := samples[0]
		samples = samples[1:]
		return s, nil
	}
}

func suite(asked *[]string) measure.Suite {
	return measure.Suite{
		Title:   "Cost",
		Notes:   []string{"What it is."},
		Columns: []string{"CPU, µs", "latency, µs"},
		Ratios:  []int{0},
		Cases: []measure.Case{
			{Name: "theirs", Measure: series(asked, "theirs", measure.Sample{999, 999}, measure.Sample{100, 10}, measure.Sample{200, 20}, measure.Sample{400, 30})},
			{Name: "ours", Against: "theirs", Goal: 0.75, Measure: series(asked, "ours", measure.Sample{1, 1}, measure.Sample{50, 10}, measure.Sample{120, 20}, measure.Sample{200, 60})},
			{Name: "slow", Against: "theirs", Goal: 0.75, Measure: series(asked, "slow", measure.Sample{1, 1}, measure.Sample{100, 10}, measure.Sample{300, 20}, measure.Sample{800, 60})},
			{Name: "alone", Goal: 2, Measure: series(asked, "alone", measure.Sample{1, 1}, measure.Sample{2, 0}, measure.Sample{2, 0}, measure.Sample{2, 0})},
		},
	}
}

func TestCasesAreMeasuredInTurn(t *testing.T) {
	var asked []string
	table, err := suite(&asked).Run(3)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(asked, " "), strings.TrimSpace(strings.Repeat("theirs ours slow alone ", 4)); got != want {
		t.Errorf("got order %q, expected %q", got, want)
	}
	if got, want := table.Rows[0].Values[0], (measure.Summary{Median: 200, Min: 100, Max: 400, N: 3}); got != want {
		t.Errorf("the round that warms up counts: got %+v, expected %+v", got, want)
	}
	// 0.5, 0.6, 0.5: of each round, not of the medians.
	if got, want := table.Rows[1].Ratios, []measure.Summary{{Median: 0.5, Min: 0.5, Max: 0.6, N: 3}}; !cmp.Equal(got, want) {
		t.Errorf("ratios: %s", cmp.Diff(want, got))
	}
}

func TestGoals(t *testing.T) {
	var asked []string
	table, err := suite(&asked).Run(3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		value   float64
		met, ok bool
	}{{0, false, false}, {0.5, true, true}, {1.5, false, true}, {2, true, true}} {
		value, met, ok := table.Rows[i].Met()
		if value != want.value || met != want.met || ok != want.ok {
			t.Errorf("%s: got %v %v %v, expected %+v", table.Rows[i].Name, value, met, ok, want)
		}
	}
}

func TestTableAsMarkdown(t *testing.T) {
	var asked []string
	table, err := suite(&asked).Run(3)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "compared.md", table.Markdown())
	plain := suite(&asked)
	plain.Cases = plain.Cases[3:]
	plain.Cases[0].Goal = 0
	plain.Cases[0].Measure = series(&asked, "", measure.Sample{1, 1}, measure.Sample{2, 3})
	if table, err = plain.Run(1); err != nil {
		t.Fatal(err)
	}
	golden(t, "plain.md", table.Markdown())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestARatioToNothingIsLeftOut(t *testing.T) {
	var asked []string
	table, err := measure.Suite{Title: "t", Columns: []string{"c"}, Ratios: []int{0}, Cases: []measure.Case{
		{Name: "a", Measure: series(&asked, "a", measure.Sample{0}, measure.Sample{0})},
		{Name: "b", Against: "a", Goal: 1, Measure: series(&asked, "b", measure.Sample{1}, measure.Sample{1})},
	}}.Run(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := table.Rows[1].Met(); ok || table.Rows[1].Ratios[0].N != 0 {
		t.Errorf("got %+v", table.Rows[1])
	}
}

func TestSuitesThatCannotRun(t *testing.T) {
	fine := func() (measure.Sample, error) { return measure.Sample{1}, nil }
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		cases []measure.Case
		want  error
	}{
		"no case":                {nil, measure.ErrNoCase},
		"one name twice":         {[]measure.Case{{Name: "a", Measure: fine}, {Name: "a", Measure: fine}}, measure.ErrTwice},
		"a baseline not there":   {[]measure.Case{{Name: "a", Against: "b", Measure: fine}}, measure.ErrBaseline},
		"a sample of other size": {[]measure.Case{{Name: "a", Measure: func() (measure.Sample, error) { return measure.Sample{1, 2}, nil }}}, measure.ErrColumns},
		"a failed measurement":   {[]measure.Case{{Name: "a", Measure: func() (measure.Sample, error) { return nil, broken }}}, broken},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := measure.Suite{Title: "t", Columns: []string{"c"}, Cases: c.cases}.Run(1)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, expected %v", err, c.want)
			}
		})
	}
}
