package ratelimit_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

var (
	noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	utc  = ratelimit.NewCalendar(time.UTC)
)

func TestWallClockStepLeavesTheSecondWindow(t *testing.T) {
	tier := ratelimit.Tier{Name: "t", Second: 10}
	for _, step := range []time.Duration{0, -time.Hour, time.Hour, -20 * 24 * time.Hour} {
		var s ratelimit.State
		passed := 0
		for i := range 100 {
			at, now := time.Duration(i)*10*time.Millisecond, noon.Add(time.Duration(i)*10*time.Millisecond)
			if i >= 50 {
				now = now.Add(step)
			}
			next, d := s.Spend(at, now, tier, utc.Day(now), 1)
			if s = next; d.Allowed {
				passed++
			}
		}
		if passed != 19 { // 10 at once, 9 in the 990 ms after that
			t.Errorf("wall clock stepped by %v: expected 19 requests within a second, got %d", step, passed)
		}
	}
}

func TestWrongClockNeitherResetsNorOutlastsTheDay(t *testing.T) {
	tier := ratelimit.Tier{Name: "t", Day: 3}
	spend := func(s ratelimit.State, now time.Time) (ratelimit.State, ratelimit.Decision) {
		return s.Spend(0, now, tier, utc.Day(now), 1)
	}
	future := noon.AddDate(11, 0, 0)
	s, _ := spend(ratelimit.State{}, future)
	s, d := spend(s, noon)
	if d.Day.Remaining != 1 {
		t.Errorf("after the clock was put right: expected the count to go on with 1 left, got %+v", d)
	}
	s, _ = spend(s, noon)
	if s, d = spend(s, noon); d.Allowed || d.RetryAfter != 12*time.Hour {
		t.Errorf("the day used up: expected a denial until midnight, got %+v", d)
	}
	if _, d = spend(s, noon.Add(12*time.Hour)); !d.Allowed {
		t.Errorf("the next day: expected a fresh quota, got %+v", d)
	}
}

// Two zones 26 hours apart are two dates apart for two hours of each day. A key
// counted in both never has more than both zones' quotas, and never a denial
// that names no time.
func TestZonesFarApartShareADay(t *testing.T) {
	east := ratelimit.NewCalendar(time.FixedZone("east", 14*60*60))
	west := ratelimit.NewCalendar(time.FixedZone("west", -12*60*60))
	tier := ratelimit.Tier{Name: "t", Day: 5}
	var s ratelimit.State
	passed := 0
	for i := range 5 * 24 * 60 {
		now := noon.Add(time.Duration(i) * time.Minute)
		var d ratelimit.Decision
		s, d = s.Spend(0, now, tier, []*ratelimit.Calendar{east, west}[i/7%2].Day(now), 1)
		if d.Allowed {
			passed++
		} else if d.Window != ratelimit.WindowDay || d.RetryAfter <= 0 {
			t.Fatalf("at %v: expected a denial by the day with a wait, got %+v", now, d)
		}
	}
	if passed < 6*5 || passed > 2*6*5 {
		t.Errorf("expected 5 requests on each of 6 days in one zone or in both, got %d", passed)
	}
}

func TestLongerWaitNamesTheWindow(t *testing.T) {
	slow := ratelimit.Tier{Name: "slow", Second: 1, Burst: 1, Day: 1}
	for _, c := range []struct {
		name     string
		now      time.Time
		window   ratelimit.Window
		retry    time.Duration
		resetDay time.Duration
	}{
		{"at noon the day", noon, ratelimit.WindowDay, 12 * time.Hour, 12 * time.Hour},
		{"at midnight the second", noon.Add(12*time.Hour - 100*time.Millisecond), ratelimit.WindowSecond, time.Second, 100 * time.Millisecond},
	} {
		day := utc.Day(c.now)
		s, _ := ratelimit.State{}.Spend(0, c.now, slow, day, 1)
		_, d := s.Spend(0, c.now, slow, day, 1)
		expected := ratelimit.Decision{
			Window: c.window, RetryAfter: c.retry,
			Second: ratelimit.Quota{Limit: 1, Reset: time.Second},
			Day:    ratelimit.Quota{Limit: 1, Reset: c.resetDay},
		}
		if diff := cmp.Diff(expected, d); diff != "" {
			t.Errorf("%s (-expected +got):\n%s", c.name, diff)
		}
	}
}

