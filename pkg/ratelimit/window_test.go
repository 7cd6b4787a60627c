package ratelimit_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestDayEnds(t *testing.T) {
	for _, c := range []struct{ name, zone, now, end string }{
		{"utc", "UTC", "2026-05-04T12:00:00Z", "2026-05-05T00:00:00Z"},
		{"first second", "UTC", "2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z"},
		{"last second", "UTC", "2026-05-04T23:59:59Z", "2026-05-05T00:00:00Z"},
		{"half-hour zone", "Asia/Kolkata", "2026-05-04T12:00:00Z", "2026-05-05T00:00:00+05:30"},
		{"23 hours", "Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		{"25 hours", "Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"},
		{"midnight left out", "Africa/Cairo", "2024-04-25T12:00:00+02:00", "2024-04-26T01:00:00+03:00"},
		{"midnight twice", "America/Havana", "2024-11-02T12:00:00-04:00", "2024-11-03T00:00:00-04:00"},
		{"from its first midnight", "America/Havana", "2024-11-03T00:30:00-04:00", "2024-11-04T00:00:00-05:00"},
		{"from its second midnight", "America/Havana", "2024-11-03T00:30:00-05:00", "2024-11-04T00:00:00-05:00"},
		{"last hour twice", "Asia/Beirut", "2024-10-26T23:30:00+03:00", "2024-10-27T00:00:00+02:00"},
		{"next date left out", "Pacific/Apia", "2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00"},
		{"before 1970", "UTC", "1969-12-31T12:00:00Z", "1970-01-01T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			loc := location(t, c.zone)
			day := ratelimit.NewCalendar(loc).Day(now)
			if got := time.Unix(day.End, 0).In(loc).Format(time.RFC3339); got != c.end {
				t.Errorf("expected the day to end at %s, got %s", c.end, got)
			}
		})
	}
}

func TestDayNumberCountsFrom1970(t *testing.T) {
	tokyo := ratelimit.NewCalendar(location(t, "Asia/Tokyo"))
	utc := ratelimit.NewCalendar(nil)
	for _, c := range []struct {
		cal      *ratelimit.Calendar
		unix     int64
		expected int32
	}{{utc, 0, 0}, {utc, 86_399, 0}, {utc, 86_400, 1}, {utc, -1, -1}, {utc, -86_400, -1}, {tokyo, 54_000, 1}, {tokyo, 53_999, 0}} {
		if got := c.cal.Day(time.Unix(c.unix, 0)).Number; got != c.expected {
			t.Errorf("%v at %d: expected day %d, got %d", c.cal.Location(), c.unix, c.expected, got)
		}
	}
}

// One calendar asked in any order answers as a fresh one each time.
func TestCalendarMemoryNeverShows(t *testing.T) {
	zones := []*time.Location{time.UTC, location(t, "Europe/Berlin"), location(t, "Africa/Cairo"), location(t, "America/Havana")}
	rapid.Check(t, func(rt *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(rt, "zone")
		cal, sec := ratelimit.NewCalendar(loc), rapid.Int64Range(0, 2e9).Draw(rt, "start")
		for range 20 {
			sec += rapid.Int64Range(-100_000, 100_000).Draw(rt, "step")
			now := time.Unix(sec, 0)
			got := cal.Day(now)
			if expected := ratelimit.NewCalendar(loc).Day(now); got != expected {
				rt.Fatalf("at %v: expected %+v, got %+v", now.In(loc), expected, got)
			}
			if got.End <= sec {
				rt.Fatalf("at %v: the day ended at %v", now.In(loc), time.Unix(got.End, 0).In(loc))
			}
		}
	})
}
