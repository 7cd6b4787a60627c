package redisstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	backoffFirst = 100 * time.Millisecond
	backoffLast  = 5 * time.Second

	newEvery     = 10 * time.Millisecond // between two readings of new keys
	recountEvery = 10 * time.Second      // at most
	closeWithin  = 500 * time.Millisecond
)

// errUnsent says that counts were not written when the store was closed.
var errUnsent = errors.New("admissions not told to redis")

// health is how the exchanges go.
type health struct {
	failing time.Duration // since when, on the store's time line; 0 if they do not
	delay   time.Duration // until the next try; 0 if the usual interval holds
	doubts  int           // keys whose last exchange failed: they wait for another
	fault   Fault
	lost    bool          // Redis has forgotten what it had been told
	counted time.Duration // when all was written again the last time
}

// start starts the goroutine, once.
func (s *asyncStore) start() {
	s.begin.Do(func() { go s.run() })
}

// run exchanges until close.
func (s *asyncStore) run() {
	defer close(s.ended)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-s.ending
		cancel() // also of an exchange that Redis does not answer
	}()
	tick := time.NewTimer(s.pause())
	defer tick.Stop()
	rest := time.NewTimer(newEvery)
	defer rest.Stop()
	var wake <-chan struct{} // nil while resting
	for {
		select {
		case <-s.ending:
			return
		case <-tick.C:
			s.judge(s.round(ctx))
			tick.Reset(s.pause())
		case <-wake:
			if s.health.delay == 0 {
				s.batch.waiting = s.queue.pop(s.batch.waiting[:0], placeNew, chunk)
				s.judge(s.exchange(ctx, s.batch.waiting))
			}
			wake = nil
			rest.Reset(newEvery)
		case <-rest.C:
			wake = s.wake
		}
	}
}

// pause returns the time to the next round, a little off, so that the nodes do
// not come in step.
func (s *asyncStore) pause() time.Duration {
	d := time.Duration(s.rate.Load())
	if s.health.delay > 0 {
		d = s.health.delay
	}
	return d - d/10 + rand.N(d/5+1)
}

// judge draws the conclusions from a round.
func (s *asyncStore) judge(o outcome) {
	h, at := &s.health, max(1, s.clock.since(s.clock.now()))
	switch {
	case o.failed > 0:
		h.fault = classify(o.err)
		if h.failing == 0 {
			h.failing = at
		}
		if h.delay = min(backoffLast, 2*h.delay); h.delay == 0 {
			h.delay = backoffFirst
		}
		if o.answered > 0 { // a part of a cluster; the others must not wait
			h.delay = 0
		}
		if at-h.failing >= s.patience() && !s.down.Swap(true) {
			s.report(h.fault)
		}
	case o.answered > 0 && h.doubts > 0:
		h.delay = 0 // others are answered; of those that were not, nobody knows yet
	case o.answered > 0:
		h.failing, h.delay = 0, 0
		if s.down.Swap(false) {
			s.report("")
			h.lost = true // a master that took over may not know everything
		}
	}
	if h.lost && h.failing == 0 && (h.counted == 0 || at-h.counted >= recountEvery) {
		h.lost, h.counted = false, at
		s.recount()
	}
}

// close ends the goroutine and tells Redis what it does not know yet, within
// half a second. From then on every decision is made alone.
func (s *asyncStore) close(ctx context.Context) error {
	s.end.Do(func() { close(s.ending) })
	s.begin.Do(func() { close(s.ended) }) // it never ran
	ctx, cancel := context.WithTimeout(ctx, closeWithin)
	defer cancel()
	select {
	case <-s.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer s.down.Store(true)
	s.closing = true
	for {
		switch o := s.round(ctx); {
		case o.answered > 0: // there may be more
		case o.failed > 0:
			return fmt.Errorf("%w: %w", errUnsent, o.err)
		case s.queue.empty():
			return nil
		}
	}
}
