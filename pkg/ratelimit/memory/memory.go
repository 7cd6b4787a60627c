// Package memory keeps rate-limit counters in this process.
//
// A [Limiter] is meant to be one per process and namespace group, shared by all
// plugin instances and never tied to one: counters must outlive a configuration
// change. It starts no goroutine. What is no longer needed is swept away in
// passing, a few entries with each new key, so there is no pause and no timer.
//
// table.go holds the sharded table, overflow.go the counters that keys share
// when the table is full.
package memory

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// DefaultMaxKeys is the bound on identities if Options names none. A key costs
// about 110 bytes, see TestBytesPerKey.
const DefaultMaxKeys = 1_000_000

// Options bounds a Limiter.
type Options struct {
	// MaxKeys is the most identities counted at a time; 0 means DefaultMaxKeys.
	MaxKeys int
	// MaxFallbacks is the most addresses counted at a time that stand in for an
	// identity ([ratelimit.FallbackAddress]), beside MaxKeys; 0 means a tenth of
	// MaxKeys, at least 1.
	MaxFallbacks int
}

// Limiter is a [ratelimit.Limiter] whose counters live in memory. A hit takes
// one shard's lock and allocates nothing; a denial writes nothing.
type Limiter struct {
	start      time.Time
	identities *table
	fallbacks  *table
}

// New returns an empty Limiter. start is the origin of its time line: the
// current time of the clock that Allow's now will come from, with its monotonic
// reading. What passes between the two is then measured monotonically, whatever
// happens to the wall clock.
func New(start time.Time, o Options) *Limiter {
	o = o.withDefaults()
	return &Limiter{start: start, identities: newTable(o.MaxKeys), fallbacks: newTable(o.MaxFallbacks)}
}

// Raise makes room for what o bounds. It never takes room away: what is counted
// stays counted. A limiter that grows far beyond what New was told keeps its
// number of locks.
func (l *Limiter) Raise(o Options) {
	o = o.withDefaults()
	l.identities.places.raise(int64(o.MaxKeys))
	l.fallbacks.places.raise(int64(o.MaxFallbacks))
}

func (o Options) withDefaults() Options {
	if o.MaxKeys <= 0 {
		o.MaxKeys = DefaultMaxKeys
	}
	if o.MaxFallbacks <= 0 {
		o.MaxFallbacks = max(1, o.MaxKeys/10)
	}
	return o
}

// Allow implements [ratelimit.Limiter].
func (l *Limiter) Allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier, cal *ratelimit.Calendar) ratelimit.Decision {
	r := request{at: now.Sub(l.start), now: now, tier: tier, day: cal.Day(now)}
	if key.Fallback() {
		return l.fallbacks.allow(key.Digest(), r)
	}
	return l.identities.allow(key.Digest(), r)
}

// Stats counts what a Limiter holds.
type Stats struct {
	Keys      int64  // identities in memory
	Fallbacks int64  // addresses in memory that stand in for identities
	Overflows uint64 // decisions made on shared counters since the start
}

// Stats returns the current numbers. It takes no lock.
func (l *Limiter) Stats() Stats {
	return Stats{
		Keys:      l.identities.places.taken.Load(),
		Fallbacks: l.fallbacks.places.taken.Load(),
		Overflows: l.identities.overflow.decisions.Load() + l.fallbacks.overflow.decisions.Load(),
	}
}

// request is what a decision depends on besides the key's state.
type request struct {
	at   time.Duration // on the limiter's time line
	now  time.Time
	tier ratelimit.Tier
	day  ratelimit.Day
}

func (r request) spend(s ratelimit.State) (ratelimit.State, ratelimit.Decision) {
	return s.Spend(r.at, r.now, r.tier, r.day)
}

// Interface guard.
var _ ratelimit.Limiter = (*Limiter)(nil)
