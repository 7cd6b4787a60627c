package measure

import (
	"errors"
	"fmt"
	"slices"
)

// Errors of a Suite's author.
var (
	ErrNoCase   = errors.New("suite has no case")
	ErrTwice    = errors.New("two cases have one name")
	ErrBaseline = errors.New("case is compared with one that is not there")
	ErrColumns  = errors.New("sample does not fit the columns")
)

// Sample is one measurement: a value for each of the suite's columns.
type Sample []float64

// Case is one line of a table.
type Case struct {
	Name string
	// Against names the case that this one is compared with; "" for none.
	Against string
	// Goal is the most that is hoped for: of the first ratio when there is
	// Against, of the first column otherwise. 0 is no goal.
	Goal float64
	// Measure makes one measurement.
	Measure func() (Sample, error)
}

// Suite is a set of cases that are measured in turn.
type Suite struct {
	Title string
	Notes []string // paragraphs: what is measured, and what is left out
	// Columns name the values of a sample, with the unit.
	Columns []string
	// Ratios are the columns of which ratios are shown.
	Ratios []int
	Cases  []Case
}

// Run measures every case once to warm up, which is thrown away, and then runs
// times in turn: A B C A B C. It ends at the first error.
func (s Suite) Run(runs int) (Table, error) {
	if err := s.check(); err != nil {
		return Table{}, fmt.Errorf("%s: %w", s.Title, err)
	}
	rounds := make([][]Sample, len(s.Cases)) // by case, then by round
	for round := range runs + 1 {
		for i, c := range s.Cases {
			sample, err := c.Measure()
			if err == nil && len(sample) != len(s.Columns) {
				err = fmt.Errorf("%w: expected %d values, got %d", ErrColumns, len(s.Columns), len(sample))
			}
			if err != nil {
				return Table{}, fmt.Errorf("%s: %s: %w", s.Title, c.Name, err)
			}
			if round > 0 {
				rounds[i] = append(rounds[i], sample)
			}
		}
	}
	return s.table(rounds), nil
}

func (s Suite) check() error {
	if len(s.Cases) == 0 {
		return ErrNoCase
	}
	for i, c := range s.Cases {
		if s.index(c.Name) != i {
			return fmt.Errorf("%w: %q", ErrTwice, c.Name)
		}
		if c.Against != "" && s.index(c.Against) < 0 {
			return fmt.Errorf("%w: %q with %q", ErrBaseline, c.Name, c.Against)
		}
	}
	return nil
}

func (s Suite) index(name string) int {
	return slices.IndexFunc(s.Cases, func(c Case) bool { return c.Name == name })
}

// table summarises the rounds of each case.
func (s Suite) table(rounds [][]Sample) Table {
	t := Table{Title: s.Title, Notes: s.Notes, Columns: s.Columns}
	for _, column := range s.Ratios {
		t.Ratios = append(t.Ratios, s.Columns[column])
	}
	for i, c := range s.Cases {
		row := Row{Name: c.Name, Against: c.Against, Goal: c.Goal}
		for column := range s.Columns {
			row.Values = append(row.Values, Summarize(pick(rounds[i], column)))
		}
		if c.Against != "" {
			base := rounds[s.index(c.Against)]
			for _, column := range s.Ratios {
				row.Ratios = append(row.Ratios, Summarize(quotients(pick(rounds[i], column), pick(base, column))))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func pick(samples []Sample, column int) (values []float64) {
	for _, s := range samples {
		values = append(values, s[column])
	}
	return values
}

// quotients divides round by round. A round in which the baseline came out as
// nothing has no ratio.
func quotients(values, base []float64) (ratios []float64) {
	for i, v := range values {
		if base[i] > 0 {
			ratios = append(ratios, v/base[i])
		}
	}
	return ratios
}
