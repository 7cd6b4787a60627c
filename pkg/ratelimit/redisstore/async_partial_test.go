package redisstore

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// partial is a Redis of which a part does not answer: a cluster that has lost a
// master, or a server that still reads and no longer writes.
type partial struct {
	*direct
	gone func(*query) bool
}

// exchange implements [wire].
func (w *partial) exchange(ctx context.Context, queries []query) {
	w.direct.exchange(ctx, queries)
	for i := range queries {
		if w.gone(&queries[i]) {
			queries[i].err, queries[i].fields = errGone, nil
		}
	}
}

// TestNewKeysDoNotHideAFault: new clients of the part that answers come all the
// time. The part that does not is away all the same, from its patience on until
// it answers, and that is told once.
func TestNewKeysDoNotHideAFault(t *testing.T) {
	for name, gone := range map[string]func(*query) bool{
		"a part of a cluster":  func(q *query) bool { return q.key == alice },
		"reads without writes": func(q *query) bool { return q.text != nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broken atomic.Bool // while true, gone is
				wire := &partial{&direct{hashes: hashes{}, field: "n"}, func(q *query) bool { return broken.Load() && gone(q) }}
				p := &peer{wire: wire.direct}
				s := newAsync(newClock(time.Now), wire, 0, p.tell)
				p.async = s.view(View{SyncRate: 100 * time.Millisecond, Fault: FaultDeny})
				s.start()
				defer func() { _ = s.close(context.Background()) }()
				p.request(free)
				after(time.Second)
				broken.Store(true)
				admitted := 0
				for i := range 100 {
					if d := p.request(free); d.Allowed && i >= 20 {
						admitted++
					}
					p.Allow(time.Now(), ratelimit.ByConsumer("n", strconv.Itoa(i)), free, utc)
					after(100 * time.Millisecond)
				}
				p.expectTold(t, FaultUnreachable)
				if admitted > 0 {
					t.Errorf("expected no admission of a key that nobody counts, got %d of 80", admitted)
				}
				broken.Store(false)
				after(10 * time.Second)
				p.expectTold(t, FaultUnreachable, "")
				if d := p.request(free); !d.Allowed || d.Degraded {
					t.Errorf("expected an ordinary admission when all is back, got %+v", d)
				}
			})
		})
	}
}

// TestQueueIsBoundedWhileKeysMoveUp: each key is used and then denied between any
// two exchanges, and there are more of them than a round has room for.
func TestQueueIsBoundedWhileKeysMoveUp(t *testing.T) {
	const keys = 2 * budget
	p := newPeer(hashes{}, "n", View{})
	one := ratelimit.Tier{Name: "one", Second: 1}
	list := make([]ratelimit.Key, keys)
	for i := range list {
		list[i] = ratelimit.ByConsumer("n", strconv.Itoa(i))
	}
	for range 8 {
		p.now = p.now.Add(time.Second)
		for _, key := range list {
			p.Allow(p.now, key, one, utc)
			p.Allow(p.now, key, one, utc)
		}
		p.sync()
	}
	for place, line := range p.queue.lines {
		if n := len(line) - p.queue.heads[place]; n > keys {
			t.Errorf("place %d: expected at most the %d keys, got %d", place, keys, n)
		}
		seen := slices.Clone(line[p.queue.heads[place]:])
		slices.SortFunc(seen, func(a, b ratelimit.Key) int {
			x, y := a.Digest(), b.Digest()
			return slices.Compare(x[:], y[:])
		})
		if n := len(seen) - len(slices.Compact(seen)); n > 0 {
			t.Errorf("place %d: expected each key once, got %d more", place, n)
		}
	}
}

// TestAnOutageEndsWhenEveryKeyIsAnswered: more keys met it than a round has room
// for, and each of them has to be heard of again.
func TestAnOutageEndsWhenEveryKeyIsAnswered(t *testing.T) {
	const keys = 2 * budget
	p := newPeer(hashes{}, "n", View{})
	for i := range keys {
		p.Allow(p.now, ratelimit.ByConsumer("n", strconv.Itoa(i)), free, utc)
	}
	p.wire.broken.Store(true)
	for range 2 * keys / chunk { // a round gives up at the first chunk
		p.now = p.now.Add(time.Second)
		p.sync()
	}
	if p.health.doubts != keys {
		t.Errorf("expected all of %d keys in doubt, got %d", keys, p.health.doubts)
	}
	p.expectTold(t, FaultUnreachable)
	p.wire.broken.Store(false)
	p.sync()
	p.expectTold(t, FaultUnreachable) // half of them are not
	for range 3 {
		p.sync()
	}
	p.expectTold(t, FaultUnreachable, "")
	if p.health.doubts != 0 {
		t.Errorf("expected no key in doubt, got %d", p.health.doubts)
	}
}
