package redisstore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// inBubble runs a node with its goroutine in a time that passes at will.
func inBubble(t *testing.T, v View, test func(t *testing.T, p *peer)) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{wire: &direct{hashes: hashes{}, field: "n"}}
		s := newAsync(newClock(time.Now), p.wire, 0, p.tell)
		p.async = s.view(v)
		s.start()
		test(t, p)
		_ = s.close(context.Background()) // a second one does nothing
	})
}

// request sends one request at the bubble's present.
func (p *peer) request(tier ratelimit.Tier) ratelimit.Decision {
	return p.Allow(time.Now(), alice, tier, utc)
}

// after lets time pass until all that is due has happened.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestNewKeysAreReadAtOnce(t *testing.T) {
	inBubble(t, View{SyncRate: 10 * time.Second}, func(t *testing.T, p *peer) {
		after(time.Second)
		p.request(free)
		after(2 * newEvery)
		if p.wire.queries.Load() != 1 {
			t.Errorf("expected one query, got %d", p.wire.queries.Load())
		}
		p.request(free)
		after(time.Second)
		if p.wire.queries.Load() != 1 {
			t.Errorf("a known key has time until the next round, got %d queries", p.wire.queries.Load())
		}
		after(11 * time.Second)
		if p.wire.queries.Load() != 2 {
			t.Errorf("expected another query in the next round, got %d", p.wire.queries.Load())
		}
		after(time.Hour)
		if p.wire.queries.Load() != 2 {
			t.Errorf("an idle key needs no exchange, got %d queries", p.wire.queries.Load())
		}
	})
}

func TestExchangesThatFailAreTriedLessAndLess(t *testing.T) {
	inBubble(t, View{SyncRate: 20 * time.Millisecond}, func(t *testing.T, p *peer) {
		p.request(free)
		after(time.Second)
		p.wire.broken.Store(true)
		before := p.wire.asked.Load()
		p.request(free)
		after(time.Minute)
		if n := p.wire.asked.Load() - before; n < 14 || n > 22 {
			t.Errorf("expected about 18 tries in a minute, got %d", n)
		}
		p.wire.broken.Store(false)
		after(6 * time.Second)
		p.expectTold(t, FaultUnreachable, "")
	})
}

func TestAFaultPolicyDecidesAlone(t *testing.T) {
	tier := ratelimit.Tier{Name: "t", Second: 30, Day: 900}
	for _, c := range []struct {
		name   string
		policy FaultPolicy
		count  func(t *testing.T, admitted int, last ratelimit.Decision)
	}{
		{"local", FaultLocal, func(t *testing.T, admitted int, last ratelimit.Decision) {
			if admitted < 95 || admitted > 110 { // ten seconds at a third of the rate
				t.Errorf("expected about 100 admissions, got %d", admitted)
			}
		}},
		{"allow", FaultAllow, func(t *testing.T, admitted int, last ratelimit.Decision) {
			if expected := (ratelimit.Decision{Allowed: true, Degraded: true}); admitted != 1000 || last != expected {
				t.Errorf("expected all of 1000 and %+v, got %d and %+v", expected, admitted, last)
			}
		}},
		{"deny", FaultDeny, func(t *testing.T, admitted int, last ratelimit.Decision) {
			if expected := (ratelimit.Decision{Degraded: true, RetryAfter: time.Second}); admitted != 0 || last != expected {
				t.Errorf("expected none and %+v, got %d and %+v", expected, admitted, last)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, View{SyncRate: 100 * time.Millisecond, Nodes: 3, Fault: c.policy}, func(t *testing.T, p *peer) {
				counted := 0
				send := func() (d ratelimit.Decision) {
					if d = p.request(tier); d.Allowed && d.Day.Limit > 0 {
						counted++
					}
					return d
				}
				send()
				after(time.Second)
				p.wire.broken.Store(true)
				for i := range 300 {
					if d := send(); d.Degraded && i < 90 {
						t.Fatalf("expected a decision with Redis for the first second, got %+v", d)
					}
					after(10 * time.Millisecond)
				}
				if !p.down.Load() {
					t.Fatal("expected a store that is down after three seconds")
				}
				admitted, last := 0, ratelimit.Decision{}
				for range 1000 {
					if last = send(); last.Allowed {
						admitted++
					}
					if !last.Degraded {
						t.Fatalf("expected a degraded decision, got %+v", last)
					}
					after(10 * time.Millisecond)
				}
				c.count(t, admitted, last)
				p.wire.broken.Store(false)
				after(6 * time.Second)
				d := send()
				if d.Degraded || d.Day.Remaining != tier.Day-int64(counted) {
					t.Errorf("with Redis again: expected %d left, got %+v", tier.Day-int64(counted), d)
				}
				p.expectTold(t, FaultUnreachable, "")
			})
		})
	}
}

