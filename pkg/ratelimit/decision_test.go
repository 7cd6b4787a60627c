package ratelimit_test

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

func TestRetrySecondsNeverInvitesEarly(t *testing.T) {
	for wait, expected := range map[time.Duration]int64{
		0: 1, 1: 1, time.Second - 1: 1, time.Second: 1, time.Second + 1: 2, 25 * time.Hour: 90_000,
	} {
		if got := (ratelimit.Decision{RetryAfter: wait}).RetrySeconds(); got != expected {
			t.Errorf("%v: expected %d, got %d", wait, expected, got)
		}
	}
}

func TestJitterDelaysOnlyTheDay(t *testing.T) {
	const limit = 30 * time.Second
	most := func(n int64) int64 { return n - 1 }
	least := func(int64) int64 { return 0 }
	for _, c := range []struct {
		name     string
		window   ratelimit.Window
		limit    time.Duration
		random   func(int64) int64
		expected time.Duration
	}{
		{"the most", ratelimit.WindowDay, limit, most, time.Hour + limit},
		{"the least", ratelimit.WindowDay, limit, least, time.Hour},
		{"off", ratelimit.WindowDay, 0, most, time.Hour},
		{"second window", ratelimit.WindowSecond, limit, most, time.Hour},
		{"hour window", ratelimit.WindowHour, limit, most, time.Hour},
		{"allowed", ratelimit.WindowNone, limit, most, time.Hour},
	} {
		d := ratelimit.Decision{Window: c.window, RetryAfter: time.Hour, Day: ratelimit.Quota{Limit: 1, Reset: time.Hour}}
		got := d.Jitter(c.limit, c.random)
		if got.RetryAfter != c.expected || got.Day != d.Day {
			t.Errorf("%s: expected RetryAfter %v and the same reset, got %+v", c.name, c.expected, got)
		}
	}
}

func TestWindowNames(t *testing.T) {
	for window, expected := range map[ratelimit.Window]string{
		ratelimit.WindowNone: "none", ratelimit.WindowSecond: "second", ratelimit.WindowMinute: "minute",
		ratelimit.WindowHour: "hour", ratelimit.WindowDay: "day", 99: "unknown",
	} {
		if got := window.String(); got != expected {
			t.Errorf("window %d: expected %q, got %q", uint8(window), expected, got)
		}
	}
}
