package redisstore

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/table"
)

// denyFor is how long a denial holds without Redis being asked again. Use only
// grows, so a state that denies goes on to deny until a window has passed, and
// that is known here; this bounds how long a counter that somebody deletes in
// Redis still denies.
const denyFor = time.Second

// mirror keeps the states of keys as Redis last showed them, on the clock of
// Redis.
type mirror struct {
	clock *clock
	table *table.Table[seen]
}

// seen is what a mirrored state is beside the state. It is zero for one that
// never came from Redis.
type seen struct {
	came  time.Duration // when the reply came, on the clock's own line
	shift time.Duration // from that line to the state's
	// alone counts what was admitted without Redis of the day numbered day; told
	// is how much of it Redis knows.
	alone, told uint32
	day         int32
}

// longAgo is the came of a state that was gone on with: Redis never showed it.
const longAgo = -time.Duration(1 << 62)

// fresh reports whether the state is as Redis showed it less than denyFor ago.
func (s *seen) fresh(since time.Duration) bool {
	age := since - s.came
	return s.shift != 0 && age >= 0 && age < denyFor
}

func newMirror(c *clock, maxKeys int) *mirror {
	return &mirror{clock: c, table: table.New[seen](table.Options{MaxKeys: maxKeys}, nil)}
}

// raise makes room for maxKeys.
func (m *mirror) raise(maxKeys int) { m.table.Raise(table.Options{MaxKeys: maxKeys}) }

// admits reports whether a request may have a counter in Redis. Whoever needs no
// identity may come from as many addresses as a network has, and Redis bounds
// nothing: they get no more room there than here. Those that find none share a
// counter of this process.
func (m *mirror) admits(r *request) bool {
	if !r.key.Fallback() {
		return true
	}
	e := m.lock(r)
	defer e.Unlock()
	return !e.Overflow
}

// request is one decision to make.
type request struct {
	now  time.Time
	key  ratelimit.Key
	tier ratelimit.Tier
	day  ratelimit.Day // as the clock of Redis has it
}

// denied returns the denial of a request if a state that is fresh enough denies
// it, and else what Redis has to be told with the question.
func (m *mirror) denied(r *request) (d ratelimit.Decision, denied bool, owed arrears) {
	e, ok := m.table.Find(r.key)
	if !ok {
		return d, false, owed
	}
	defer e.Unlock()
	if since := m.clock.since(r.now); e.Extra.fresh(since) {
		if _, d = e.State.Spend(since+e.Extra.shift, m.clock.wall(r.now), r.tier, r.day, 1); !d.Allowed {
			return d, true, owed
		}
	}
	if x := &e.Extra; x.alone > x.told && x.day == e.State.Day {
		owed = arrears{x.alone, x.day, e.State.DayEnd}
	}
	return d, false, owed
}

// keep takes in a reply, the state after it, and what it was told, unless a later
// one has overtaken it.
func (m *mirror) keep(r *request, p reply, told arrears) {
	came, shift := m.clock.reads(p.at)
	e := m.lock(r)
	defer e.Unlock()
	if e.Overflow {
		return // Redis counts the key by itself
	}
	x := &e.Extra
	if told.count > 0 && told.day == x.day {
		x.told = max(x.told, told.count)
	}
	if x.fresh(came) && p.at < x.came+x.shift {
		return
	}
	e.State, x.came, x.shift = p.state, came, shift
}

// spend decides without Redis, from the state that is here, each admission
// weighing as much as cost.
func (m *mirror) spend(r *request, cost int64) ratelimit.Decision {
	e := m.lock(r)
	defer e.Unlock()
	x := &e.Extra
	if x.shift == 0 {
		x.shift = time.Duration(m.clock.shift.Load())
	}
	x.came = longAgo
	next, d := e.State.Spend(m.clock.since(r.now)+x.shift, m.clock.wall(r.now), r.tier, r.day, cost)
	if d.Allowed {
		e.State = next
		if r.tier.Day > 0 {
			x.owe(next.Day)
		}
	}
	d.Overflow, d.Degraded = e.Overflow, true
	return d
}

// owe counts an admission that Redis does not know of.
func (s *seen) owe(day int32) {
	if s.day != day {
		s.day, s.alone, s.told = day, 0, 0
	}
	s.alone++
}

func (m *mirror) lock(r *request) table.Locked[seen] {
	at := m.clock.since(r.now) + time.Duration(m.clock.shift.Load())
	return m.table.Lock(r.key, r.tier.Name, at, m.clock.wall(r.now))
}
