// Package measure turns repeated measurements into a table that can be believed:
// [Suite] runs its cases in turn, again and again, and [Table] shows the median
// of each with its spread, and its ratio to the case that it is compared with.
//
// Machines drift, so nothing here compares two runs made at different times: a
// ratio is taken inside each round, and the rounds' ratios are summarised.
//
// [CPUTime] and [Loop] are where the figures come from, [ParseBenchmark] reads
// those of Go benchmarks.
package measure
