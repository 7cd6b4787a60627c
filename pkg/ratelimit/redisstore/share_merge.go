package redisstore

import (
	"math"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// merge takes in what a hash holds: all is the sum of its fields, sent what this
// node had counted when it wrote its own just before, or nothing if it did not.
// at is the instant on the state's time line, lag the time between exchanges of
// a busy key, and most how far charges may push the bucket beyond full.
//
// What is known of others never shrinks within a window. A hash that was lost
// and is written anew by and by takes nothing back that way.
func (x *share) merge(st *ratelimit.State, at time.Duration, sent counts, all *sum, lag, most time.Duration) {
	others := max(0, all.second-sent.second)
	if x.met > 0 && others > x.far.second && !x.has(isAlone) {
		x.charge(st, at, others-x.far.second, lag, most)
	}
	// A smaller number means that fields were lost. Their rewriting is no news,
	// so that the number follows downwards.
	x.far.second = others

	x.joinDay(st, sent, all)
	join(&x.own.minute, &x.far.minute, &st.Minute, sent.minute, all.minute)
	join(&x.own.hour, &x.far.hour, &st.Hour, sent.hour, all.hour)
	x.met, x.idle = max(1, at), 0
	x.unset(isAlone)
}

// joinDay adds up the day. all has the latest day that any node counts in this
// hash; this node may not have counted in it yet.
func (x *share) joinDay(st *ratelimit.State, sent counts, all *sum) {
	if all.day > 0 && all.date > x.own.date {
		x.own.date, x.own.day, x.far.day = all.date, 0, 0
	}
	if all.date == x.own.date {
		others := all.day
		if sent.date == all.date {
			others -= sent.day
		}
		x.far.day = max(x.far.day, others)
	}
	if x.own.day == 0 && x.far.day == 0 {
		return
	}
	st.Day, st.Used = x.own.date, x.own.day+x.far.day
	if x.own.date == x.day {
		st.DayEnd = x.end
	}
}

// join adds up a minute or an hour, likewise.
func join(own *ratelimit.Count, far *uint32, total *ratelimit.Count, sent, all ratelimit.Count) {
	if all.Used > 0 && all.Number > own.Number {
		*own, *far = ratelimit.Count{Number: all.Number}, 0
	}
	if all.Number == own.Number {
		others := all.Used
		if sent.Number == all.Number {
			others -= min(others, sent.Used)
		}
		*far = max(*far, others)
	}
	if own.Used > 0 || *far > 0 {
		*total = ratelimit.Count{Number: own.Number, Used: uint32(min(int64(own.Used)+int64(*far), math.MaxUint32))}
	}
}

// charge moves the bucket as n admissions of others would have.
//
// They came some time since the last exchange. A bucket that was in use since
// then is charged as if it were now, which is late rather than early. One that
// stood empty for longer than lag gets that time taken off, for it could have
// held them then: or a key that another node has served for an hour would find
// its bucket an hour deep.
func (x *share) charge(st *ratelimit.State, at time.Duration, n int64, lag, most time.Duration) {
	now := max(at, st.Last)
	debt := max(0, st.TAT-now)
	unit := time.Duration(st.Interval)
	if debt == 0 || unit == 0 {
		unit = time.Duration(x.interval)
	}
	if unit == 0 {
		return // no tier with a second window was seen
	}
	limit := max(debt, time.Duration(x.burst)*unit+most)
	credit := max(0, x.idle+x.empty(st, now)-lag)
	if n > int64((limit+credit)/unit) { // more would change nothing, and could overflow
		debt = limit
	} else {
		debt = min(limit, debt+max(0, time.Duration(n)*unit-credit))
	}
	if debt > 0 {
		st.TAT, st.Interval = now+debt, uint32(unit)
	}
}