func TestABlipIsNotToldAndDegradesNothing(t *testing.T) {
	inBubble(t, View{SyncRate: 100 * time.Millisecond}, func(t *testing.T, p *peer) {
		p.request(free)
		after(time.Second)
		for range 5 {
			p.wire.broken.Store(true)
			for range 80 {
				if d := p.request(free); d.Degraded {
					t.Fatalf("expected a decision with Redis, got %+v", d)
				}
				after(10 * time.Millisecond)
			}
			p.wire.broken.Store(false)
			after(3 * time.Second)
		}
		p.expectTold(t)
	})
}

// In a cluster of which a part is gone, only the keys of that part are decided
// alone.
func TestAPartOfAClusterIsAPartOfTheKeys(t *testing.T) {
	p := newPeer(hashes{}, "n", View{Nodes: 3})
	bob := ratelimit.ByConsumer("", "bob")
	half := &partly{direct: p.wire, gone: bob}
	p.asyncStore.wire = half
	var d [2]ratelimit.Decision
	for range 30 {
		p.now = p.now.Add(100 * time.Millisecond)
		d[0], d[1] = p.Allow(p.now, alice, free, utc), p.Allow(p.now, bob, free, utc)
		p.sync()
		if p.health.delay != 0 {
			t.Fatal("expected no pause for the keys that can be exchanged")
		}
	}
	if d[0].Degraded || !d[1].Degraded {
		t.Errorf("expected only bob degraded, got %+v and %+v", d[0], d[1])
	}
}

// partly is a wire on which one key fails.
type partly struct {
	*direct
	gone ratelimit.Key
}

func (p *partly) exchange(ctx context.Context, queries []query) {
	p.direct.exchange(ctx, queries)
	for i := range queries {
		if queries[i].key == p.gone {
			queries[i].err = errGone
		}
	}
}

func TestCloseTellsWhatIsLeft(t *testing.T) {
	inBubble(t, View{SyncRate: time.Minute}, func(t *testing.T, p *peer) {
		for i := range 2000 {
			p.Allow(time.Now(), ratelimit.ByConsumer("", string(rune('a'+i))), free, utc)
		}
		if err := p.close(t.Context()); err != nil {
			t.Error(err)
		}
		if len(p.wire.hashes) != 2000 {
			t.Errorf("expected 2000 keys in Redis, got %d", len(p.wire.hashes))
		}
	})
	inBubble(t, View{SyncRate: time.Minute}, func(t *testing.T, p *peer) {
		p.wire.broken.Store(true)
		p.request(free)
		begin := time.Now()
		if err := p.close(t.Context()); !errors.Is(err, errUnsent) || !errors.Is(err, errGone) {
			t.Errorf("expected %v, got %v", errUnsent, err)
		}
		if took := time.Since(begin); took > closeWithin {
			t.Errorf("expected no more than %v, got %v", closeWithin, took)
		}
	})
}

// A key that others use, too, is read again as long as its bucket holds
// something, but not for ever.
func TestASharedBucketIsKeptUpToDate(t *testing.T) {
	h := hashes{}
	a, b := newPeer(h, "a", View{Nodes: 2}), newPeer(h, "b", View{Nodes: 2})
	tier := ratelimit.Tier{Name: "t", Second: 10, Burst: 20}
	a.pass(1, tier)
	a.sync()
	b.pass(10, tier)
	b.sync()
	if b.sync(); !b.waiting() {
		t.Error("expected another exchange while the bucket holds something")
	}
	b.now = b.now.Add(3 * time.Second)
	if b.sync(); b.waiting() {
		t.Error("expected no further exchange of an empty bucket")
	}
	b.pass(10, tier)
	if err := b.close(t.Context()); err != nil || b.waiting() {
		t.Errorf("expected to close at once, got %v", err)
	}
}
