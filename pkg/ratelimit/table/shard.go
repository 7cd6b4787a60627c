package table

import (
	"sync"
	"sync/atomic"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

const (
	maxShards    = 256 // one per value of a digest's first byte
	keysPerShard = 64  // in a full table, at least; small tables have fewer shards

	sweepStep     = 4  // entries looked at for each new key
	sweepStepFull = 32 // and further ones if the table is full
)

// digest is a key's bytes. A SHA-256 spreads evenly, whoever chose the value.
type digest = [ratelimit.DigestSize]byte

// room is where keys of one kind are kept.
type room[X any] struct {
	places   places
	keep     func(*Entry[X]) bool
	shards   []shard[X] // a power of two of them
	overflow overflow[X]
}

// init makes room for keys. The number of shards follows from it: a key finds
// room only in its own shard, so each must hold its share of idle entries.
func (r *room[X]) init(keys int, keep func(*Entry[X]) bool) {
	n := 1
	for n < maxShards && n*2*keysPerShard <= keys {
		n *= 2
	}
	r.shards, r.keep = make([]shard[X], n), keep
	r.places.raise(int64(keys))
}

func (r *room[X]) shard(key digest) *shard[X] { return &r.shards[int(key[0])&(len(r.shards)-1)] }

// lock returns the entry of key, a new one if it has none, and reports whether
// there was room for it.
func (r *room[X]) lock(key digest, at time.Duration, now time.Time) (Locked[X], bool) {
	s := r.shard(key)
	s.mu.Lock()
	if i, ok := s.index[key]; ok {
		return Locked[X]{Entry: &s.entries[i], mu: &s.mu}, true
	}
	if !r.reserve(s, at, now) {
		s.mu.Unlock()
		return Locked[X]{}, false
	}
	return Locked[X]{Entry: s.add(key), Fresh: true, mu: &s.mu}, true
}

func (r *room[X]) find(key digest) (Locked[X], bool) {
	s := r.shard(key)
	s.mu.Lock()
	if i, ok := s.index[key]; ok {
		return Locked[X]{Entry: &s.entries[i], mu: &s.mu}, true
	}
	s.mu.Unlock()
	return Locked[X]{}, false
}

func (r *room[X]) each(fallback bool, visit func(ratelimit.Key, *Entry[X])) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for j := range s.entries {
			visit(ratelimit.RestoreKey(s.entries[j].Digest, fallback), &s.entries[j])
		}
		s.mu.Unlock()
	}
}

func (r *room[X]) restore(key digest, state ratelimit.State) bool {
	s := r.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.index[key]; ok {
		return false
	}
	r.places.taken.Add(1)
	s.add(key).State = state
	return true
}

// reserve takes a place for a new key in s and reports whether there was one.
// s is locked.
func (r *room[X]) reserve(s *shard[X], at time.Duration, now time.Time) bool {
	r.sweep(s, at, now, sweepStep)
	if r.places.reserve() {
		return true
	}
	r.sweep(s, at, now, sweepStepFull)
	return r.places.reserve()
}

// sweep looks at the next n entries and drops those that are idle. New keys
// arrive in all shards alike, so a table that is asked for room cleans itself
// everywhere; one that is not asked has no need to. s is locked.
func (r *room[X]) sweep(s *shard[X], at time.Duration, now time.Time, n int) {
	for range min(n, len(s.entries)) {
		if s.cursor >= len(s.entries) {
			s.cursor = 0
		}
		if e := &s.entries[s.cursor]; !e.State.Idle(at, now) || r.keep != nil && r.keep(e) {
			s.cursor++
			continue
		}
		s.drop(s.cursor) // another entry is there now and is looked at next
		r.places.release()
	}
}

// shard is a dense slice of entries with an index. As long as a store's extra
// has no pointer neither has the slice, so that the garbage collector never
// walks a million keys; and the sweep is a cursor.
type shard[X any] struct {
	mu      sync.Mutex
	index   map[digest]uint32 // key → position in entries
	entries []Entry[X]
	cursor  int // where the sweep goes on

	_ [16]byte // fill a cache line: neighbours' locks do not disturb each other
}

func (s *shard[X]) add(key digest) *Entry[X] {
	if s.index == nil {
		s.index = make(map[digest]uint32)
	}
	s.index[key] = uint32(len(s.entries))
	s.entries = append(s.entries, Entry[X]{Digest: key})
	return &s.entries[len(s.entries)-1]
}

// copy returns the entries in the room of buf, or in a larger one, which it makes
// without the lock.
func (s *shard[X]) copy(buf []Entry[X]) []Entry[X] {
	for {
		s.mu.Lock()
		n := len(s.entries)
		if n <= cap(buf) {
			buf = append(buf[:0], s.entries...)
			s.mu.Unlock()
			return buf
		}
		s.mu.Unlock()
		buf = make([]Entry[X], 0, n+n/4)
	}
}

// drop removes the entry at i. The last one moves into the gap.
func (s *shard[X]) drop(i int) {
	last := len(s.entries) - 1
	delete(s.index, s.entries[i].Digest)
	if i != last {
		s.entries[i] = s.entries[last]
		s.index[s.entries[i].Digest] = uint32(i)
	}
	s.entries[last] = Entry[X]{}
	s.entries = s.entries[:last]
}

// places is a number of places that all shards take from.
type places struct {
	taken atomic.Int64
	max   atomic.Int64
}

// reserve takes a place and reports whether there was one.
func (p *places) reserve() bool {
	if p.taken.Add(1) <= p.max.Load() {
		return true
	}
	p.taken.Add(-1)
	return false
}

// raise makes room for max keys, or leaves what there is if that is more.
func (p *places) raise(max int64) {
	for now := p.max.Load(); now < max && !p.max.CompareAndSwap(now, max); {
		now = p.max.Load()
	}
}

func (p *places) release() { p.taken.Add(-1) }
