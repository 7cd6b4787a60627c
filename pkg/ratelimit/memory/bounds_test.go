package memory_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

var daily = ratelimit.Tier{Name: "daily", Day: 5}

func TestFullTableSharesOneCounterPerTier(t *testing.T) {
	const full = 300
	l := memory.New(start, memory.Options{MaxKeys: full})
	for i := range full {
		if d := l.Allow(start, key(i), daily, utc); !d.Allowed || d.Overflow {
			t.Fatalf("key %d: expected an allowed request of its own, got %+v", i, d)
		}
	}
	other := ratelimit.Tier{Name: "other", Day: 3}
	for name, c := range map[string]struct {
		tier ratelimit.Tier
		from int
	}{"first tier": {daily, 10_000}, "second tier": {other, 20_000}} {
		passed := 0
		for i := range 200 {
			d := l.Allow(start, key(c.from+i), c.tier, utc)
			if !d.Overflow {
				t.Fatalf("%s: key %d beyond the bound: expected a shared counter, got %+v", name, i, d)
			}
			if d.Allowed {
				passed++
			}
		}
		if int64(passed) != c.tier.Day {
			t.Errorf("%s: expected %d requests of all keys together, got %d", name, c.tier.Day, passed)
		}
	}
	for i := range full {
		if d := l.Allow(start, key(i), daily, utc); !d.Allowed || d.Overflow || d.Day.Remaining != 3 {
			t.Fatalf("key %d after the overflow: expected its own counter with 3 left, got %+v", i, d)
		}
	}
	if got, expected := l.Stats(), (memory.Stats{Keys: full, Overflows: 400}); got != expected {
		t.Errorf("expected %+v, got %+v", expected, got)
	}
}

func TestOverflowTiersAreBounded(t *testing.T) {
	l := memory.New(start, memory.Options{MaxKeys: 1})
	l.Allow(start, key(0), daily, utc)
	passed := 0
	for i := range 1000 {
		tier := ratelimit.Tier{Name: strconv.Itoa(i), Day: 1}
		if l.Allow(start, key(1), tier, utc).Allowed {
			passed++
		}
	}
	if passed != 257 {
		t.Errorf("expected one request for each of 256 tiers and one for all others, got %d", passed)
	}
}

func TestFallbacksTakeNoRoomOfIdentities(t *testing.T) {
	l := memory.New(start, memory.Options{MaxKeys: 100})
	for i := range 1000 {
		l.Allow(start, fallback(i), daily, utc)
	}
	if got, expected := l.Stats(), (memory.Stats{Fallbacks: 10, Overflows: 990}); got != expected {
		t.Errorf("expected %+v, got %+v", expected, got)
	}
	for i := range 100 {
		if d := l.Allow(start, key(i), daily, utc); d.Overflow {
			t.Fatalf("identity %d: expected its own counter, got %+v", i, d)
		}
	}
}

func TestSweepMakesRoomAfterTheDay(t *testing.T) {
	for _, full := range []int{1, 30, 2000} {
		l := memory.New(start, memory.Options{MaxKeys: full})
		for i := range full {
			l.Allow(start, key(i), daily, utc)
		}
		// The last second of the day: everything counted is still alive.
		now := start.Add(12*time.Hour - time.Second)
		for i := range 100 {
			if d := l.Allow(now, key(100_000+i), daily, utc); !d.Overflow {
				t.Fatalf("%d keys: a counter of the running day was given up for another key: %+v", full, d)
			}
		}
		// Tomorrow all of it is idle, and as many new keys find room.
		now = start.Add(12 * time.Hour)
		for i := range full {
			if d := l.Allow(now, key(200_000+i), daily, utc); d.Overflow && i < full/2 {
				t.Fatalf("%d keys: new key %d of the next day: expected its own counter, got %+v", full, i, d)
			}
		}
		if got := l.Stats().Keys; got > int64(full) || got < int64(full)/2 {
			t.Errorf("%d keys: expected no more than that and no fewer than half, got %d", full, got)
		}
	}
}

func TestFullTableFindsItsOnlyIdleEntry(t *testing.T) {
	const full = 30
	for idle := range full {
		l := memory.New(start, memory.Options{MaxKeys: full})
		for i := range full {
			tier := daily
			if i == idle {
				tier = ratelimit.Tier{Name: "brief", Second: 10}
			}
			l.Allow(start, key(i), tier, utc)
		}
		if d := l.Allow(start.Add(time.Second), key(full), daily, utc); d.Overflow {
			t.Errorf("entry %d is idle: expected its room for another key, got %+v", idle, d)
		}
	}
}

func TestSweepSparesAFullBucket(t *testing.T) {
	wide := ratelimit.Tier{Name: "wide", Second: 1, Burst: 60}
	l := memory.New(start, memory.Options{MaxKeys: 1})
	for range 60 {
		l.Allow(start, key(0), wide, utc)
	}
	if d := l.Allow(start.Add(59*time.Second), key(1), wide, utc); !d.Overflow {
		t.Errorf("one second before the bucket is empty: expected overflow, got %+v", d)
	}
	if d := l.Allow(start.Add(60*time.Second), key(1), wide, utc); d.Overflow {
		t.Errorf("with the bucket empty: expected a counter of its own, got %+v", d)
	}
}

func TestConcurrentKeysStayWithinTheirBounds(t *testing.T) {
	const workers, rounds, keys, full = 16, 5, 100, 50
	l := memory.New(start, memory.Options{MaxKeys: full})
	known := make([]ratelimit.Key, keys)
	for i := range known {
		known[i] = key(i)
	}
	var (
		own    [workers][keys]int64
		shared [workers]int64
		wg     sync.WaitGroup
	)
	for w := range workers {
		wg.Go(func() {
			for i := range rounds * keys {
				k := (i + w*7) % keys // each worker starts elsewhere
				switch d := l.Allow(start, known[k], daily, utc); {
				case d.Allowed && d.Overflow:
					shared[w]++
				case d.Allowed:
					own[w][k]++
				}
			}
		})
	}
	wg.Wait()
	var all, overflow int64
	for k := range keys {
		n := int64(0)
		for w := range workers {
			n += own[w][k]
		}
		if n != 0 && n != daily.Day {
			t.Errorf("key %d: expected %d requests or none, got %d", k, daily.Day, n)
		}
		all += n
	}
	for _, n := range shared {
		overflow += n
	}
	if all != full*daily.Day || overflow != daily.Day {
		t.Errorf("expected %d requests of %d keys and %d of all others, got %d and %d", full*daily.Day, full, daily.Day, all, overflow)
	}
}

func TestConcurrentOverflowCountsEachRequest(t *testing.T) {
	const workers, each = 16, 500
	tier := ratelimit.Tier{Name: "shared", Day: workers*each - 1}
	l := memory.New(start, memory.Options{MaxKeys: 1})
	l.Allow(start, key(0), tier, utc)
	var (
		passed [workers]int
		wg     sync.WaitGroup
	)
	for w := range workers {
		own := key(w + 1)
		wg.Go(func() {
			for range each {
				if l.Allow(start, own, tier, utc).Allowed {
					passed[w]++
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range passed {
		total += n
	}
	if int64(total) != tier.Day {
		t.Errorf("expected all but one of %d requests, got %d", workers*each, total)
	}
}
