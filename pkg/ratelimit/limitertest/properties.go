package limitertest

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

var properties = []testCase{
	{"any traffic agrees with the model", agreesWithModel},
	{"any interval admits at most burst and rate", boundHolds},
	{"any mix of tiers stays within the largest", mixStaysWithinLargest},
	{"any minute, hour or day admits at most its limit", windowsHold},
}

// drawTier returns a tier of any windows, mostly of few: each that it has hides
// the others.
func drawTier(rt *rapid.T, name string) ratelimit.Tier {
	tier := ratelimit.Tier{Name: name}
	windows := rapid.IntRange(1, 15).Draw(rt, name+" windows")
	for i, w := range []struct {
		limit *int64
		most  int64
	}{{&tier.Second, 50}, {&tier.Minute, 20}, {&tier.Hour, 40}, {&tier.Day, 60}} {
		if windows>>i&1 == 1 {
			*w.limit = rapid.Int64Range(1, w.most).Draw(rt, "limit")
		}
	}
	if tier.Second > 0 {
		tier.Burst = rapid.Int64Range(0, 60).Draw(rt, name+" burst")
	}
	return tier
}

// drawPause returns the time to the next request: often none, mostly around an
// interval, sometimes so long that minutes, hours or days pass.
func (s suite) drawPause(rt *rapid.T) time.Duration {
	return s.drawUpTo(rt, rapid.SampledFrom([]time.Duration{
		0, 0, time.Millisecond, 100 * time.Millisecond, 2 * time.Second, 40 * time.Second, 40 * time.Minute, 20 * time.Hour,
	}).Draw(rt, "pause of up to"))
}

func (s suite) drawUpTo(rt *rapid.T, most time.Duration) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(most/s.tick)).Draw(rt, "pause")) * s.tick
}

func agreesWithModel(t *testing.T, s suite) {
	zones := []*time.Location{time.UTC, zone(t, "Europe/Berlin"), zone(t, "Africa/Cairo"), zone(t, "Pacific/Apia")}
	rapid.Check(t, func(rt *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(rt, "zone")
		now := time.Unix(rapid.Int64Range(1.3e9, 1.8e9).Draw(rt, "start"), 0).In(loc)
		l, cal, want := s.limiter(now), ratelimit.NewCalendar(loc), model{}
		tier := drawTier(rt, "tier")
		keys := []ratelimit.Key{alice, ratelimit.ByClaim("route", "https://idp.example", "client_id", "bob")}
		for range rapid.IntRange(1, 120).Draw(rt, "requests") {
			now = now.Add(s.drawPause(rt))
			if rapid.IntRange(0, 9).Draw(rt, "new limits") == 0 {
				// The same rate: rounding in a conversion is none of the model's business.
				next := drawTier(rt, "tier")
				next.Second, next.Burst = tier.Second, min(next.Burst, tier.Second*1000)
				if next.Second == 0 && next.Minute == 0 && next.Hour == 0 {
					next.Day = max(1, next.Day)
				}
				tier = next
			}
			key := rapid.SampledFrom(keys).Draw(rt, "key")
			got, expected := l.Allow(now, key, tier, cal), want.allow(now, key, tier)
			if got != expected {
				rt.Fatalf("at %v, tier %+v:\nexpected %+v\ngot      %+v", now, tier, expected, got)
			}
		}
	})
}

func boundHolds(t *testing.T, s suite) {
	rapid.Check(t, func(rt *rapid.T) {
		second := rapid.Int64Range(1, 2000).Draw(rt, "second")
		tier := ratelimit.Tier{Name: "t", Second: second, Burst: rapid.Int64Range(1, 50).Draw(rt, "burst")}
		admitted := traffic(rt, s, func() ratelimit.Tier { return tier })
		checkBound(rt, admitted, tier.Burst, second)
	})
}

func mixStaysWithinLargest(t *testing.T, s suite) {
	rapid.Check(t, func(rt *rapid.T) {
		var tiers []ratelimit.Tier
		var burst, second int64
		for range rapid.IntRange(2, 4).Draw(rt, "tiers") {
			tier := ratelimit.Tier{Name: "t", Second: rapid.Int64Range(1, 2000).Draw(rt, "second"), Burst: rapid.Int64Range(1, 50).Draw(rt, "burst")}
			burst, second = max(burst, tier.Burst), max(second, tier.Second)
			tiers = append(tiers, tier)
		}
		next := func() ratelimit.Tier { return rapid.SampledFrom(tiers).Draw(rt, "tier") }
		checkBound(rt, traffic(rt, s, next), burst, second)
	})
}

// windowsHold sends under two tiers and counts what passes by the clock's face.
func windowsHold(t *testing.T, s suite) {
	rapid.Check(t, func(rt *rapid.T) {
		tiers := [2]ratelimit.Tier{{Name: "a", Minute: 3, Hour: 5, Day: 8}, {Name: "b", Minute: 4, Hour: 8, Day: 9}}
		l, cal, now := s.limiter(noonTime), ratelimit.NewCalendar(time.UTC), noonTime
		passed := map[string]int{}
		for range rapid.IntRange(1, 150).Draw(rt, "requests") {
			now = now.Add(s.drawPause(rt))
			tier := rapid.SampledFrom(tiers[:]).Draw(rt, "tier")
			if !l.Allow(now, alice, tier, cal).Allowed {
				continue
			}
			for layout, most := range map[string]int64{"2006-01-02 15:04": tier.Minute, "2006-01-02 15": tier.Hour, "2006-01-02": tier.Day} {
				window := now.Format(layout)
				if passed[window]++; int64(passed[window]) > most {
					rt.Fatalf("window %s, tier %s: expected at most %d admissions, got %d", window, tier.Name, most, passed[window])
				}
			}
		}
	})
}

// traffic sends requests of one key and returns when one was admitted.
func traffic(rt *rapid.T, s suite, tier func() ratelimit.Tier) (admitted []time.Duration) {
	l, cal := s.limiter(noonTime), ratelimit.NewCalendar(time.UTC)
	at := time.Duration(0)
	for range rapid.IntRange(1, 150).Draw(rt, "requests") {
		at += s.drawUpTo(rt, 20*time.Millisecond)
		if l.Allow(noonTime.Add(at), alice, tier(), cal).Allowed {
			admitted = append(admitted, at)
		}
	}
	return admitted
}

// checkBound holds every interval between two admissions against the bound, in
// integers: n - burst ≤ second·t.
func checkBound(rt *rapid.T, admitted []time.Duration, burst, second int64) {
	for i := range admitted {
		for j := i; j < len(admitted); j++ {
			n, span := int64(j-i+1), admitted[j]-admitted[i]
			if (n-burst)*int64(time.Second) > second*int64(span) {
				rt.Fatalf("%d admitted within %v, burst %d, %d per second", n, span, burst, second)
			}
		}
	}
}
