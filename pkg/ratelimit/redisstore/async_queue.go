package redisstore

import (
	"sync"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// place says where in the queue a key stands; a higher one comes first.
type place uint8

const (
	placeNone   place = iota
	placeCalm         // has been used
	placeUrgent       // was denied, or is near a limit
	placeNew          // was never read
	places
)

// queue holds the keys that wait for an exchange. One that moved up stays where it
// was, too, and is passed over when its old turn comes, unless the place is its
// own again by then. The share of a key knows in which lines it stands, so that it
// is never twice in one and the queue never longer than the table three times
// over.
type queue struct {
	mu    sync.Mutex
	lines [places][]ratelimit.Key // by place; the first is unused
	heads [places]int             // how many of a line are gone
}

// stand gives a key, which is locked, a place in the queue.
func (s *asyncStore) stand(key ratelimit.Key, x *share, p place) {
	x.place = p
	if x.lines&(1<<p) == 0 {
		x.lines |= 1 << p
		s.queue.push(p, key)
	}
}

// push puts key at the end of a place. The caller holds the lock of the key.
func (q *queue) push(p place, key ratelimit.Key) {
	q.mu.Lock()
	q.lines[p] = append(q.lines[p], key)
	q.mu.Unlock()
}

// waiting is a key and the place that it stood in.
type waiting struct {
	key   ratelimit.Key
	place place
}

// pop takes up to n keys off one place and appends them to list.
func (q *queue) pop(list []waiting, p place, n int) []waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	line, head := q.lines[p], q.heads[p]
	n = min(n, len(line)-head)
	for _, key := range line[head : head+n] {
		list = append(list, waiting{key, p})
	}
	head += n
	if head > len(line)/2 { // move the rest down: each key moves once at most
		rest := copy(line, line[head:])
		line, head = line[:rest], 0
	}
	q.lines[p], q.heads[p] = line, head
	return list
}

// empty reports whether nobody waits.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for p := range q.lines {
		if len(q.lines[p]) > q.heads[p] {
			return false
		}
	}
	return true
}

// take takes up to n keys: the new ones, the urgent ones, and the others as far
// as there is room, for which a quarter is kept free.
func (q *queue) take(list []waiting, n int) []waiting {
	list = list[:0]
	list = q.pop(list, placeNew, n/2)
	list = q.pop(list, placeUrgent, n-n/4-len(list))
	list = q.pop(list, placeCalm, n-len(list))
	if room := n - len(list); room > 0 {
		list = q.pop(list, placeUrgent, room)
	}
	return list
}
