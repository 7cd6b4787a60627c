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
	at   time.Time
	tier ratelimit.Tier // only the windows that it has count the admission
}

// calendarWindows are the windows of minute, hour and day, as sets of instants.
var calendarWindows = []struct {
	window ratelimit.Window
	limit  func(ratelimit.Tier) int64
	same   func(a, b time.Time) bool
	quota  func(*ratelimit.Decision) *ratelimit.Quota
}{
	{ratelimit.WindowMinute, func(t ratelimit.Tier) int64 { return t.Minute }, sameMinute, func(d *ratelimit.Decision) *ratelimit.Quota { return &d.Minute }},
	{ratelimit.WindowHour, func(t ratelimit.Tier) int64 { return t.Hour }, sameHour, func(d *ratelimit.Decision) *ratelimit.Quota { return &d.Hour }},
	{ratelimit.WindowDay, func(t ratelimit.Tier) int64 { return t.Day }, sameDate, func(d *ratelimit.Decision) *ratelimit.Quota { return &d.Day }},
}

func (m model) allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier) ratelimit.Decision {
	var (
		burst    = tier.Burst
		interval time.Duration // of one request, rounded up to whole nanoseconds
		d        = ratelimit.Decision{Allowed: true}
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

	var wait time.Duration
	if tier.Second > 0 && level+interval > time.Duration(burst)*interval {
		wait = level + interval - time.Duration(burst)*interval
		d.Allowed, d.Window, d.RetryAfter = false, ratelimit.WindowSecond, wait
	}
	for _, w := range calendarWindows {
		limit := w.limit(tier)
		if limit == 0 {
			continue
		}
		used, left := int64(0), end(now, w.same).Sub(now)
		for _, a := range m[key] {
			if w.limit(a.tier) > 0 && w.same(a.at, now) {
				used++
			}
		}
		*w.quota(&d) = ratelimit.Quota{Limit: limit, Remaining: max(0, limit-used), Reset: left}
		if used+1 > limit {
			d.Allowed = false
			if left >= d.RetryAfter {
				d.Window, d.RetryAfter = w.window, left
			}
		}
	}
	if d.Allowed {
		m[key] = append(m[key], admission{now, tier})
		level += interval
		for _, w := range calendarWindows {
			if w.limit(tier) > 0 {
				w.quota(&d).Remaining--
			}
		}
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
	return d
}

// level replays the leaky bucket: each request adds an interval of work, and
// work is done as time passes.
func (m model) level(now time.Time, key ratelimit.Key, interval time.Duration) (level time.Duration) {
	var last time.Time
	for _, a := range m[key] {
		if a.tier.Second > 0 {
			level = max(0, level-a.at.Sub(last)) + interval
			last = a.at
		}
	}
	if last.IsZero() {
		return 0
	}
	return max(0, level-now.Sub(last))
}

// end walks to the first second that is in another window: to the hour, then to
// the minute, then to the second, so that it needs no midnight to exist.
func end(now time.Time, same func(a, b time.Time) bool) time.Time {
	t := now.Truncate(time.Second)
	for _, step := range []time.Duration{time.Hour, time.Minute, time.Second} {
		for same(t.Add(step), now) {
			t = t.Add(step)
		}
	}
	return t.Add(time.Second)
}

func sameMinute(a, b time.Time) bool { return sameHour(a, b) && a.UTC().Minute() == b.UTC().Minute() }

func sameHour(a, b time.Time) bool {
	return sameDate(a.UTC(), b.UTC()) && a.UTC().Hour() == b.UTC().Hour()
}

func sameDate(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}
