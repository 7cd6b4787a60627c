package memory

import (
	"sync"
	"sync/atomic"

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

// table holds the states of as many keys as there are places.
type table struct {
	places   places
	shards   []shard // a power of two of them
	overflow overflow
}

// newTable returns an empty table. The number of shards follows from keys: one
// finds room only in its own shard, so each must hold its share of idle entries.
func newTable(keys int) *table {
	n := 1
	for n < maxShards && n*2*keysPerShard <= keys {
		n *= 2
	}
	t := &table{shards: make([]shard, n)}
	t.places.raise(int64(keys))
	return t
}

// shard is a dense slice of entries with an index. Neither holds a pointer, so
// the garbage collector never walks a million keys, and the sweep is a cursor.
type shard struct {
	mu      sync.Mutex
	index   map[digest]uint32 // key → position in entries
	entries []entry
	cursor  int // where the sweep goes on

	_ [16]byte // fill a cache line: neighbours' locks do not disturb each other
}

type entry struct {
	key   digest
	state ratelimit.State
}

func (t *table) allow(key digest, r request) ratelimit.Decision {
	if d, ok := t.count(key, r); ok {
		return d
	}
	return t.overflow.allow(r)
}

// count decides on the key's own counter and reports whether it has one.
func (t *table) count(key digest, r request) (ratelimit.Decision, bool) {
	s := &t.shards[int(key[0])&(len(t.shards)-1)]
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.index[key]
	if !ok {
		return t.admit(s, key, r)
	}
	e := &s.entries[i]
	next, d := r.spend(e.state)
	if d.Allowed { // a denial has nothing to write
		e.state = next
	}
	return d, true
}

// admit decides the first request of a key and remembers the key. It reports
// false, having decided nothing, if the table is full. s is locked.
func (t *table) admit(s *shard, key digest, r request) (ratelimit.Decision, bool) {
	t.sweep(s, r, sweepStep)
	if !t.places.reserve() {
		t.sweep(s, r, sweepStepFull)
		if !t.places.reserve() {
			return ratelimit.Decision{}, false
		}
	}
	next, d := r.spend(ratelimit.State{})
	if s.index == nil {
		s.index = make(map[digest]uint32)
	}
	s.index[key] = uint32(len(s.entries))
	s.entries = append(s.entries, entry{key: key, state: next})
	return d, true
}

// sweep looks at the next n entries and drops those that are idle. New keys
// arrive in all shards alike, so a table that is asked for room cleans itself
// everywhere; one that is not asked has no need to. s is locked.
func (t *table) sweep(s *shard, r request, n int) {
	for range min(n, len(s.entries)) {
		if s.cursor >= len(s.entries) {
			s.cursor = 0
		}
		if !s.entries[s.cursor].state.Idle(r.at, r.now) {
			s.cursor++
			continue
		}
		// The last entry moves into the gap and is looked at next.
		last := len(s.entries) - 1
		delete(s.index, s.entries[s.cursor].key)
		if s.cursor != last {
			s.entries[s.cursor] = s.entries[last]
			s.index[s.entries[s.cursor].key] = uint32(s.cursor)
		}
		s.entries = s.entries[:last]
		t.places.release()
	}
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
