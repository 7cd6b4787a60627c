package ratelimit

import "time"

// State is all that is remembered of a key. The zero State is a key never seen.
// A store that reads one from outside the process has to see to it that Used is
// not negative and Last not in the future.
type State struct {
	// TAT is the theoretical arrival time of the second window and Last the
	// latest admission, both on the store's own time line, which never steps.
	TAT, Last time.Duration
	// Used counts the admitted requests of the day numbered Day, which ends at
	// DayEnd, in seconds since the Unix epoch.
	Used   int64
	DayEnd int64
	Day    int32
	// Interval is what one request added to TAT, in nanoseconds (at most 10^9).
	Interval uint32
	// Minute and Hour count the admitted requests of one minute and one hour.
	Minute, Hour Count
}

// Spend decides one request and returns the key's state after it, which is s
// itself if the request is denied.
//
// at is the instant on the time line of [State.TAT], now the same instant by
// the wall clock, and day the calendar day of now. The tier must be valid.
//
// cost is what an admission weighs, 1 or more and normally 1. A store that cannot see what
// other nodes admit lets each admission weigh as many as there are nodes: it
// then keeps to its share of the rate and of what was left of each window, and
// what remains is told in requests of that cost. A bucket or a window smaller
// than the cost admits one request when it is empty.
func (s State) Spend(at time.Duration, now time.Time, tier Tier, day Day, cost int64) (State, Decision) {
	var (
		m       = s.meterAt(at)
		windows = s.windows(now, tier, day)
		d       = Decision{Allowed: true}
		reset   = m.debt
	)
	if tier.Second > 0 {
		if wait := m.wait(tier.burst(), cost); wait > 0 {
			reset = wait + m.at - at // as the caller's clock sees it
			d.deny(WindowSecond, reset)
		}
	}
	for i := range windows {
		if w := &windows[i]; w.limit > 0 && w.used > w.limit-min(cost, w.limit) {
			d.deny(w.window, w.left)
		}
	}
	next := s
	for i := range windows {
		if w := &windows[i]; w.limit > 0 {
			if d.Allowed {
				w.used += cost
			}
			*d.quota(w.window) = Quota{w.limit, max(0, w.limit-w.used) / min(cost, w.limit), w.left}
		}
	}
	if tier.Second > 0 {
		left := room(tier.burst(), cost, m.debt, m.interval)
		if d.Allowed {
			interval := tier.interval()
			debt := m.in(interval) + time.Duration(cost)*interval
			next.TAT, next.Last, next.Interval = m.at+debt, m.at, uint32(interval)
			left, reset = room(tier.burst(), cost, debt, interval), debt
		}
		d.Second = Quota{tier.Second, min(tier.Second, left), reset}
	}
	if d.Allowed {
		next.keep(&windows)
	}
	return next, d
}

// Idle reports whether a store may drop s, because forgetting it changes no
// later decision: no request is left in the bucket and the counted windows are
// over. It MUST NOT drop any other: that would hand out a fresh quota. Of a key
// whose days are those of two zones, the one that was counted last decides.
func (s State) Idle(at time.Duration, now time.Time) bool {
	return s.TAT <= at && s.Counts(now) == State{}
}

// Counts returns what s has counted in windows that are not over, and nothing of
// the second: as much of it as has a meaning outside the process.
//
// A window that ends further ahead than any such window lasts was written by a
// clock that was wrong. It is over too, or nothing would ever free its room.
func (s State) Counts(now time.Time) (c State) {
	if left := s.DayEnd - now.Unix(); s.Used != 0 && left > 0 && left <= longestDay {
		c.Used, c.Day, c.DayEnd = s.Used, s.Day, s.DayEnd
	}
	if !s.Minute.over(now, secondsPerMinute) {
		c.Minute = s.Minute
	}
	if !s.Hour.over(now, secondsPerHour) {
		c.Hour = s.Hour
	}
	return c
}
