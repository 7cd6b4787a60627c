// Package memory keeps rate-limit counters in this process.
//
// A [Limiter] is meant to be one per process, shared by all plugin instances and
// never tied to one: counters must outlive a configuration change.
package memory

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/table"
)

// Options bounds a Limiter. A key costs about 130 bytes, see TestBytesPerKey.
type Options = table.Options

// Stats counts what a Limiter holds.
type Stats = table.Stats

// Limiter is a [ratelimit.Limiter] whose counters live in memory. A hit takes
// one shard's lock and allocates nothing; a denial writes nothing.
type Limiter struct {
	start time.Time
	table *table.Table[struct{}]
}

// New returns an empty Limiter. start is the origin of its time line: the
// current time of the clock that Allow's now will come from, with its monotonic
// reading. What passes between the two is then measured monotonically, whatever
// happens to the wall clock.
func New(start time.Time, o Options) *Limiter {
	return &Limiter{start: start, table: table.New[struct{}](o, nil)}
}

// Allow implements [ratelimit.Limiter].
func (l *Limiter) Allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier, cal *ratelimit.Calendar) ratelimit.Decision {
	at, day := now.Sub(l.start), cal.Day(now)
	e := l.table.Lock(key, tier.Name, at, now)
	defer e.Unlock()
	next, d := e.State.Spend(at, now, tier, day, 1)
	if d.Allowed { // a denial has nothing to write
		e.State = next
	}
	d.Overflow = e.Overflow
	return d
}

// Raise makes room for what o bounds. It never takes room away: what is counted
// stays counted.
func (l *Limiter) Raise(o Options) { l.table.Raise(o) }

// Stats returns the current numbers. It takes no lock.
func (l *Limiter) Stats() Stats { return l.table.Stats() }

// Interface guard.
var _ ratelimit.Limiter = (*Limiter)(nil)
