package table

import (
	"iter"
	"sync"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// DefaultMaxKeys is the bound on identities if Options names none.
const DefaultMaxKeys = 1_000_000

// Options bounds a Table.
type Options struct {
	// MaxKeys is the most identities kept at a time; 0 means DefaultMaxKeys.
	MaxKeys int
	// MaxFallbacks is the most addresses kept at a time that stand in for an
	// identity ([ratelimit.FallbackAddress]), beside MaxKeys; 0 means a tenth of
	// MaxKeys, at least 1.
	MaxFallbacks int
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

// Table holds an [Entry] for as many keys as there is room for. It is safe for
// concurrent use.
type Table[X any] struct {
	identities, fallbacks room[X]
}

// Entry is what is kept of one key. A new one is zero but for its digest.
type Entry[X any] struct {
	Extra  X // of the store; first, because an empty one would cost room as the last
	Digest [ratelimit.DigestSize]byte
	State  ratelimit.State
}

// New returns an empty Table. keep reports whether an entry has to stay although
// its state could be forgotten ([ratelimit.State.Idle]); nil means no other does.
func New[X any](o Options, keep func(*Entry[X]) bool) *Table[X] {
	o = o.withDefaults()
	t := new(Table[X])
	t.identities.init(o.MaxKeys, keep)
	t.fallbacks.init(o.MaxFallbacks, keep)
	return t
}

// Raise makes room for what o bounds. It never takes room away: what is kept
// stays. A table that grows far beyond what New was told keeps its number of
// locks.
func (t *Table[X]) Raise(o Options) {
	o = o.withDefaults()
	t.identities.places.raise(int64(o.MaxKeys))
	t.fallbacks.places.raise(int64(o.MaxFallbacks))
}

// Locked is an entry that nobody else uses until Unlock.
type Locked[X any] struct {
	*Entry[X]
	// Overflow is set if the entry is shared by all keys of its tier that found
	// no room.
	Overflow bool
	// Fresh is set if the entry is new.
	Fresh bool

	mu *sync.Mutex
}

// Unlock ends the use of the entry.
func (l Locked[X]) Unlock() { l.mu.Unlock() }

// Lock returns the entry of key, or the one that tier's keys share if there is
// no room for another. at and now are the instant, as [ratelimit.State.Idle]
// takes it: entries that are idle then may make room.
func (t *Table[X]) Lock(key ratelimit.Key, tier string, at time.Duration, now time.Time) Locked[X] {
	r := t.room(key.Fallback())
	if l, ok := r.lock(key.Digest(), at, now); ok {
		return l
	}
	return r.overflow.lock(tier)
}

// Find returns the entry of key if it has one of its own.
func (t *Table[X]) Find(key ratelimit.Key) (Locked[X], bool) {
	return t.room(key.Fallback()).find(key.Digest())
}

// Each calls visit with every key's own entry, locked. It holds one lock at a
// time: entries that come and go meanwhile may be visited or not.
func (t *Table[X]) Each(visit func(key ratelimit.Key, e *Entry[X])) {
	t.identities.each(false, visit)
	t.fallbacks.each(true, visit)
}

// Batches returns copies of every key's own entry, in batches that the next one
// overwrites, and whether they are fallbacks. No lock is held while the caller
// looks at one: entries that come and go meanwhile may be among them or not.
func (t *Table[X]) Batches() iter.Seq2[bool, []Entry[X]] {
	return func(yield func(bool, []Entry[X]) bool) {
		var batch []Entry[X]
		for _, fallback := range []bool{false, true} {
			r := t.room(fallback)
			for i := range r.shards {
				if batch = r.shards[i].copy(batch); len(batch) > 0 && !yield(fallback, batch) {
					return
				}
			}
		}
	}
}

// Restore gives key an entry with the state that an earlier table had of it, and
// reports whether it had none yet. What lives is not given up: unlike a new key's
// the entry does not have to find room.
func (t *Table[X]) Restore(key ratelimit.Key, state ratelimit.State) bool {
	return t.room(key.Fallback()).restore(key.Digest(), state)
}

func (t *Table[X]) room(fallback bool) *room[X] {
	if fallback {
		return &t.fallbacks
	}
	return &t.identities
}

// Stats counts what a Table holds.
type Stats struct {
	Keys      int64  // identities
	Fallbacks int64  // addresses that stand in for identities
	Overflows uint64 // shared entries given out since the start
}

// Stats returns the current numbers. It takes no lock.
func (t *Table[X]) Stats() Stats {
	return Stats{
		Keys:      t.identities.places.taken.Load(),
		Fallbacks: t.fallbacks.places.taken.Load(),
		Overflows: t.identities.overflow.given.Load() + t.fallbacks.overflow.given.Load(),
	}
}
