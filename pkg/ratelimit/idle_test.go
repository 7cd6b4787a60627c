package ratelimit_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

func TestIdle(t *testing.T) {
	s, _ := ratelimit.State{}.Spend(0, noon, ratelimit.Tier{Second: 10, Burst: 1, Day: 5}, utc.Day(noon), 1)
	for _, c := range []struct {
		name     string
		at       time.Duration
		now      time.Time
		expected bool
	}{
		{"at once", 0, noon, false},
		{"with the day running", time.Hour, noon.Add(time.Hour), false},
		{"with the bucket not yet empty", 99 * time.Millisecond, noon.Add(24 * time.Hour), false},
		{"at the end of both", 100 * time.Millisecond, noon.Add(12 * time.Hour), true},
	} {
		if got := s.Idle(c.at, c.now); got != c.expected {
			t.Errorf("%s: expected %v, got %v", c.name, c.expected, got)
		}
	}
	for name, tier := range map[string]ratelimit.Tier{"a day": {Day: 5}, "an hour": {Hour: 5}, "a minute": {Minute: 5}} {
		s, _ := ratelimit.State{}.Spend(0, noon, tier, utc.Day(noon), 1)
		length := map[string]time.Duration{"a day": 12 * time.Hour, "an hour": time.Hour, "a minute": time.Minute}[name]
		if s.Idle(time.Hour, noon.Add(length-1)) || !s.Idle(time.Hour, noon.Add(length)) {
			t.Errorf("%s: expected idle from its end on, %v later", name, length)
		}
		if !s.Idle(time.Hour, noon.AddDate(-11, 0, 0)) {
			t.Errorf("%s: counted by a clock eleven years ahead: expected idle", name)
		}
		if s.Idle(time.Hour, noon.Add(-time.Second)) {
			t.Errorf("%s: with the clock stepped back over its beginning: expected not idle", name)
		}
	}
	if !s.Idle(time.Hour, noon.AddDate(-11, 0, 0)) {
		t.Error("counted by a clock eleven years ahead: expected idle")
	}
	if !(ratelimit.State{}).Idle(0, time.Unix(math.MinInt32, 0)) {
		t.Error("a key never seen: expected idle")
	}
}

// Forgetting what is idle changes no decision, under any tier, then or later.
func TestForgettingTheIdleChangesNothing(t *testing.T) {
	forgotten := 0
	rapid.Check(t, func(rt *rapid.T) {
		tier := func() ratelimit.Tier {
			limit := func(w string) int64 { return rapid.Int64Range(0, 5).Draw(rt, w) }
			return ratelimit.Tier{Second: limit("second"), Minute: limit("minute"), Hour: limit("hour"), Day: 1 + limit("day")}
		}
		var s ratelimit.State
		at := time.Duration(0)
		for range 50 {
			most := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}).Draw(rt, "pause of up to")
			at += time.Duration(rapid.Int64Range(0, int64(most)).Draw(rt, "pause"))
			now, with := noon.Add(at), tier()
			next, d := s.Spend(at, now, with, utc.Day(now), 1)
			if s.Idle(at, now) {
				forgotten++
				if _, fresh := (ratelimit.State{}).Spend(at, now, with, utc.Day(now), 1); fresh != d {
					rt.Fatalf("%+v is idle at %v, but matters:\nwithout %+v\nwith    %+v", s, at, fresh, d)
				}
			}
			s = next
		}
	})
	if forgotten == 0 {
		t.Error("no state was ever idle")
	}
}
