package ratelimit

import "time"

// State is all that is remembered of a key. The zero State is a key never seen.
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
}

// Spend decides one request and returns the key's state after it, which is s
// itself if the request is denied.
//
// at is the instant on the time line of [State.TAT], now the same instant by
// the wall clock, and day the calendar day of now. The tier must be valid.
func (s State) Spend(at time.Duration, now time.Time, tier Tier, day Day) (State, Decision) {
	var (
		m              = s.meterAt(at)
		used, today    = s.dayUse(day, now)
		left           = max(0, time.Unix(today.End, 0).Sub(now))
		wait, waitDay  time.Duration
		next, decision = s, Decision{Allowed: true}
	)
	if tier.Second > 0 {
		if wait = m.wait(tier.burst()); wait > 0 {
			wait += m.at - at // as the caller's clock sees it
		}
	}
	if tier.Day > 0 && used >= tier.Day {
		waitDay = left
		decision.Allowed = false
	}
	if wait > 0 {
		decision.Allowed = false
	}
	if !decision.Allowed {
		return s, decision.deny(tier, m, wait, waitDay, used, left)
	}

	if tier.Second > 0 {
		interval := tier.interval()
		debt := m.in(interval) + interval
		next.TAT, next.Last, next.Interval = m.at+debt, m.at, uint32(interval)
		decision.Second = Quota{tier.Second, min(tier.Second, room(tier.burst(), debt, interval)), debt}
	}
	if tier.Day > 0 {
		next.Used, next.Day, next.DayEnd = used+1, today.Number, today.End
		decision.Day = Quota{tier.Day, tier.Day - next.Used, left}
	}
	return next, decision
}

// deny fills in a denial. Every window is shown without the denied request.
func (d Decision) deny(tier Tier, m meter, wait, waitDay time.Duration, used int64, left time.Duration) Decision {
	if tier.Second > 0 {
		d.Second = Quota{tier.Second, min(tier.Second, room(tier.burst(), m.debt, m.interval)), m.debt}
		if wait > 0 {
			d.Second.Reset = wait
		}
	}
	if tier.Day > 0 {
		d.Day = Quota{tier.Day, max(0, tier.Day-used), left}
	}
	if waitDay > 0 && waitDay >= wait {
		d.Window, d.RetryAfter = WindowDay, waitDay
	} else {
		d.Window, d.RetryAfter = WindowSecond, wait
	}
	return d
}

// Idle reports whether a store may drop s, because forgetting it changes no
// later decision: no request is left in the bucket and the counted day is over.
// It MUST NOT drop any other: that would hand out a fresh quota.
//
// A day that ends further ahead than any day lasts was written by a clock that
// was wrong. It counts as over, or nothing would ever free its room.
func (s State) Idle(at time.Duration, now time.Time) bool {
	if s.TAT > at {
		return false
	}
	left := s.DayEnd - now.Unix()
	return s.Used == 0 || left <= 0 || left > longestDay
}