func TestLargestTierDoesNotOverflow(t *testing.T) {
	most := ratelimit.Tier{Name: "most", Second: ratelimit.MaxRate, Burst: ratelimit.MaxRate, Day: ratelimit.MaxDay}
	slow := ratelimit.Tier{Name: "slow", Second: 1, Burst: ratelimit.MaxRate}
	day := utc.Day(noon)
	at := 100 * 365 * 24 * time.Hour // a process a century old

	// A bucket full to the last request, built from the longest interval.
	full := ratelimit.State{TAT: at + ratelimit.MaxRate*time.Second, Last: at, Interval: uint32(time.Second)}
	if next, d := full.Spend(at, noon, slow, day, 1); d.Allowed || d.RetryAfter != time.Second || next != full {
		t.Errorf("full: expected a denial for one second that changes nothing, got %+v", d)
	}
	if _, d := full.Spend(at, noon, most, day, 1); d.Allowed || d.RetryAfter != time.Second {
		t.Errorf("full, under the fastest tier: expected a denial for one second, got %+v", d)
	}
	next, d := full.Spend(at+time.Second, noon, most, day, 1)
	if !d.Allowed || next.TAT-next.Last != ratelimit.MaxRate {
		t.Errorf("with one request gone: expected a full bucket of short intervals, got %+v, %+v", d, next)
	}
	back, d := next.Spend(at+time.Second+1, noon, slow, day, 1)
	if !d.Allowed || back.TAT-back.Last != ratelimit.MaxRate*time.Second {
		t.Errorf("back again: expected a full bucket of long intervals, got %+v, %+v", d, back)
	}
}

func TestConversionRoundsAgainstTheClient(t *testing.T) {
	// A third of a request, in nanoseconds of two tiers.
	third := ratelimit.State{TAT: 1, Interval: 3}
	next, _ := third.Spend(0, noon, ratelimit.Tier{Second: 100_000_000}, utc.Day(noon), 1)
	if next.TAT != 4+10 {
		t.Errorf("expected a debt of 4 ns and one interval of 10 ns, got %v", next.TAT)
	}
}

// A denial returns the very state it was given, and an allowed request counts
// once in every window of its tier.
func TestSpendIsAllOrNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var s ratelimit.State
		at := time.Duration(0)
		for range 100 {
			at += time.Duration(rapid.Int64Range(0, int64(200*time.Millisecond)).Draw(rt, "pause"))
			tier := ratelimit.Tier{
				Name: "t", Second: rapid.Int64Range(0, 30).Draw(rt, "second"), Minute: rapid.Int64Range(0, 40).Draw(rt, "minute"),
				Hour: rapid.Int64Range(0, 50).Draw(rt, "hour"), Day: rapid.Int64Range(1, 60).Draw(rt, "day"),
			}
			now := noon.Add(at)
			next, d := s.Spend(at, now, tier, utc.Day(now), 1)
			switch {
			case !d.Allowed && next != s:
				rt.Fatalf("a denial changed %+v to %+v", s, next)
			case !d.Allowed && (d.Window == ratelimit.WindowNone || d.RetryAfter <= 0):
				rt.Fatalf("a denial without window or wait: %+v", d)
			case d.Allowed && next.Used != s.Used+1:
				rt.Fatalf("an allowed request left the day at %d", next.Used)
			case d.Allowed && !countedOnce(s.Minute, next.Minute, tier.Minute) || d.Allowed && !countedOnce(s.Hour, next.Hour, tier.Hour):
				rt.Fatalf("an allowed request led from %+v to %+v", s, next)
			case d.Allowed && tier.Second > 0 && next.TAT <= s.TAT && next.Interval == s.Interval:
				rt.Fatalf("an allowed request left the second window at %v", next.TAT)
			}
			s = next
		}
	})
}

// countedOnce reports whether a window of that limit went on by one.
func countedOnce(before, after ratelimit.Count, limit int64) bool {
	switch {
	case limit == 0:
		return after == before
	case after.Number == before.Number:
		return after.Used == before.Used+1
	}
	return after.Used == 1
}
