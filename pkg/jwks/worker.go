package jwks

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// touchEvery is how exactly the last use of a set is kept: writing it at each
// lookup would have every CPU fight for one cache line.
const touchEvery = time.Second

// worker fetches one source's keys for as long as somebody asks for them.
type worker struct {
	store   *Store
	key     sourceKey
	src     Source
	terms   terms
	fetcher *fetcher
	idle    time.Duration

	ctx  context.Context
	stop context.CancelFunc
	kick chan struct{} // holds the one refresh that a lookup asked for

	state   atomic.Pointer[state]
	touched atomic.Int64 // Unix nanoseconds of the last use

	mu sync.Mutex // serialises the changes of state
	// parts are the last good keys of each document, failures the scheduled
	// fetches in a row that failed. Only the worker's goroutine uses them.
	parts    []part
	failures int
	// keeper keeps the set on disk; restored is closed when the disk was read,
	// stateFault what went wrong with it and was not told yet.
	keeper     *keeper
	restored   chan struct{}
	stateFault error
}

func newWorker(s *Store, key sourceKey, src Source) *worker {
	w := &worker{
		store: s, key: key, src: src, terms: src.terms(),
		fetcher: newFetcher(src, s.dial),
		idle:    max(s.idle, 2*src.RefreshInterval),
		kick:    make(chan struct{}, 1),
		parts:   make([]part, max(len(src.URIs), 1)),

		keeper:   newKeeper(s.stateDir, src),
		restored: make(chan struct{}),
	}
	w.ctx, w.stop = context.WithCancel(s.ctx)
	w.state.Store(&state{refreshing: true})
	w.touch(s.now())
	return w
}

// lookup answers for a kid. Only a miss takes the lock.
func (w *worker) lookup(kid string) Answer {
	now := w.store.now()
	w.touch(now)
	a, refresh := w.state.Load().answer(&w.terms, kid, now)
	if refresh {
		w.startRefresh(func(s *state) bool {
			a, refresh = s.answer(&w.terms, kid, now)
			return refresh
		})
	}
	return a
}

// suspect starts a refresh if one may tell more than the keys at hand.
func (w *worker) suspect() {
	now := w.store.now()
	aged := func(s *state) bool { return s.aged(&w.terms, now) }
	if aged(w.state.Load()) {
		w.startRefresh(aged)
	}
}

// startRefresh starts a refresh if, under the lock, it is still wanted: of many
// callers that come here at once the first starts it, and the others decide
// again by the state that it leaves.
func (w *worker) startRefresh(wanted func(*state) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.state.Load()
	if !wanted(old) {
		return
	}
	next := *old
	next.refreshing = true
	w.state.Store(&next)
	w.kick <- struct{}{} // there is room: run empties it before refreshing can end
}

func (w *worker) touch(now time.Time) {
	if t := now.UnixNano(); t-w.touched.Load() >= int64(touchEvery) {
		w.touched.Store(t)
	}
}

// unused is how long nobody has asked.
func (w *worker) unused(now time.Time) time.Duration {
	return time.Duration(now.UnixNano() - w.touched.Load())
}

// run fetches until the store closes or nobody has asked for long.
func (w *worker) run() {
	defer w.stop()
	defer w.fetcher.close()
	asked := false
	w.restore()
	for {
		w.begin()
		results := w.fetcher.fetch(w.ctx)
		if w.ctx.Err() != nil {
			return // the results only say that the fetch was abandoned
		}
		timer := time.NewTimer(w.finish(results, asked))
		select {
		case <-w.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			asked = false
		case <-w.kick:
			timer.Stop()
			asked = true
		}
		if w.store.forget(w) {
			return
		}
	}
}

// begin marks a refresh as under way. A lookup's request that crossed with the
// timer is met by this very refresh.
func (w *worker) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.kick:
	default:
	}
	next := *w.state.Load()
	next.refreshing = true
	w.state.Store(&next)
}
