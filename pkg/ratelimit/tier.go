package ratelimit

import (
	"errors"
	"fmt"
	"time"
)

// Bounds of a tier's numbers. Within them no arithmetic of this package
// overflows: MaxRate requests of an interval of one second are 10^18 ns.
const (
	MaxRate = 1_000_000_000     // Second, Burst, Minute and Hour
	MaxDay  = 1_000_000_000_000 // Day
)

// What Validate finds.
var (
	ErrNoWindow   = errors.New("tier has no window")
	ErrOutOfRange = errors.New("limit out of range")
	ErrBurstAlone = errors.New("burst without second")
)

// Tier is a named set of limits. Zero means that there is no such window.
type Tier struct {
	Name string
	// Second is the number of requests per second in the long run.
	Second int64
	// Burst is the number of requests that may come at once; 0 means Second.
	Burst int64
	// Minute, Hour and Day are the numbers of requests per calendar minute, hour
	// and day.
	Minute, Hour, Day int64
}

// Validate reports every way in which t cannot be enforced: a number outside
// 0 to [MaxRate] or [MaxDay], a burst without a rate, or no window at all.
func (t Tier) Validate() error {
	var errs []error
	for _, f := range []struct {
		name       string
		value, max int64
	}{{"second", t.Second, MaxRate}, {"burst", t.Burst, MaxRate}, {"minute", t.Minute, MaxRate}, {"hour", t.Hour, MaxRate}, {"day", t.Day, MaxDay}} {
		if f.value < 0 || f.value > f.max {
			errs = append(errs, fmt.Errorf("tier %q: %s: %w: expected 0 to %d, got %d", t.Name, f.name, ErrOutOfRange, f.max, f.value))
		}
	}
	if t.Burst != 0 && t.Second == 0 {
		errs = append(errs, fmt.Errorf("tier %q: %w", t.Name, ErrBurstAlone))
	}
	if t.Second == 0 && t.Minute == 0 && t.Hour == 0 && t.Day == 0 {
		errs = append(errs, fmt.Errorf("tier %q: %w", t.Name, ErrNoWindow))
	}
	return errors.Join(errs...)
}

// burst returns the bucket's size in requests.
func (t Tier) burst() int64 {
	if t.Burst > 0 {
		return t.Burst
	}
	return t.Second
}

// interval returns the time that one request takes to leave the bucket. It is
// rounded up so that the long-run rate is never above Second; below a million
// per second it is at most 0.1 % under it.
func (t Tier) interval() time.Duration {
	return time.Duration((int64(time.Second) + t.Second - 1) / t.Second)
}
