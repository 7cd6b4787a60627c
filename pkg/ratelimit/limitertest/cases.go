package limitertest

import (
	"net/netip"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

type testCase struct {
	name string
	run  func(*testing.T, suite)
}

var cases = []testCase{
	{"a burst passes, then one request per interval", burstThenInterval},
	{"burst may differ from the rate", burstApart},
	{"a denied request passes after exactly RetryAfter", retryAfterIsExact},
	{"a storm of denied requests consumes nothing", denialsAreFree},
	{"an exhausted day leaves the second window alone", dayLeavesSecond},
	{"remaining and reset count down", remainingAndReset},
	{"no remaining above the rate", remainingAtMostRate},
	{"an upgrade keeps what was used", upgradeKeepsUse},
	{"a downgrade keeps what was used", downgradeKeepsUse},
	{"limits changed under the same name apply at once", limitsChange},
	{"a window counts what tiers with it admitted", windowsCountTheirTiers},
	{"a tier without a second window has only the day", dayOnly},
	{"a tier without a day window never ends", secondOnly},
	{"a minute and an hour end where those of UTC do", minuteAndHourEnd},
	{"all windows count a request, and the longest wait names the denial", fourWindows},
	{"a window that begins anew leaves the longer ones", shorterBeginsAnew},
	{"a clock stepping back over a boundary grants no new minute or hour", stepBackOverBoundary},
	{"a day ends at the zone's midnight", dayEndsAtMidnight},
	{"a day of 23 hours", shortDay},
	{"a day of 25 hours", longDay},
	{"a day whose midnight does not exist", noMidnight},
	{"a clock stepping back over midnight grants no new day", stepBackOverMidnight},
	{"readings out of order grant nothing", outOfOrder},
	{"nor with tiers that alternate", outOfOrderTiers},
	{"every part of the key separates", keysSeparate},
	{"fallback addresses are limited, apart from keys", fallbackApart},
	{"200 goroutines share one bucket", goroutines},
}

func burstThenInterval(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, free)
	equal(t, "burst", c.burst(50), 20)
	for range 40 {
		c.wait(50*time.Millisecond - s.tick)
		c.denied(1, ratelimit.WindowSecond)
		c.wait(s.tick)
		c.pass(1)
		c.denied(1, ratelimit.WindowSecond)
	}
	c.wait(time.Hour)
	equal(t, "burst after an hour", c.burst(50), 20)
}

func burstApart(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "wide", Second: 10, Burst: 35})
	equal(t, "wide burst", c.burst(100), 35)
	c.wait(time.Second)
	equal(t, "a second later", c.burst(100), 10)

	c = newClient(t, s, noonTime, ratelimit.Tier{Name: "smooth", Second: 10, Burst: 1})
	equal(t, "smooth burst", c.burst(100), 1)
	c.wait(100 * time.Millisecond)
	equal(t, "an interval later", c.burst(100), 1)
}

// retryAfterIsExact waits until the last tick before the time given, and to the
// first at or after it.
func retryAfterIsExact(t *testing.T, s suite) {
	for _, tier := range []ratelimit.Tier{
		free, {Name: "odd", Second: 7, Burst: 3}, {Name: "minute", Minute: 5}, {Name: "hour", Hour: 5}, {Name: "day", Day: 5},
	} {
		c := newClient(t, s, noonTime, tier)
		c.burst(100)
		c.wait(13 * time.Millisecond)
		d := c.send()
		if d.Allowed {
			c.burst(100)
			d = c.send()
		}
		before := (d.RetryAfter - 1) / s.tick * s.tick
		c.wait(before)
		if early := c.send(); early.Allowed || early.RetryAfter != d.RetryAfter-before {
			t.Errorf("tier %s: %v before its RetryAfter: %s", tier.Name, d.RetryAfter-before, describe(early))
		}
		c.wait(s.tick)
		c.pass(1)
	}
}

func denialsAreFree(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "t", Second: 20, Day: 50})
	c.pass(20)
	for range 9 {
		c.wait(5 * time.Millisecond)
		d := c.denied(100, ratelimit.WindowSecond)
		equal(t, "day remaining during the storm", d.Day.Remaining, 30)
	}
	c.wait(5 * time.Millisecond)
	equal(t, "day remaining after the storm", c.pass(1).Day.Remaining, 29)
}

func dayLeavesSecond(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "t", Second: 20, Day: 5})
	c.pass(5)
	d := c.denied(1000, ratelimit.WindowDay)
	equal(t, "second remaining", d.Second.Remaining, 15)
	equal(t, "day remaining", d.Day.Remaining, 0)
	equal(t, "retry after", d.RetryAfter, 12*time.Hour)
	equal(t, "reset", d.Day.Reset, 12*time.Hour)
	c.wait(time.Second)
	equal(t, "second remaining later", c.denied(1, ratelimit.WindowDay).Second.Remaining, 20)
}

func remainingAndReset(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, free)
	for i := range int64(20) {
		d := c.pass(1)
		equal(t, "second", d.Second, ratelimit.Quota{Limit: 20, Remaining: 19 - i, Reset: time.Duration(i+1) * 50 * time.Millisecond})
		equal(t, "day", d.Day, ratelimit.Quota{Limit: 50_000, Remaining: 49_999 - i, Reset: 12 * time.Hour})
		equal(t, "window", d.Window, ratelimit.WindowNone)
		equal(t, "retry after", d.RetryAfter, 0)
	}
	d := c.denied(1, ratelimit.WindowSecond)
	equal(t, "second", d.Second, ratelimit.Quota{Limit: 20, Remaining: 0, Reset: 50 * time.Millisecond})
	equal(t, "day", d.Day, ratelimit.Quota{Limit: 50_000, Remaining: 49_980, Reset: 12 * time.Hour})
}

func keysSeparate(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "t", Day: 1})
	addr := netip.MustParseAddr("192.0.2.1")
	keys := []ratelimit.Key{
		alice,
		ratelimit.ByClaim("other", "https://idp.example", "client_id", "alice"),
		ratelimit.ByClaim("route", "https://idp2.example", "client_id", "alice"),
		ratelimit.ByClaim("route", "https://idp.example", "sub", "alice"),
		ratelimit.ByClaim("route", "https://idp.example", "client_id", "bob"),
		ratelimit.ByClaim("route", "https://idp.example", "client_idalice", ""),
		ratelimit.ByAddress("route", addr),
		ratelimit.ByAddress("other", addr),
		ratelimit.ByAddress("route", addr.Next()),
	}
	for _, c.key = range keys {
		c.pass(1)
	}
	for _, c.key = range keys {
		c.denied(1, ratelimit.WindowDay)
	}
}

func fallbackApart(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "t", Day: 2})
	addr := netip.MustParseAddr("2001:db8::1")
	c.key = ratelimit.ByAddress("route", addr)
	c.pass(2)
	c.key = ratelimit.FallbackAddress("route", addr)
	c.pass(2)
	c.denied(1, ratelimit.WindowDay)
}
