// Package memory keeps rate-limit counters in this process.
//
// A [Limiter] is meant to be one per process, shared by all plugin instances and
// never tied to one: counters must outlive a configuration change. With
// [Limiter.Persist] they outlive the process too: snapshot.go and decode.go have
// the file's form, file.go the disk, saver.go when it is written.
package memory

import (
	"sync/atomic"
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
	// changed is set when something was counted that a snapshot would have.
	changed atomic.Bool
	maxFile int64 // in bytes
}

// New returns an empty Limiter. start is the origin of its time line: the
// current time of the clock that Allow's now will come from, with its monotonic
// reading. What passes between the two is then measured monotonically, whatever
// happens to the wall clock.
func New(start time.Time, o Options) *Limiter {
	return &Limiter{start: start, table: table.New[struct{}](o, nil), maxFile: maxFile}
}

// Allow implements [ratelimit.Limiter].
func (l *Limiter) Allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier, cal *ratelimit.Calendar) ratelimit.Decision {
	at, day := now.Sub(l.start), cal.Day(now)
	e := l.table.Lock(key, tier.Name, at, now)
	defer e.Unlock()
	next, d := e.State.Spend(at, now, tier, day, 1)
	if d.Allowed { // a denial has nothing to write
		e.State = next
		if tier.Day|tier.Hour|tier.Minute != 0 && !l.changed.Load() {
			l.changed.Store(true)
		}
	}
	d.Overflow = e.Overflow
	return d
}

// restore returns what takes a key's counts over from a snapshot.
func (l *Limiter) restore(now time.Time) func(ratelimit.Key, ratelimit.State) {
	return func(key ratelimit.Key, counted ratelimit.State) {
		if s := counted.Counts(now); s != (ratelimit.State{}) {
			l.table.Restore(key, s)
		}
	}
}

// Raise makes room for what o bounds. It never takes room away: what is counted
// stays counted.
func (l *Limiter) Raise(o Options) { l.table.Raise(o) }

// Stats returns the current numbers. It takes no lock.
func (l *Limiter) Stats() Stats { return l.table.Stats() }

// Interface guard.
var _ ratelimit.Limiter = (*Limiter)(nil)
