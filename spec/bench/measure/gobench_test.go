package measure_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

const output = `goos: linux
goarch: amd64
pkg: kong-plugin-auth-diagnosis/pkg/token
cpu: Intel(R) Xeon(R) Processor @ 2.50GHz
BenchmarkVerdict/RS256/verdict-2         	    3304	     35514 ns/op	    7184 B/op	      68 allocs/op
BenchmarkVerdict/RS256/bare-2            	    3850	     31105 ns/op
BenchmarkTokens/10-2                     	 1000000	       104.5 ns/op	        12.50 hits/op
BenchmarkTokens/100-2                    	 1000000	       204.5 ns/op
BenchmarkAllow                           	 9000000	       130.0 ns/op
BenchmarkCut-2                           	    3850	     31105
BenchmarkWord-2                          	    3850	     many ns/op
PASS
`

func TestParseBenchmark(t *testing.T) {
	for _, c := range []struct {
		name string
		cpus int
		want map[string]float64
	}{
		{"BenchmarkVerdict/RS256/verdict", 2, map[string]float64{"ns/op": 35514, "B/op": 7184, "allocs/op": 68}},
		{"BenchmarkVerdict/RS256/bare", 2, map[string]float64{"ns/op": 31105}},
		{"BenchmarkTokens/10", 2, map[string]float64{"ns/op": 104.5, "hits/op": 12.5}},
		{"BenchmarkTokens/100", 2, map[string]float64{"ns/op": 204.5}},
		{"BenchmarkAllow", 1, map[string]float64{"ns/op": 130}},
	} {
		got, err := measure.ParseBenchmark(output, c.name, c.cpus)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", c.name, err, diff)
		}
	}
	for _, name := range []string{"BenchmarkVerdict", "BenchmarkVerdict/RS256", "BenchmarkAllow", "BenchmarkCut", "BenchmarkWord", "PASS", ""} {
		if got, err := measure.ParseBenchmark(output, name, 2); !errors.Is(err, measure.ErrBenchmark) {
			t.Errorf("%q: got %v, %v, expected %v", name, got, err, measure.ErrBenchmark)
		}
	}
}
