//go:build spec

package soak

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// sample is how the process fares at one time, or in the median of several.
type sample struct {
	at time.Time
	rig.Vitals
	rig.Inner
}

func (s sample) String() string {
	return fmt.Sprintf("rss %.1f MB, live heap %.1f MB, %d goroutines, %d threads, %d descriptors",
		float64(s.RSS)/1e6, float64(s.Heap)/1e6, s.Goroutines, s.Threads, s.Descriptors)
}

// watch looks at a process now and then.
type watch struct {
	pid     int
	file    string // of its -vitals
	samples []sample
}

func (w *watch) look() error {
	outer, err := rig.VitalsOf(w.pid)
	if err != nil {
		return err
	}
	inner, err := rig.InnerOf(w.file)
	if err != nil {
		return err
	}
	w.samples = append(w.samples, sample{time.Now(), outer, inner})
	return nil
}

// compare returns the medians of a window behind the settling, and of the last one.
func (w *watch) compare(settling, window time.Duration) (first, last sample) {
	begun, ended := w.samples[0].at.Add(settling), w.samples[len(w.samples)-1].at.Add(-window)
	var a, b []sample
	for _, s := range w.samples {
		if s.at.After(begun) && s.at.Before(begun.Add(window)) {
			a = append(a, s)
		}
		if s.at.After(ended) {
			b = append(b, s)
		}
	}
	return median(a), median(b)
}

func median(list []sample) sample {
	return sample{
		Vitals: rig.Vitals{
			RSS:         middle(list, func(s sample) int64 { return s.RSS }),
			Threads:     middle(list, func(s sample) int { return s.Threads }),
			Descriptors: middle(list, func(s sample) int { return s.Descriptors }),
		},
		Inner: rig.Inner{
			Goroutines: middle(list, func(s sample) int { return s.Goroutines }),
			Heap:       middle(list, func(s sample) int64 { return s.Heap }),
		},
	}
}

// middle is the median of one quantity; zero for no samples.
func middle[N cmp.Ordered](list []sample, of func(sample) N) (m N) {
	values := make([]N, len(list))
	for i, s := range list {
		values[i] = of(s)
	}
	slices.Sort(values)
	if len(values) > 0 {
		m = values[len(values)/2]
	}
	return m
}

// few is how many goroutines, threads or descriptors may come and go with the traffic.
const few = 16

// judge says what has grown; memory only where it had the time to settle.
func judge(first, last sample, memory bool) (problems []string) {
	for _, q := range []struct {
		what        string
		first, last int
	}{
		{"goroutines", first.Goroutines, last.Goroutines},
		{"threads", first.Threads, last.Threads},
		{"descriptors", first.Descriptors, last.Descriptors},
	} {
		if q.first == 0 || q.last > q.first+few {
			problems = append(problems, fmt.Sprintf("%s went from %d to %d", q.what, q.first, q.last))
		}
	}
	if percent := 100 * float64(last.RSS-first.RSS) / float64(first.RSS); memory && percent >= growth {
		problems = append(problems, fmt.Sprintf("memory grew by %.1f %%, expected less than %d", percent, growth))
	}
	return problems
}
