package jwks

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultIdle is how long a set is kept up without a lookup. A day: a route
	// that is used daily never waits for its keys, and an issuer that was taken
	// out of the configuration is left alone the day after.
	defaultIdle = 24 * time.Hour
	// maxSets bounds the sets that are kept up at a time.
	maxSets = 512
	// evictAfter is how long a set must have been unused to make room.
	evictAfter = time.Minute
)

// Store holds the key sets of a process. Its methods are safe for concurrent
// use, and none waits for the network except Close for what it cancels.
type Store struct {
	now      func() time.Time
	jitter   func(time.Duration) time.Duration
	idle     time.Duration
	limit    int
	dial     DialFunc
	observer func(Event)
	stateDir *StateDir

	ctx         context.Context
	stop        context.CancelFunc
	wg          sync.WaitGroup
	generations atomic.Uint64
	fetches     fetches

	mu      sync.Mutex
	workers map[sourceKey]*worker
}

// StoreOption changes a Store from its defaults.
type StoreOption func(*Store)

// WithClock sets the clock that ages and cooldowns are measured with.
func WithClock(now func() time.Time) StoreOption { return func(s *Store) { s.now = now } }

// WithJitter sets how waits are spread; the default changes them by up to a
// tenth either way, so that many gateways do not ask an issuer all at once.
func WithJitter(jitter func(time.Duration) time.Duration) StoreOption {
	return func(s *Store) { s.jitter = jitter }
}

// WithIdle sets how long a set is kept up without a lookup; at least two
// refresh intervals, whatever is set.
func WithIdle(d time.Duration) StoreOption { return func(s *Store) { s.idle = d } }

// WithLimit sets how many sets are kept up at a time.
func WithLimit(n int) StoreOption { return func(s *Store) { s.limit = n } }

// WithDial sets how connections are opened, for name resolution of one's own.
func WithDial(dial DialFunc) StoreOption { return func(s *Store) { s.dial = dial } }

// WithObserver sets a function that is told of every fetch. It runs on the
// set's goroutine and delays the next fetch, never a lookup.
func WithObserver(observe func(Event)) StoreOption { return func(s *Store) { s.observer = observe } }

// WithStateDir sets where the last good key sets are kept, nil for nowhere. A
// set is then there at once after a restart, whether its issuer is up or not, as
// long as its keys are not older than [Options.MaxStale].
func WithStateDir(d *StateDir) StoreOption { return func(s *Store) { s.stateDir = d } }

// NewStore returns an empty store.
func NewStore(options ...StoreOption) *Store {
	s := &Store{
		now:      time.Now,
		jitter:   func(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) },
		idle:     defaultIdle,
		limit:    maxSets,
		observer: func(Event) {},
		workers:  make(map[sourceKey]*worker),
	}
	for _, o := range options {
		o(s)
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Set returns the key set of a source and starts its first fetch, unless a
// source of the same value has one already. It returns at once: what it may
// wait a moment for is the file of [WithStateDir], never the network.
func (s *Store) Set(src Source) *Set {
	src = src.normal()
	k := &Set{store: s, key: src.key(), src: src}
	if w := k.reopen(); w != nil {
		w.awaitRestore()
	}
	return k
}

// Close ends all fetches and returns when their goroutines have ended. Lookups
// find no keys afterwards.
func (s *Store) Close() {
	s.mu.Lock()
	s.stop()
	clear(s.workers)
	s.mu.Unlock()
	s.wg.Wait()
}

// worker returns the running worker of a source, starting it if needed; nil
// when the store is closed or full of sets in use.
func (s *Store) worker(key sourceKey, src Source) *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.workers[key]; w != nil {
		// Somebody wants it: it must not be idle by the time they ask.
		w.touch(s.now())
		return w
	}
	if s.ctx.Err() != nil || len(s.workers) >= s.limit && !s.evict() {
		return nil
	}
	w := newWorker(s, key, src)
	s.workers[key] = w
	s.wg.Go(w.run)
	return w
}

// evict stops the set that has been unused longest, if that is long enough: sets
// in use must not push each other out by turns.
func (s *Store) evict() bool {
	now := s.now()
	var oldest *worker
	for _, w := range s.workers {
		if oldest == nil || w.unused(now) > oldest.unused(now) {
			oldest = w
		}
	}
	if oldest == nil || oldest.unused(now) < evictAfter {
		return false
	}
	delete(s.workers, oldest.key)
	oldest.stop()
	return true
}

// forget drops a worker that nobody has asked for long and reports whether it
// did; under the lock, so that a worker just handed out is not dropped.
func (s *Store) forget(w *worker) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.unused(s.now()) <= w.idle {
		return false
	}
	if s.workers[w.key] == w {
		delete(s.workers, w.key)
	}
	w.stop()
	return true
}
