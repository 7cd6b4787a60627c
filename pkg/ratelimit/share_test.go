package ratelimit_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// Nodes that see nothing of each other, where each lets an admission weigh as
// many as there are nodes, keep together to what one of them may admit alone;
// but each admits one request where the share of a bucket or a window is less.
func TestSharesAddUpToTheTier(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		nodes := rapid.Int64Range(1, 12).Draw(rt, "nodes")
		tier := ratelimit.Tier{
			Name: "t", Second: rapid.Int64Range(1, 100).Draw(rt, "second"), Burst: rapid.Int64Range(1, 60).Draw(rt, "burst"),
			Minute: rapid.Int64Range(0, 300).Draw(rt, "minute"), Hour: rapid.Int64Range(0, 500).Draw(rt, "hour"), Day: rapid.Int64Range(0, 500).Draw(rt, "day"),
		}
		// What the nodes knew last, before they lost sight of each other.
		used := rapid.Int64Range(0, max(1, tier.Day)).Draw(rt, "used")
		before := ratelimit.State{Used: used, Day: utc.Day(noon).Number, DayEnd: utc.Day(noon).End}
		states := make([]ratelimit.State, nodes)
		for i := range states {
			states[i] = before
		}
		var admitted []time.Duration
		at := time.Duration(0)
		for range 400 {
			at += time.Duration(rapid.Int64Range(0, int64(20*time.Millisecond)).Draw(rt, "pause"))
			i := rapid.IntRange(0, int(nodes)-1).Draw(rt, "node")
			var d ratelimit.Decision
			if states[i], d = states[i].Spend(at, noon.Add(at), tier, utc.Day(noon), nodes); d.Allowed {
				admitted = append(admitted, at)
			}
		}
		sum := int64(len(admitted)) // all of it within one minute
		for name, w := range map[string]struct{ limit, used int64 }{"minute": {tier.Minute, 0}, "hour": {tier.Hour, 0}, "day": {tier.Day, used}} {
			most := w.limit - w.used
			if w.limit < nodes && w.used == 0 {
				most = nodes
			}
			if w.limit > 0 && sum > max(0, most) {
				rt.Fatalf("%s of %d, %d used, %d nodes: expected at most %d admissions, got %d", name, w.limit, w.used, nodes, most, sum)
			}
		}
		burst := max(tier.Burst, nodes)
		for i := range admitted {
			for j := i; j < len(admitted); j++ {
				n, span := int64(j-i+1), admitted[j]-admitted[i]
				if (n-burst)*int64(time.Second) > tier.Second*int64(span) {
					rt.Fatalf("%d nodes: %d admitted within %v, burst %d, %d per second", nodes, n, span, burst, tier.Second)
				}
			}
		}
	})
}

// A node of three has a third of each window, and says so.
func TestShareIsToldInRequests(t *testing.T) {
	tier := ratelimit.Tier{Second: 30, Minute: 20, Hour: 2, Day: 100}
	s, d := ratelimit.State{}.Spend(0, noon, tier, utc.Day(noon), 3)
	for name, q := range map[string]struct{ got, expected int64 }{
		"second": {d.Second.Remaining, 9}, "minute": {d.Minute.Remaining, 5}, "hour": {d.Hour.Remaining, 0}, "day": {d.Day.Remaining, 32},
	} {
		if q.got != q.expected {
			t.Errorf("%s: expected %d remaining, got %d", name, q.expected, q.got)
		}
	}
	tier.Hour = 0
	for i := range 6 {
		if s, d = s.Spend(0, noon, tier, utc.Day(noon), 3); d.Allowed != (i < 5) {
			t.Errorf("request %d: expected 20 / 3 within the minute, got %+v", i+2, d)
		}
	}
	if d.Window != ratelimit.WindowMinute || d.Minute.Remaining != 0 || d.Second.Remaining != 4 {
		t.Errorf("expected a denial by the minute with 4 left in the second, got %+v", d)
	}
}

// The wait that a share asks for is exact too.
func TestShareRetryAfterIsExact(t *testing.T) {
	for _, burst := range []int64{1, 2, 7, 10} {
		tier := ratelimit.Tier{Second: 7, Burst: burst}
		var s ratelimit.State
		at, d := time.Duration(0), ratelimit.Decision{Allowed: true}
		for d.Allowed {
			s, d = s.Spend(at, noon, tier, utc.Day(noon), 3)
		}
		if _, early := s.Spend(at+d.RetryAfter-1, noon, tier, utc.Day(noon), 3); early.Allowed || early.RetryAfter != 1 {
			t.Errorf("burst %d: 1 ns before RetryAfter %v: %+v", burst, d.RetryAfter, early)
		}
		if _, then := s.Spend(at+d.RetryAfter, noon, tier, utc.Day(noon), 3); !then.Allowed {
			t.Errorf("burst %d: after RetryAfter %v: %+v", burst, d.RetryAfter, then)
		}
	}
}

// A bucket smaller than the cost has room for one request when it is empty.
func TestSmallBucketHasRoomForOne(t *testing.T) {
	tier := ratelimit.Tier{Second: 1, Burst: 2, Day: 1}
	s := ratelimit.State{Used: 1, Day: utc.Day(noon).Number, DayEnd: utc.Day(noon).End}
	if _, d := s.Spend(0, noon, tier, utc.Day(noon), 3); d.Window != ratelimit.WindowDay || d.Second.Remaining != 1 {
		t.Errorf("with the day used up: expected a denial with one left in the second, got %+v", d)
	}
	s.Used = 0
	s, d := s.Spend(0, noon, tier, utc.Day(noon), 3)
	if !d.Allowed || d.Second.Remaining != 0 || s.TAT != 3*time.Second {
		t.Errorf("expected one request that weighs three, got %+v, %+v", d, s)
	}
}
