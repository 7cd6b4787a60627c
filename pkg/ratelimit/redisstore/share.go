package redisstore

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// Nodes that count asynchronously share a hash for each key and day, with one
// field for each node. A node writes only its own field, and always all that it
// has admitted since the day began, never an increment. So a write that was lost,
// or of which nobody knows whether it arrived, is made good by the next one, and
// none counts twice.
//
// What others have admitted counts in the windows of minute, hour and day, and
// it is charged to this node's bucket as if it had been admitted here. That is
// how the nodes keep to one rate together.

// counts are admissions by one node or by all, each under tiers that have the
// window. They grow until the window is over.
type counts struct {
	second       int64 // since the hash's day began
	day          int64 // of the day numbered date
	hour, minute ratelimit.Count
	date         int32
}

// empty reports whether there is nothing to tell.
func (c *counts) empty() bool {
	return c.second == 0 && c.day == 0 && c.hour.Used == 0 && c.minute.Used == 0
}

// share is what a key needs besides its state, which has the totals.
type share struct {
	own counts // admitted by this node
	far struct {
		second, day  int64
		hour, minute uint32
	} // admitted by others, as last read, in the same windows as own

	// day is the number of the hash's day, and end the day's end in Unix seconds;
	// 0 before the first decision. It is mostly the day that own counts, but only
	// a place to meet: each window in it has its number.
	end int64
	day int32
	// burst and interval are those of the second window that decided last.
	burst, interval uint32

	// met is when the last exchange with Redis ended, on the state's time line;
	// 0 before the first one.
	met time.Duration
	// idle is how long since then the bucket stood empty, up to the last
	// admission.
	idle time.Duration
	// renew is when Redis is to be told again when to drop the hash, in seconds
	// of that time line.
	renew uint32

	place  place // in the queue
	lines  uint8 // in which the key stands, a bit for each place
	fields flags
}

// flags of a share.
type flags uint8

const (
	isNews   flags = 1 << iota // own has changed since it was last sent
	isDoubt                    // the last exchange failed: what it did is not known
	isKnown                    // Redis has this node's field
	isAlone                    // admissions since the last exchange weighed for all nodes
	isFlight                   // an exchange is under way
)

func (x *share) has(f flags) bool { return x.fields&f != 0 }
func (x *share) set(f flags)      { x.fields |= f }
func (x *share) unset(f flags)    { x.fields &^= f }

// admit decides one request of a key with the state st. alone says that the
// nodes cannot see each other, so that cost is their number.
func (x *share) admit(st *ratelimit.State, at time.Duration, now time.Time, tier ratelimit.Tier, day ratelimit.Day, cost int64, alone bool) ratelimit.Decision {
	if x.end == 0 {
		x.meet(day.Number, day.End)
	}
	if tier.Second > 0 {
		interval, burst := bucket(tier)
		x.burst, x.interval = uint32(burst), uint32(interval)
	}
	next, d := st.Spend(at, now, tier, day, cost)
	if !d.Allowed {
		return d
	}
	x.count(st, &next, now, tier, day, cost)
	x.set(isNews)
	if alone {
		x.set(isAlone)
	}
	*st = next
	return d
}

// count counts the admission that made next of prev.
func (x *share) count(prev, next *ratelimit.State, now time.Time, tier ratelimit.Tier, day ratelimit.Day, cost int64) {
	switch {
	case tier.Day > 0:
		x.meet(next.Day, next.DayEnd)
	case !running(x.end, now):
		// Without a day to count the hash still needs one. While the state counts
		// a day it is that.
		x.meet(day.Number, day.End)
	}
	if tier.Second > 0 {
		if x.met > 0 {
			x.idle += x.empty(prev, next.Last)
		}
		x.own.second++
	}
	if tier.Day > 0 {
		if next.Day != x.own.date {
			if next.Used != prev.Used+cost { // a new day, nothing was carried into it
				x.own.day, x.far.day = 0, 0
			}
			x.own.date = next.Day
		}
		x.own.day++
	}
	if tier.Minute > 0 {
		step(&x.own.minute, &x.far.minute, prev.Minute, next.Minute, cost)
	}
	if tier.Hour > 0 {
		step(&x.own.hour, &x.far.hour, prev.Hour, next.Hour, cost)
	}
}

// empty returns how long the bucket of st has stood empty at an instant, since
// the last exchange.
func (x *share) empty(st *ratelimit.State, at time.Duration) time.Duration {
	return max(0, at-max(st.TAT, x.met))
}

// step counts one admission in a minute or an hour that went from prev to next.
func step(own *ratelimit.Count, far *uint32, prev, next ratelimit.Count, cost int64) {
	if next.Number != own.Number {
		if int64(next.Used) != int64(prev.Used)+cost { // a new window, nothing was carried into it
			own.Used, *far = 0, 0
		}
		own.Number = next.Number
	}
	own.Used++
}

// meet goes on in the hash of a day, which may end elsewhere in another zone.
func (x *share) meet(day int32, end int64) {
	if x.day != day || x.end == 0 {
		x.day = day
		x.own.second, x.far.second = 0, 0
		x.renew = 0
		x.unset(isKnown)
	}
	x.end = end
}

// longestDay is more than any calendar day lasts, in seconds. A day that ends
// later was made up by a clock that was wrong.
const longestDay = 2 * 24 * 60 * 60

// running reports whether a day that ends at end, in Unix seconds, is not over.
func running(end int64, now time.Time) bool {
	left := end - now.Unix()
	return left > 0 && left <= longestDay
}

// portion is tier for one of several nodes: each has its part of the bucket, of
// one request at least, but the whole rate, for it sees what the others admit.
func portion(tier ratelimit.Tier, nodes int64) ratelimit.Tier {
	if nodes > 1 && tier.Second > 0 {
		_, burst := bucket(tier)
		tier.Burst = max(1, burst/nodes)
	}
	return tier
}
