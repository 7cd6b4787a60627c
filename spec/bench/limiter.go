//go:build spec

package main

import "kong-plugin-auth-diagnosis/spec/bench/measure"

// limiterTables measures the stores of counters, a table each: a store more is a
// suite more.
func limiterTables(b *bench) ([]measure.Table, error) {
	return tables(b, memoryLimiter(b))
}

// memoryLimiter is the store in the process's memory.
func memoryLimiter(b *bench) measure.Suite {
	const folder, one = "./pkg/ratelimit/memory", "allowed, one key"
	return measure.Suite{
		Title:   "In memory",
		Notes:   []string{"Go benchmarks of the package, by the clock, on all CPUs at once."},
		Columns: goColumns,
		Ratios:  []int{0},
		Cases: []measure.Case{
			{Name: one, Measure: b.goBenchmark(folder, "BenchmarkAllowOneKey")},
			{Name: "allowed, 100,000 keys", Against: one, Measure: b.goBenchmark(folder, "BenchmarkAllow100000Keys")},
			{Name: "denied, one key", Against: one, Measure: b.goBenchmark(folder, "BenchmarkDenyOneKey")},
		},
	}
}
