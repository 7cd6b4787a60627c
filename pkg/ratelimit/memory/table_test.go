package memory_test

import (
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

// A bounded table that sweeps answers as an unbounded map that forgets nothing,
// but for keys that find no room; and those never had a counter still alive.
func TestTableAgreesWithAMapThatForgetsNothing(t *testing.T) {
	tiers := []ratelimit.Tier{
		{Name: "brief", Second: 10, Burst: 2},
		{Name: "daily", Day: 4},
		{Name: "both", Second: 5, Day: 6},
	}
	rapid.Check(t, func(rt *rapid.T) {
		bound := rapid.IntRange(1, 20).Draw(rt, "bound")
		l := memory.New(start, memory.Options{MaxKeys: bound})
		states, now := map[int]ratelimit.State{}, start
		for range 100 {
			most := rapid.SampledFrom([]time.Duration{0, 300 * time.Millisecond, 10 * time.Hour}).Draw(rt, "pause of up to")
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(most)).Draw(rt, "pause")))
			k := rapid.IntRange(0, 30).Draw(rt, "key")
			tier := rapid.SampledFrom(tiers).Draw(rt, "tier")

			got := l.Allow(now, key(k), tier, utc)
			next, expected := states[k].Spend(now.Sub(start), now, tier, utc.Day(now), 1)
			switch {
			case !got.Overflow && got != expected:
				rt.Fatalf("key %d, tier %s at %v:\nexpected %+v\ngot      %+v", k, tier.Name, now, expected, got)
			case !got.Overflow:
				states[k] = next
			case !states[k].Idle(now.Sub(start), now):
				rt.Fatalf("key %d at %v was forgotten with %+v", k, now, states[k])
			}
			if n := l.Stats().Keys; n > int64(bound) {
				rt.Fatalf("expected at most %d keys, got %d", bound, n)
			}
		}
	})
}

func TestWallClockStepLeavesTheSecondWindow(t *testing.T) {
	begin := time.Now()
	l := memory.New(begin, memory.Options{MaxKeys: 1})
	tier := ratelimit.Tier{Name: "t", Second: 10}
	for range 10 {
		l.Allow(begin, key(0), tier, utc)
	}
	for _, step := range []time.Duration{-time.Hour, time.Hour} {
		now := stepWall(t, begin.Add(50*time.Millisecond), step)
		if d := l.Allow(now, key(0), tier, utc); d.Allowed || d.RetryAfter != 50*time.Millisecond {
			t.Errorf("clock stepped by %v: expected a denial for 50 ms, got %+v", step, d)
		}
	}
	for i, step := range []time.Duration{-time.Hour, time.Hour} {
		now := stepWall(t, begin.Add(time.Duration(i+1)*100*time.Millisecond), step)
		if d := l.Allow(now, key(0), tier, utc); !d.Allowed {
			t.Errorf("clock stepped by %v, an interval later: expected to pass, got %+v", step, d)
		}
	}
}

// stepWall changes the wall clock of t and leaves its monotonic reading, as an
// administrator's date(1) does between two calls of time.Now. Package time has
// no way to say that, so this writes the wall seconds where it keeps them and
// then makes sure that it did.
func stepWall(t *testing.T, now time.Time, step time.Duration) time.Time {
	t.Helper()
	stepped := now
	wall := (*uint64)(unsafe.Pointer(&stepped)) // 1 bit, 33 bits of seconds, 30 bits of nanoseconds
	*wall += uint64(step/time.Second) << 30
	if stepped.Sub(now) != 0 || stepped.Unix()-now.Unix() != int64(step/time.Second) {
		t.Fatalf("expected %v with its wall clock stepped by %v, got %v", now, step, stepped)
	}
	return stepped
}
