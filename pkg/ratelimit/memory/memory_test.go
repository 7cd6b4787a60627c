package memory_test

import (
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/limitertest"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

var (
	start = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	utc   = ratelimit.NewCalendar(time.UTC)
	free  = ratelimit.Tier{Name: "free", Second: 20, Day: 50_000}
)

func TestConformance(t *testing.T) {
	limitertest.Run(t, func(start time.Time) ratelimit.Limiter {
		return memory.New(start, memory.Options{MaxKeys: 1000, MaxFallbacks: 1000})
	})
}

func key(i int) ratelimit.Key {
	return ratelimit.ByClaim("route", "https://idp.example", "client_id", "client-"+strconv.Itoa(i))
}

func fallback(i int) ratelimit.Key {
	return ratelimit.FallbackAddress("route", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
}

func TestDecisionsAllocateNothing(t *testing.T) {
	l := memory.New(start, memory.Options{MaxKeys: 1})
	now, one, two := start, key(1), key(2)
	l.Allow(now, one, free, utc)
	l.Allow(now, two, free, utc)
	for name, k := range map[string]ratelimit.Key{"known key": one, "overflow": two} {
		for _, tier := range []ratelimit.Tier{free, counting} {
			for _, pause := range []time.Duration{time.Second, 0} {
				if n := testing.AllocsPerRun(1000, func() {
					now = now.Add(pause)
					l.Allow(now, k, tier, utc)
				}); n != 0 {
					t.Errorf("%s, tier %s, a request every %v: expected no allocation, got %v", name, tier.Name, pause, n)
				}
			}
		}
	}
}

// A million keys, restored because that is quick. What a key takes depends on how
// far slices and maps have grown: 105 to 135 bytes at other numbers of keys.
func TestBytesPerKey(t *testing.T) {
	const keys, most = 1_000_000, 150
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	l := memory.New(start, memory.Options{MaxKeys: keys})
	random := rand.NewChaCha8([32]byte{})
	var digest [ratelimit.DigestSize]byte
	for range keys {
		_, _ = random.Read(digest[:])
		l.Restore(ratelimit.RestoreKey(digest, false), ratelimit.State{Used: 1})
	}
	per := (heap() - before) / keys
	if got := l.Stats().Keys; got != keys {
		t.Fatalf("expected %d keys, got %d", keys, got)
	}
	t.Logf("%d bytes per key at %d keys", per, keys)
	if per > most {
		t.Errorf("expected at most %d bytes per key, got %d", most, per)
	}
}

// A second instance of the plugin may ask for more room; what is counted stays
// counted, and asking for less takes nothing away.
func TestRaiseMakesRoomAndForgetsNothing(t *testing.T) {
	tier := ratelimit.Tier{Name: "daily", Day: 1}
	l := memory.New(start, memory.Options{MaxKeys: 1})
	l.Allow(start, key(1), tier, utc)
	if d := l.Allow(start, key(2), tier, utc); !d.Overflow {
		t.Fatalf("expected no room for a second key, got %+v", d)
	}
	l.Raise(memory.Options{MaxKeys: 3})
	l.Raise(memory.Options{MaxKeys: 2})
	if d := l.Allow(start, key(2), tier, utc); d.Overflow || !d.Allowed {
		t.Errorf("expected a counter of its own for the second key, got %+v", d)
	}
	l.Allow(start, key(3), tier, utc)
	if d := l.Allow(start, key(1), tier, utc); d.Allowed {
		t.Error("the first key's day began anew")
	}
	if n := l.Stats().Keys; n != 3 {
		t.Errorf("expected 3 keys, got %d", n)
	}
}
