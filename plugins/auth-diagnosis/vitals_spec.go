//go:build spec

package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"time"
)

// writeVitals replaces the file with two numbers, goroutines and bytes of live
// heap, for as long as the process lives. Neither can be seen from outside.
func writeVitals(file string) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for range time.Tick(250 * time.Millisecond) {
		metrics.Read(live)
		text := fmt.Sprintln(runtime.NumGoroutine(), live[0].Value.Uint64())
		if os.WriteFile(file+".next", []byte(text), 0o644) == nil {
			_ = os.Rename(file+".next", file) // the reader sees one or the other
		}
	}
}
