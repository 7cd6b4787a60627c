package pluginserver

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

// retireGrace is how long a closed instance still serves: another request of the same
// worker may have picked its id before the close and be about to use it.
const retireGrace = 30 * time.Second

// instance is one started configuration.
type instance struct {
	id      int32
	handler Handler
	started time.Time

	expires atomic.Int64 // unix nanoseconds; moves with every event until retired
	retired atomic.Bool
}

// instances are the started configurations by id. A close is no reliable end (none comes
// for a plugin that was removed, nor at a reload), so time is: an instance without
// events is forgotten, and Kong starts it again if it is needed after all.
type instances struct {
	draw func() int32 // a random id; a parameter for tests
	idle time.Duration
	max  int

	mu   sync.RWMutex
	byID map[int32]*instance
}

func newInstances(idle time.Duration, limit int) *instances {
	return &instances{draw: drawID, idle: idle, max: limit, byID: map[int32]*instance{}}
}

// drawID returns 31 random bits, as Kong's int32 has room for.
func drawID() int32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, Go 1.24)
	return int32(binary.LittleEndian.Uint32(b[:]) & 0x7fffffff)
}

// add registers a handler under a new id that is neither zero nor in use. Over the limit
// the instance that would expire first goes.
func (t *instances) add(h Handler, now time.Time) *instance {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byID) >= t.max { // else sweep is soon enough: a look at all of them costs
		t.drop(now)
	}
	for len(t.byID) >= t.max {
		t.evict()
	}
	id := t.draw()
	for id == 0 || t.byID[id] != nil {
		id = t.draw()
	}
	inst := &instance{id: id, handler: h, started: now}
	inst.expires.Store(now.Add(t.idle).UnixNano())
	t.byID[id] = inst
	return inst
}

// use returns the instance for an event and puts its expiry off; nil when the id is not
// known (any more).
func (t *instances) use(id int32, now time.Time) *instance {
	inst := t.get(id)
	if inst == nil || inst.expired(now) {
		return nil
	}
	if !inst.retired.Load() {
		inst.expires.Store(now.Add(t.idle).UnixNano())
	}
	return inst
}

// get returns the instance of that id or nil.
func (t *instances) get(id int32) *instance {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byID[id]
}

// retire lets the instance of that id, and no other, end after a short grace.
func (t *instances) retire(id int32, now time.Time) {
	inst := t.get(id)
	if inst != nil && inst.retired.CompareAndSwap(false, true) {
		inst.expires.Store(now.Add(min(retireGrace, t.idle)).UnixNano())
	}
}

// sweep forgets what has expired.
func (t *instances) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(now)
}

// count returns how many instances are held.
func (t *instances) count() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.byID)
}

func (t *instances) drop(now time.Time) {
	for id, inst := range t.byID {
		if inst.expired(now) {
			delete(t.byID, id)
		}
	}
}

func (t *instances) evict() {
	var first *instance
	for _, inst := range t.byID {
		if first == nil || inst.expires.Load() < first.expires.Load() {
			first = inst
		}
	}
	delete(t.byID, first.id)
}

func (i *instance) expired(now time.Time) bool { return now.UnixNano() >= i.expires.Load() }
