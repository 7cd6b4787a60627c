package access

import (
	"time"

	"github.com/maypok86/otter/v2"
)

// Kong reads and decodes a consumer anew with every kong.client.load_consumer,
// and each call is a round trip; the directory spares most of them. What is
// remembered of a consumer that was changed or deleted counts until it is over.
const (
	knownFor   = 60 * time.Second
	unknownFor = 5 * time.Second // a consumer just created is wanted soon
)

// directorySize bounds the memory of all remembered answers, in bytes.
const directorySize = 16 << 20

// directory remembers Kong's consumers for all instances of the process. It is
// safe for concurrent use.
type directory struct {
	answers *otter.Cache[query, answer]
}

// query is one way to ask Kong for a consumer. Names are unique in a workspace
// only.
type query struct {
	workspace  string
	name       string
	byUsername bool // else name is an id
}

// answer is what Kong said, and when; consumer is nil when there is none.
type answer struct {
	consumer *Consumer
	at       time.Time
}

func newDirectory() *directory {
	return &directory{otter.Must(&otter.Options[query, answer]{
		MaximumWeight: directorySize,
		Weigher:       weight,
	})}
}

// find returns the consumer that Kong has for a query, or nil. The caller must
// not change it. It waits for Kong unless a recent answer is there.
func (d *directory) find(g Gateway, q query, now time.Time) (*Consumer, error) {
	if a, ok := d.answers.GetIfPresent(q); ok && a.fresh(now) {
		return a.consumer, nil
	}
	c, err := g.LoadConsumer(q.name, q.byUsername)
	if err != nil {
		return nil, err
	}
	a := answer{at: now}
	if c.ID != "" {
		a.consumer = &c
	}
	d.answers.Set(q, a)
	return a.consumer, nil
}

// fresh reports whether an answer still counts. One from the future does not:
// the clock was set back, and it would stay for longer than it should.
func (a answer) fresh(now time.Time) bool {
	age, limit := now.Sub(a.at), unknownFor
	if a.consumer != nil {
		limit = knownFor
	}
	return 0 <= age && age < limit
}

// weight estimates the bytes that an entry takes.
func weight(q query, a answer) uint32 {
	const overhead = 256 // both structs and the cache's own
	n := overhead + len(q.workspace) + len(q.name)
	if c := a.consumer; c != nil {
		n += len(c.ID) + len(c.Username) + len(c.CustomID)
		for _, tag := range c.Tags {
			n += len(tag) + 16
		}
	}
	return uint32(min(n, directorySize))
}
