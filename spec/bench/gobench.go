//go:build spec

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

// goColumns are the columns of what Go benchmarks measure.
var goColumns = []string{"time, µs", "allocations"}

// goBenchmark makes a case's Measure of a benchmark in a package's tests. Each
// measurement is a run of its own: `go test -count` would repeat one benchmark
// before the next, and what the machine does meanwhile would look like a
// difference between the two.
func (b *bench) goBenchmark(folder, name string) func() (measure.Sample, error) {
	return func() (measure.Sample, error) {
		program, err := b.testProgram(folder)
		if err != nil {
			return nil, err
		}
		cmd := exec.CommandContext(b.ctx, program, "-test.run=^$", "-test.bench="+exactly(name), "-test.benchmem", "-test.benchtime="+b.loop.String())
		cmd.Dir = filepath.Join(b.root, folder) // where `go test` would run it
		out, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", name, err, out)
		}
		values, err := measure.ParseBenchmark(string(out), name, runtime.GOMAXPROCS(0))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", folder, err)
		}
		return measure.Sample{values["ns/op"] / 1000, values["allocs/op"]}, nil
	}
}

// testProgram builds a package's tests once.
func (b *bench) testProgram(folder string) (string, error) {
	program := filepath.Join(b.dir, strings.ReplaceAll(strings.TrimPrefix(folder, "./"), "/", "-")+".test")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	return program, b.gotool(b.root, "test", "-c", "-o", program, folder)
}

// exactly is the pattern that only one benchmark matches; each part of a name is
// a pattern of its own.
func exactly(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + p + "$"
	}
	return strings.Join(parts, "/")
}
