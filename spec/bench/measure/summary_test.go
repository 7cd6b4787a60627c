package measure_test

import (
	"testing"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

func TestSummaryOfASeries(t *testing.T) {
	for name, c := range map[string]struct {
		values []float64
		want   measure.Summary
		text   string
	}{
		"nothing":              {nil, measure.Summary{}, ""},
		"one value":            {[]float64{3}, measure.Summary{Median: 3, Min: 3, Max: 3, N: 1}, "3"},
		"odd, in no order":     {[]float64{9, 1, 5}, measure.Summary{Median: 5, Min: 1, Max: 9, N: 3}, "5 (1–9)"},
		"even":                 {[]float64{1, 2, 4, 8}, measure.Summary{Median: 3, Min: 1, Max: 8, N: 4}, "3 (1–8)"},
		"an outlier":           {[]float64{1, 1, 1, 1, 100}, measure.Summary{Median: 1, Min: 1, Max: 100, N: 5}, "1 (1–100)"},
		"small fractions":      {[]float64{0.123, 0.456, 0.789}, measure.Summary{Median: 0.456, Min: 0.123, Max: 0.789, N: 3}, "0.46 (0.12–0.79)"},
		"three digits suffice": {[]float64{12.34, 56.78, 1234.5}, measure.Summary{Median: 56.78, Min: 12.34, Max: 1234.5, N: 3}, "56.8 (12.3–1234)"},
	} {
		t.Run(name, func(t *testing.T) {
			got := measure.Summarize(c.values)
			if got != c.want || got.String() != c.text {
				t.Errorf("got %+v %q, expected %+v %q", got, got, c.want, c.text)
			}
		})
	}
}

func TestSummarizeLeavesItsInputAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	measure.Summarize(values)
	if values[0] != 3 || values[1] != 1 || values[2] != 2 {
		t.Errorf("got %v", values)
	}
}

func TestQuantileInterpolates(t *testing.T) {
	sorted := []float64{10, 20, 30, 40, 50}
	for q, want := range map[float64]float64{0: 10, 0.25: 20, 0.375: 25, 0.5: 30, 0.9: 46, 1: 50} {
		if got := measure.Quantile(sorted, q); got != want {
			t.Errorf("quantile %v: got %v, expected %v", q, got, want)
		}
	}
}
