package ratelimit

import "time"

// Window names a window of a tier.
type Window uint8

// The windows, the shorter before the longer.
const (
	WindowNone Window = iota
	WindowSecond
	WindowMinute
	WindowHour
	WindowDay
)

var windowNames = [...]string{"none", "second", "minute", "hour", "day"}

// String returns the window's name as the configuration spells it.
func (w Window) String() string {
	if int(w) < len(windowNames) {
		return windowNames[w]
	}
	return "unknown"
}

// Quota is what a decision says of one window.
type Quota struct {
	// Limit is the tier's number; 0 means that the tier has no such window.
	Limit int64
	// Remaining is how many requests the window still has, never negative: after
	// this one if it was allowed, as before it if not. For the second window it
	// is what could come at once, and never shown above Limit.
	Remaining int64
	// Reset is the time until the window is whole again. In a denial by the
	// second window it is the time until that window has room for one request.
	Reset time.Duration
}

// Decision is the answer to one request.
type Decision struct {
	Allowed bool
	// Window is the window that denied, the one with the longest wait if several
	// did. It is WindowNone if the request was allowed, and also in a denial by
	// a store that could not count at all.
	Window Window
	// RetryAfter is the time until the same request would pass, if no other
	// comes before it: exact, never early; 0 if it was allowed.
	RetryAfter time.Duration
	// Each is set if the tier has the window.
	Second, Minute, Hour, Day Quota
	// Overflow marks a decision made on counters that several keys share,
	// because the store was full.
	Overflow bool
	// Degraded marks a decision made without the store that all nodes share.
	Degraded bool
}

// deny notes that a window denies, and the wait that it asks for. Windows come
// the shorter before the longer.
func (d *Decision) deny(w Window, wait time.Duration) {
	if d.Allowed || wait >= d.RetryAfter {
		d.Window, d.RetryAfter = w, wait
	}
	d.Allowed = false
}

func (d *Decision) quota(w Window) *Quota {
	switch w {
	case WindowSecond:
		return &d.Second
	case WindowMinute:
		return &d.Minute
	case WindowHour:
		return &d.Hour
	}
	return &d.Day
}

// RetrySeconds returns RetryAfter in whole seconds, rounded up, at least 1: the
// form of the Retry-After header (RFC 9110 section 10.2.3), which must not
// invite a client before its time.
func (d Decision) RetrySeconds() int64 { return ceilSeconds(d.RetryAfter) }

// Jitter returns d with up to limit added to RetryAfter if the day window
// denied. Every client of an exhausted day is free at the same midnight; this
// keeps them from returning in the same second. Reset stays what it is.
//
// random returns a number in [0, n) for n > 0, as [math/rand/v2.Int64N] does.
func (d Decision) Jitter(limit time.Duration, random func(n int64) int64) Decision {
	if d.Window == WindowDay && limit > 0 {
		d.RetryAfter += time.Duration(random(int64(limit) + 1))
	}
	return d
}

func ceilSeconds(d time.Duration) int64 {
	return max(1, int64((d+time.Second-1)/time.Second))
}
