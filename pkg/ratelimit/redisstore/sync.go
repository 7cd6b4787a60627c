package redisstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/table"
)

const (
	chunk  = 500       // keys in one exchange: large enough to share a round trip
	budget = 8 * chunk // keys in one round: it bounds what a round costs

	renewEvery = time.Hour // how often Redis is told when to drop a hash
	// A hash outlives its day, for nodes whose clocks are late, but it is never
	// kept for more than hashMost from now: on a day of 25 hours the grace comes
	// with a later renewal.
	hashGrace = 30 * time.Minute
	hashMost  = 25 * time.Hour
)

// wire brings queries to Redis and fills in what comes back.
type wire interface {
	// exchange asks all queries in as few round trips as there are Redis nodes.
	// Every query has its own outcome.
	exchange(ctx context.Context, queries []query)
}

// query is what one key asks of Redis, and the answer.
type query struct {
	key    ratelimit.Key
	day    int32
	text   []byte // this node's field, nil to read only
	expire int64  // when Redis may drop the hash, in Unix seconds; 0 leaves that as it is

	err     error
	created bool     // this node had no field yet
	fields  []string // of all nodes, this one's included if it has one
}

// batch is the memory of a round, kept for the next one.
type batch struct {
	waiting []waiting
	queries []query
	from    []origin // of each query
	text    []byte
}

// origin is what a query was made of.
type origin struct {
	place place
	known bool // Redis is believed to have this node's field
	sent  counts
}

// outcome counts the answers to some queries.
type outcome struct {
	answered, failed int
	err              error // of one that failed
}

// round exchanges as many keys as the budget allows. It gives up at the first
// exchange that fails as a whole.
func (s *asyncStore) round(ctx context.Context) outcome {
	s.batch.waiting = s.queue.take(s.batch.waiting, budget)
	return s.exchange(ctx, s.batch.waiting)
}

// exchange exchanges keys that were taken from the queue.
func (s *asyncStore) exchange(ctx context.Context, list []waiting) (all outcome) {
	for len(list) > 0 {
		n := min(chunk, len(list))
		s.collect(&s.batch, list[:n])
		list = list[n:]
		if len(s.batch.queries) == 0 {
			continue
		}
		s.wire.exchange(ctx, s.batch.queries)
		o := s.settle(&s.batch)
		all.answered += o.answered
		all.failed += o.failed
		all.err = errors.Join(all.err, o.err)
		if o.answered == 0 {
			for _, w := range list { // their places are still theirs
				s.queue.push(w.place, w.key)
			}
			return all
		}
	}
	return all
}

// collect makes the queries of the keys that really wait where they stood.
func (s *asyncStore) collect(b *batch, list []waiting) {
	now := s.clock.now()
	at := s.clock.since(now)
	b.queries, b.from, b.text = b.queries[:0], b.from[:0], b.text[:0]
	b.text = slices.Grow(b.text, len(list)*longestField) // it must not move: queries point into it
	for _, w := range list {
		e, ok := s.table.Find(w.key)
		if !ok {
			continue
		}
		if e.Extra.lines &^= 1 << w.place; e.Extra.place == w.place {
			b.add(w, &e.Extra, at, now)
		}
		e.Unlock()
	}
}

// add adds the query of one key, whose entry is locked.
func (b *batch) add(w waiting, x *share, at time.Duration, now time.Time) {
	q := query{key: w.key, day: x.day}
	o := origin{place: w.place}
	if !x.own.empty() {
		from := len(b.text)
		b.text = x.own.append(b.text)
		q.text = b.text[from:len(b.text):len(b.text)]
		o.sent, o.known = x.own, x.has(isKnown)
		if at.Seconds() >= float64(x.renew) {
			q.expire = min(x.end+int64(hashGrace/time.Second), now.Add(hashMost).Unix())
		}
	}
	x.place = placeNone
	x.unset(isNews)
	x.set(isFlight)
	b.queries, b.from = append(b.queries, q), append(b.from, o)
}

// settle takes in the answers to a batch.
func (s *asyncStore) settle(b *batch) (all outcome) {
	now := s.clock.now()
	at := s.clock.since(now)
	for i := range b.queries {
		q, o := &b.queries[i], &b.from[i]
		if all.answered++; q.err != nil {
			all.answered--
			all.failed++
			all.err = q.err
		}
		e, ok := s.table.Find(q.key)
		if !ok { // cannot be: it was pinned
			continue
		}
		again := s.take(e.Entry, q, o, at, now)
		if again && e.Extra.place == placeNone {
			s.stand(q.key, &e.Extra, max(placeCalm, min(o.place, placeUrgent)))
		}
		e.Unlock()
	}
	return all
}

// take takes in the answer to one query and reports whether the key has to be
// exchanged again, whatever else happens.
func (s *asyncStore) take(e *table.Entry[share], q *query, o *origin, at time.Duration, now time.Time) (again bool) {
	x := &e.Extra
	x.unset(isFlight)
	if q.err != nil {
		if !x.has(isDoubt) {
			x.set(isDoubt)
			s.health.doubts++
		}
		if q.text != nil {
			x.set(isNews)
		}
		return true
	}
	// What failed before may still arrive, after this, and undo it. It will have
	// arrived by the next time.
	if x.has(isDoubt) {
		x.unset(isDoubt)
		s.health.doubts--
		again = q.text != nil
	}
	if x.day != q.day {
		return true // the key has gone on to another day meanwhile
	}
	all := newSum(q.day, now)
	for _, field := range q.fields {
		c, err := readCounts(field)
		if err != nil {
			continue // not a node's: nothing can be said of it
		}
		all.add(c)
	}
	x.merge(&e.State, at, o.sent, &all, s.lag(), s.most())
	// While a bucket that others share holds something, it is kept up to date:
	// the next request here must not find it drained of what they put in.
	again = again || x.far.second > 0 && e.State.TAT > at && !s.closing
	if q.text == nil {
		return again
	}
	if x.set(isKnown); q.expire != 0 {
		x.renew = uint32((at + renewEvery) / time.Second)
	}
	if q.created && o.known {
		s.health.lost = true
	}
	if q.created && q.expire == 0 { // it has no end yet
		x.renew, again = 0, true
	}
	return again
}

// longestField is more than the text of any counts.
const longestField = 112

// lag is the time between two exchanges of a busy key.
func (s *asyncStore) lag() time.Duration { return 2 * time.Duration(s.rate.Load()) }

// most is how far what others admit may push a bucket beyond full. Less would
// forget a part of what all nodes admit between two exchanges, and the sustained
// rate would grow; more would punish a key for longer.
func (s *asyncStore) most() time.Duration {
	return max(time.Second, 2*time.Duration(s.nodes.Load())*s.lag())
}

// recount queues every key that this node has counted in a running day, so that
// all it has admitted is written again.
func (s *asyncStore) recount() {
	now := s.clock.now()
	s.table.Each(func(key ratelimit.Key, e *table.Entry[share]) {
		x := &e.Extra
		if x.own.empty() || !running(x.end, now) {
			return
		}
		x.renew = 0
		x.unset(isKnown)
		if x.place == placeNone {
			s.stand(key, x, placeCalm)
		}
	})
}
