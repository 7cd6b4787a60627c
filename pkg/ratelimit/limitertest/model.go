package limitertest

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// model is a limiter that is slow and obvious: it remembers every admission and
// works each answer out anew. It has no arrival times and no day numbers, so
// that it shares no mistake with what it judges.
type model map[ratelimit.Key][]admission

type admission struct {
	at          time.Time
	second, day bool // the windows of its tier: no other counts it
}

func (m model) allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier) ratelimit.Decision {
	var (
		burst    = tier.Burst
		interval time.Duration // of one request, rounded up to whole nanoseconds
		d        = ratelimit.Decision{Allowed: true}
		midnight = nextDate(now)
	)
	if burst == 0 {
		burst = tier.Second
	}
	if tier.Second > 0 {
		interval = time.Second / time.Duration(tier.Second)
		if interval*time.Duration(tier.Second) < time.Second {
			interval++
		}
	}
	level := m.level(now, key, interval)
	used := m.usedToday(now, key)

	var wait, waitDay time.Duration
	if tier.Second > 0 && level+interval > time.Duration(burst)*interval {
		wait = level + interval - time.Duration(burst)*interval
		d.Allowed, d.Window, d.RetryAfter = false, ratelimit.WindowSecond, wait
	}
	if tier.Day > 0 && used+1 > tier.Day {
		waitDay = midnight.Sub(now)
		d.Allowed = false
		if waitDay >= wait {
			d.Window, d.RetryAfter = ratelimit.WindowDay, waitDay
		}
	}
	if d.Allowed {
		m[key] = append(m[key], admission{now, tier.Second > 0, tier.Day > 0})
		level, used = level+interval, used+1
	}

	if tier.Second > 0 {
		free := int64(0)
		for level+time.Duration(free+1)*interval <= time.Duration(burst)*interval {
			free++
		}
		d.Second = ratelimit.Quota{Limit: tier.Second, Remaining: min(tier.Second, free), Reset: level}
		if wait > 0 {
			d.Second.Reset = wait
		}
	}
	if tier.Day > 0 {
		d.Day = ratelimit.Quota{Limit: tier.Day, Remaining: max(0, tier.Day-used), Reset: midnight.Sub(now)}
	}
	return d
}

// level replays the leaky bucket: each request adds an interval of work, and
// work is done as time passes.
func (m model) level(now time.Time, key ratelimit.Key, interval time.Duration) (level time.Duration) {
	var last time.Time
	for _, a := range m[key] {
		if a.second {
			level = max(0, level-a.at.Sub(last)) + interval
			last = a.at
		}
	}
	if last.IsZero() {
		return 0
	}
	return max(0, level-now.Sub(last))
}

func (m model) usedToday(now time.Time, key ratelimit.Key) (n int64) {
	for _, a := range m[key] {
		if a.day && sameDate(a.at, now) {
			n++
		}
	}
	return n
}

// nextDate walks to the first second with another date: to the hour, then to the
// minute, then to the second, so that it needs no midnight to exist.
func nextDate(now time.Time) time.Time {
	t := now.Truncate(time.Second)
	for _, step := range []time.Duration{time.Hour, time.Minute, time.Second} {
		for sameDate(t.Add(step), now) {
			t = t.Add(step)
		}
	}
	return t.Add(time.Second)
}

func sameDate(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}
