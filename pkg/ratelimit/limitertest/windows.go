package limitertest

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// quarterTo is a quarter of an hour and 17 seconds before one in UTC.
var quarterTo = time.Date(2026, 5, 4, 12, 44, 43, 0, time.UTC)

// minuteAndHourEnd uses windows up in the middle. Where the local hour begins at
// half past, or the local minute once began between two, UTC's counts.
func minuteAndHourEnd(t *testing.T, s suite) {
	for _, at := range []time.Time{quarterTo, quarterTo.In(zone(t, "Asia/Kolkata")), quarterTo.In(time.FixedZone("odd", 29))} {
		for _, w := range []struct {
			tier   ratelimit.Tier
			window ratelimit.Window
			left   time.Duration
		}{
			{ratelimit.Tier{Name: "minute", Minute: 3}, ratelimit.WindowMinute, 17 * time.Second},
			{ratelimit.Tier{Name: "hour", Hour: 3}, ratelimit.WindowHour, 15*time.Minute + 17*time.Second},
		} {
			c := newClient(t, s, at, w.tier)
			c.pass(3)
			equal(t, "retry after", c.denied(1, w.window).RetryAfter, w.left)
			c.wait(w.left - s.tick)
			equal(t, "retry after", c.denied(1, w.window).RetryAfter, s.tick)
			c.wait(s.tick)
			c.pass(3)
			c.denied(1, w.window)
		}
	}
}

// fourWindows uses up one window after another, the shorter before the longer.
func fourWindows(t *testing.T, s suite) {
	c := newClient(t, s, quarterTo, ratelimit.Tier{Name: "t", Second: 2, Minute: 5, Hour: 7, Day: 9})
	remaining := func(d ratelimit.Decision) [4]int64 {
		return [4]int64{d.Second.Remaining, d.Minute.Remaining, d.Hour.Remaining, d.Day.Remaining}
	}
	equal(t, "burst", remaining(c.pass(2)), [4]int64{0, 3, 5, 7})
	equal(t, "denied by the second", remaining(c.denied(10, ratelimit.WindowSecond)), [4]int64{0, 3, 5, 7})
	c.wait(time.Second)
	c.pass(2)
	c.wait(time.Second)
	c.pass(1)
	d := c.denied(10, ratelimit.WindowMinute)
	equal(t, "denied by the minute", remaining(d), [4]int64{1, 0, 2, 4})
	equal(t, "minute", d.Minute, ratelimit.Quota{Limit: 5, Reset: 15 * time.Second})
	c.wait(time.Minute)
	c.pass(2)
	d = c.denied(10, ratelimit.WindowHour)
	equal(t, "denied by the hour", remaining(d), [4]int64{0, 3, 0, 2})
	equal(t, "hour", d.Hour, ratelimit.Quota{Limit: 7, Reset: 14*time.Minute + 15*time.Second})
	c.wait(time.Hour)
	c.pass(2)
	d = c.denied(10, ratelimit.WindowDay)
	equal(t, "denied by the day", remaining(d), [4]int64{0, 3, 5, 0})
	equal(t, "day", d.Day, ratelimit.Quota{Limit: 9, Reset: 10*time.Hour + 14*time.Minute + 15*time.Second})
	equal(t, "retry after", d.RetryAfter, d.Day.Reset)
}

func shorterBeginsAnew(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "t", Minute: 10, Hour: 100, Day: 1000})
	for minute := range int64(9) {
		d := c.pass(10)
		equal(t, "minute", d.Minute.Remaining, 0)
		equal(t, "hour", d.Hour.Remaining, 90-10*minute)
		equal(t, "day", d.Day.Remaining, 990-10*minute)
		c.denied(1, ratelimit.WindowMinute)
		c.wait(time.Minute)
	}
	c.wait(time.Hour)
	d := c.pass(1)
	equal(t, "an hour later", [3]int64{d.Minute.Remaining, d.Hour.Remaining, d.Day.Remaining}, [3]int64{9, 99, 909})
}

// stepBackOverBoundary uses up a window and the next and steps back: the first
// of them will not come again.
func stepBackOverBoundary(t *testing.T, s suite) {
	for _, w := range []struct {
		tier   ratelimit.Tier
		window ratelimit.Window
		length time.Duration
	}{
		{ratelimit.Tier{Name: "minute", Minute: 2}, ratelimit.WindowMinute, time.Minute},
		{ratelimit.Tier{Name: "hour", Hour: 2}, ratelimit.WindowHour, time.Hour},
	} {
		c := newClient(t, s, noonTime.Add(-time.Second), w.tier)
		c.pass(2)
		c.wait(2 * time.Second)
		c.pass(2)
		c.wait(-2 * time.Second)
		equal(t, "retry after", c.denied(1, w.window).RetryAfter, w.length+time.Second)
		c.wait(time.Second)
		equal(t, "retry after", c.denied(1, w.window).RetryAfter, w.length)
		c.wait(w.length)
		c.pass(2)
	}
}
