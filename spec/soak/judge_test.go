//go:build spec

package soak

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// TestGrowthIsFound has a process that gains a little with every look.
func TestGrowthIsFound(t *testing.T) {
	begun := time.Now()
	for name, tt := range map[string]struct {
		each   rig.Vitals // what a second adds
		memory bool
		want   int
	}{
		"flat":                          {rig.Vitals{}, true, 0},
		"memory":                        {rig.Vitals{RSS: 20_000}, true, 1},
		"memory, slowly":                {rig.Vitals{RSS: 5_000}, true, 0},
		"memory, before it has settled": {rig.Vitals{RSS: 20_000}, false, 0},
		"descriptors and threads":       {rig.Vitals{Descriptors: 1, Threads: 1}, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := &watch{}
			for n := range 600 {
				w.samples = append(w.samples, sample{
					at: begun.Add(time.Duration(n) * time.Second),
					Vitals: rig.Vitals{
						RSS: 100e6 + int64(n)*tt.each.RSS, Threads: 8 + n*tt.each.Threads, Descriptors: 8 + n*tt.each.Descriptors,
					},
					Inner: rig.Inner{Goroutines: 8 + n%few, Heap: 50e6},
				})
			}
			first, last := w.compare(time.Minute, time.Minute)
			if problems := judge(first, last, tt.memory); len(problems) != tt.want {
				t.Errorf("%v to %v: %q, expected %d problems", first, last, problems, tt.want)
			}
		})
	}
	if problems := judge(sample{}, sample{}, false); len(problems) != 3 {
		t.Errorf("no samples: %q", problems)
	}
}
