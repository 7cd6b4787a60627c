package redisstore

import (
	"sync/atomic"
	"time"
)

// clock tells what the clock of Redis shows, as far as its last reply said. That
// clock decides strictly counted windows, so that nodes whose own clocks differ
// agree.
type clock struct {
	now   func() time.Time
	start time.Time
	// shift is the clock of Redis, since the Unix epoch, less the time since
	// start; skew is the clock of Redis less this node's wall clock. Neither
	// changes while no clock steps.
	shift, skew atomic.Int64
}

func newClock(now func() time.Time) *clock {
	if now == nil {
		now = time.Now
	}
	c := &clock{now: now, start: now()}
	c.shift.Store(c.start.UnixNano()) // until Redis has said otherwise
	return c
}

// since returns the time from start to now, by the monotonic clock.
func (c *clock) since(now time.Time) time.Duration { return now.Sub(c.start) }

// reads takes in that Redis showed at, and returns when the reply came and what
// the shift is. The reply is older than that by its way here: times derived from
// it are late by as much and never early.
func (c *clock) reads(at time.Duration) (came, shift time.Duration) {
	now := c.now()
	came = c.since(now)
	shift = at - came
	c.shift.Store(int64(shift))
	c.skew.Store(int64(at) - now.UnixNano())
	return came, shift
}

// wall returns now as the clock of Redis shows it.
func (c *clock) wall(now time.Time) time.Time { return now.Add(time.Duration(c.skew.Load())) }
