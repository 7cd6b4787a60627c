package measure

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrBenchmark is output that has no line for the benchmark that was asked for,
// or one that does not read as such a line.
var ErrBenchmark = errors.New("no benchmark result")

// ParseBenchmark returns the values of one benchmark in the output of a Go test,
// by unit ("ns/op", "B/op", "allocs/op"). The format is that of
// https://go.dev/design/14313-benchmark-format. name is the benchmark's without
// the number of CPUs that Go puts behind it ("-8"), cpus is that number.
func ParseBenchmark(output, name string, cpus int) (map[string]float64, error) {
	full := name
	if cpus > 1 {
		full += "-" + strconv.Itoa(cpus)
	}
	for l := range strings.Lines(output) {
		fields := strings.Fields(l)
		if len(fields) == 0 || fields[0] != full {
			continue
		}
		return parseValues(name, fields[1:])
	}
	return nil, fmt.Errorf("%w: expected a line for %q", ErrBenchmark, full)
}

// parseValues reads the number of iterations and the pairs of value and unit
// behind it.
func parseValues(name string, fields []string) (map[string]float64, error) {
	if len(fields) < 3 || len(fields)%2 == 0 {
		return nil, fmt.Errorf("%w: %q: expected pairs of value and unit, got %d fields", ErrBenchmark, name, len(fields))
	}
	values := map[string]float64{}
	for i := 1; i < len(fields); i += 2 {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrBenchmark, name, err)
		}
		values[fields[i+1]] = v
	}
	return values, nil
}
