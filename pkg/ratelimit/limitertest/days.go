package limitertest

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// two is a tier of two requests a day: enough to see a day begin.
var two = ratelimit.Tier{Name: "two", Day: 2}

// zone loads a zone of the IANA database.
func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// spansDay uses a day up at start, which must end exactly length later.
func spansDay(t *testing.T, s suite, start time.Time, length time.Duration) {
	t.Helper()
	c := newClient(t, s, start, two)
	c.pass(2)
	equal(t, "retry after", c.denied(1, ratelimit.WindowDay).RetryAfter, length)
	c.wait(length - time.Second)
	equal(t, "retry after", c.denied(1, ratelimit.WindowDay).RetryAfter, time.Second)
	c.wait(time.Second)
	c.pass(2)
	c.denied(1, ratelimit.WindowDay)
}

func dayEndsAtMidnight(t *testing.T, s suite) {
	spansDay(t, s, time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), 24*time.Hour)
	spansDay(t, s, time.Date(2026, 5, 4, 23, 59, 58, 0, time.UTC), 2*time.Second)
	// Noon in UTC is half past five in the afternoon in Kolkata.
	spansDay(t, s, noonTime.In(zone(t, "Asia/Kolkata")), 6*time.Hour+30*time.Minute)
	spansDay(t, s, noonTime.In(zone(t, "America/Los_Angeles")), 19*time.Hour)
}

func shortDay(t *testing.T, s suite) {
	spansDay(t, s, time.Date(2026, 3, 29, 0, 0, 0, 0, zone(t, "Europe/Berlin")), 23*time.Hour)
}

func longDay(t *testing.T, s suite) {
	spansDay(t, s, time.Date(2026, 10, 25, 0, 0, 0, 0, zone(t, "Europe/Berlin")), 25*time.Hour)
}

func noMidnight(t *testing.T, s suite) {
	// Cairo went from 23:59:59 on the 25th to 01:00 on the 26th of April 2024.
	cairo := zone(t, "Africa/Cairo")
	spansDay(t, s, time.Date(2024, 4, 25, 12, 0, 0, 0, cairo), 12*time.Hour)
	spansDay(t, s, time.Date(2024, 4, 26, 1, 0, 0, 0, cairo), 23*time.Hour)
}

func stepBackOverMidnight(t *testing.T, s suite) {
	c := newClient(t, s, time.Date(2026, 5, 4, 23, 59, 0, 0, time.UTC), two)
	c.pass(2)
	c.wait(2 * time.Minute)
	c.pass(2)
	c.wait(-2 * time.Minute)
	// The 5th is used up and the 4th will not come again.
	equal(t, "retry after", c.denied(1, ratelimit.WindowDay).RetryAfter, 24*time.Hour+time.Minute)
	c.wait(2 * time.Minute)
	c.denied(1, ratelimit.WindowDay)
	c.wait(24 * time.Hour)
	c.pass(2)
}
