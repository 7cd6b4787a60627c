//go:build spec

package main

import "kong-plugin-auth-diagnosis/spec/bench/measure"

// limiterTables measures the stores of counters, a table each: a store more is a
// suite more.
func limiterTables(b *bench) ([]measure.Table, error) {
	return tables(b, memoryLimiter(b), redisLimiter(b))
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

// redisLimiter is the store in a Redis, by its two kinds of view.
func redisLimiter(b *bench) measure.Suite {
	const folder, decision = "./spec/bench/redis", "BenchmarkDecision/"
	const async, strict = "asynchronous, one goroutine", "strict, one goroutine"
	return measure.Suite{
		Title: "In Redis",
		Notes: []string{
			"Go benchmarks by the clock, of one identity and with a redis-server on the same machine. An asynchronous view decides from memory and tells Redis beside the request; a strict one asks Redis each time, so that its time is mostly that of a round trip. With two goroutines the time is that in which both made decisions, divided by all of them.",
		},
		Columns: goColumns,
		Ratios:  []int{0},
		Cases: []measure.Case{
			{Name: async, Measure: b.goBenchmark(folder, decision+"async/1")},
			{Name: "asynchronous, two goroutines", Against: async, Measure: b.goBenchmark(folder, decision+"async/2")},
			{Name: strict, Against: async, Measure: b.goBenchmark(folder, decision+"strict/1")},
			{Name: "strict, two goroutines", Against: strict, Measure: b.goBenchmark(folder, decision+"strict/2")},
		},
	}
}
