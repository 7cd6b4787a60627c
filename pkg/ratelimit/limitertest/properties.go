package limitertest

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

var properties = []testCase{
	{"any traffic agrees with the model", agreesWithModel},
	{"any interval admits at most burst and rate", boundHolds},
	{"any mix of tiers stays within the largest", mixStaysWithinLargest},
}

func drawTier(rt *rapid.T, name string) ratelimit.Tier {
	second := rapid.Int64Range(0, 50).Draw(rt, name+" second")
	tier := ratelimit.Tier{Name: name, Second: second, Day: rapid.Int64Range(0, 60).Draw(rt, name+" day")}
	if second > 0 {
		tier.Burst = rapid.Int64Range(0, 60).Draw(rt, name+" burst")
	} else if tier.Day == 0 {
		tier.Day = 1
	}
	return tier
}

// drawPause returns the time to the next request: often none, mostly around an
// interval, sometimes so long that days pass.
func drawPause(rt *rapid.T) time.Duration {
	most := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 100 * time.Millisecond, 2 * time.Second, 20 * time.Hour}).Draw(rt, "pause of up to")
	return time.Duration(rapid.Int64Range(0, int64(most)).Draw(rt, "pause"))
}

func agreesWithModel(t *testing.T, limiter Maker) {
	zones := []*time.Location{time.UTC, zone(t, "Europe/Berlin"), zone(t, "Africa/Cairo"), zone(t, "Pacific/Apia")}
	rapid.Check(t, func(rt *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(rt, "zone")
		now := time.Unix(rapid.Int64Range(1.3e9, 1.8e9).Draw(rt, "start"), 0).In(loc)
		l, cal, want := limiter(now), ratelimit.NewCalendar(loc), model{}
		tier := drawTier(rt, "tier")
		keys := []ratelimit.Key{alice, ratelimit.ByClaim("route", "https://idp.example", "client_id", "bob")}
		for range rapid.IntRange(1, 120).Draw(rt, "requests") {
			now = now.Add(drawPause(rt))
			if rapid.IntRange(0, 9).Draw(rt, "new limits") == 0 {
				// The same rate: rounding in a conversion is none of the model's business.
				next := drawTier(rt, "tier")
				next.Second, next.Burst = tier.Second, min(next.Burst, tier.Second*1000)
				if next.Second == 0 {
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

func boundHolds(t *testing.T, limiter Maker) {
	rapid.Check(t, func(rt *rapid.T) {
		second := rapid.Int64Range(1, 2000).Draw(rt, "second")
		tier := ratelimit.Tier{Name: "t", Second: second, Burst: rapid.Int64Range(1, 50).Draw(rt, "burst")}
		admitted := traffic(rt, limiter(noonTime), func() ratelimit.Tier { return tier })
		checkBound(rt, admitted, tier.Burst, second)
	})
}

func mixStaysWithinLargest(t *testing.T, limiter Maker) {
	rapid.Check(t, func(rt *rapid.T) {
		var tiers []ratelimit.Tier
		var burst, second int64
		for range rapid.IntRange(2, 4).Draw(rt, "tiers") {
			tier := ratelimit.Tier{Name: "t", Second: rapid.Int64Range(1, 2000).Draw(rt, "second"), Burst: rapid.Int64Range(1, 50).Draw(rt, "burst")}
			burst, second = max(burst, tier.Burst), max(second, tier.Second)
			tiers = append(tiers, tier)
		}
		next := func() ratelimit.Tier { return rapid.SampledFrom(tiers).Draw(rt, "tier") }
		checkBound(rt, traffic(rt, limiter(noonTime), next), burst, second)
	})
}

// traffic sends requests of one key and returns when one was admitted.
func traffic(rt *rapid.T, l ratelimit.Limiter, tier func() ratelimit.Tier) (admitted []time.Duration) {
	cal := ratelimit.NewCalendar(time.UTC)
	at := time.Duration(0)
	for range rapid.IntRange(1, 150).Draw(rt, "requests") {
		at += time.Duration(rapid.Int64Range(0, int64(20*time.Millisecond)).Draw(rt, "pause"))
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

// goroutines lets 200 clients race. Their readings interleave over 500 ms and
// reach the limiter in whatever order the scheduler makes of them. The clients
// share nothing but the limiter, so that the race detector sees its locks alone.
func goroutines(t *testing.T, limiter Maker) {
	const clients, each, span = 200, 25, 500 * time.Millisecond
	l, cal := limiter(noonTime), ratelimit.NewCalendar(time.UTC)
	var (
		admitted [clients]int64
		begin    = make(chan struct{})
		wg       sync.WaitGroup
	)
	for i := range clients {
		wg.Go(func() {
			<-begin
			for j := range each {
				at := time.Duration(j*clients+i) * span / (clients * each)
				if l.Allow(noonTime.Add(at), alice, free, cal).Allowed {
					admitted[i]++
				}
			}
		})
	}
	close(begin)
	wg.Wait()
	total := int64(0)
	for _, n := range admitted {
		total += n
	}
	if total < 20 || total > 20+10+1 {
		t.Errorf("admitted within %v: expected 20 to 31, got %d", span, total)
	}
	d := l.Allow(noonTime.Add(time.Hour), alice, free, cal)
	equal(t, "day remaining", d.Day.Remaining, free.Day-total-1)
}
