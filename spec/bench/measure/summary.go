package measure

import (
	"fmt"
	"slices"
)

// Summary is what is left of a series of values: its median and its extremes.
// Quartiles of the seven or so values that a series has would only hide two.
type Summary struct {
	Median, Min, Max float64
	N                int
}

// Summarize returns the zero Summary for no values.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	sorted := slices.Sorted(slices.Values(values))
	return Summary{Median: Quantile(sorted, 0.5), Min: sorted[0], Max: sorted[len(sorted)-1], N: len(sorted)}
}

// Quantile returns the q-quantile (0 to 1) of sorted values, of which there must
// be one at least; between two of them it interpolates.
func Quantile[T ~int64 | ~float64](sorted []T, q float64) T {
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	part := at - float64(low)
	return T(float64(sorted[low])*(1-part) + float64(sorted[low+1])*part)
}

// String gives the median with the extremes behind it, to three digits or so:
// more would be noise.
func (s Summary) String() string {
	if s.N == 0 {
		return ""
	}
	if s.Min == s.Max {
		return figure(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", figure(s.Median), figure(s.Min), figure(s.Max))
}

func figure(v float64) string {
	switch {
	case v == float64(int64(v)), v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
