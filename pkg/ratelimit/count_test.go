package ratelimit_test

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// counted is a step of a clock and a request after it.
type counted struct {
	step      float64 // in windows
	remaining int64   // -1 for a denial
}

// The clock of a store may be stepped in any way: what was counted is not given
// back, and the key is not locked out beyond the end of what it counts in.
func TestSteppedClockKeepsTheCount(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []counted
	}{
		{"forward into the next", []counted{{0, 2}, {0, 1}, {1, 2}, {0, 1}}},
		{"forward over many", []counted{{0, 2}, {0, 1}, {1000, 2}}},
		{"back within the same", []counted{{0.5, 2}, {-0.25, 1}, {0, 0}, {0.2, -1}}},
		{"back by one, which goes on in the next", []counted{{0, 2}, {1, 2}, {0, 1}, {-1, 0}, {0, -1}, {1, -1}, {1, 2}}},
		{"back by many, which takes the count along", []counted{{0, 2}, {0, 1}, {-50, 0}, {0, -1}, {1, 2}}},
		{"back by many with nothing left", []counted{{0, 2}, {0, 1}, {0, 0}, {-50, -1}, {0, -1}}},
		{"put right after years ahead", []counted{{6e5, 2}, {0, 1}, {-6e5, 0}, {0, -1}, {1, 2}}},
		{"back and forth over a boundary", []counted{{0, 2}, {1, 2}, {-1, 1}, {1, 0}, {-1, -1}, {1, -1}, {1, 2}}},
	} {
		for window, length := range map[ratelimit.Window]time.Duration{ratelimit.WindowMinute: time.Minute, ratelimit.WindowHour: time.Hour} {
			tier := ratelimit.Tier{Minute: 3}
			if window == ratelimit.WindowHour {
				tier = ratelimit.Tier{Hour: 3}
			}
			var s ratelimit.State
			now := noon
			for i, step := range c.steps {
				now = now.Add(time.Duration(step.step * float64(length)))
				var d ratelimit.Decision
				s, d = s.Spend(0, now, tier, utc.Day(now), 1)
				q := d.Minute
				if window == ratelimit.WindowHour {
					q = d.Hour
				}
				got := q.Remaining
				if !d.Allowed {
					got = -1
				}
				if got != step.remaining || !d.Allowed && (d.Window != window || d.RetryAfter <= 0 || d.RetryAfter > 2*length) {
					t.Errorf("%s, %s, step %d: expected %d remaining (-1: denied), got %+v", c.name, window, i, step.remaining, d)
				}
			}
		}
	}
}
