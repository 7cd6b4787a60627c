package redisstore

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

func count(t *testing.T, what string, got, expected int64) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: expected %d, got %d", what, expected, got)
	}
}

var windows = ratelimit.Tier{Name: "windows", Minute: 20, Hour: 30, Day: 40}

func TestNodesSeeWhatTheOthersAdmit(t *testing.T) {
	h := hashes{}
	a, b := newPeer(h, "a", View{}), newPeer(h, "b", View{})
	count(t, "a admits", int64(a.pass(5, windows)), 5)
	count(t, "b admits", int64(b.pass(3, windows)), 3)
	a.sync()
	b.sync()
	for _, p := range []*peer{a, b} {
		p.send(windows) // queues the key, so that it is read again
		p.sync()
	}
	a.send(windows)
	a.sync()
	d := a.send(windows)
	count(t, "minute", d.Minute.Remaining, 20-12)
	count(t, "hour", d.Hour.Remaining, 30-12)
	count(t, "day", d.Day.Remaining, 40-12)
}

func TestOnlyWindowsOfTheSameNumberAreAddedUp(t *testing.T) {
	h := hashes{}
	a, b := newPeer(h, "a", View{}), newPeer(h, "b", View{})
	a.pass(5, windows)
	a.sync()
	b.now = b.now.Add(time.Minute)
	b.pass(1, windows)
	b.sync()
	d := b.send(windows)
	count(t, "minute", d.Minute.Remaining, 18)
	count(t, "hour", d.Hour.Remaining, 23)
	b.sync()
	// a's clock is the late one; the minute that others have begun counts.
	a.send(windows)
	a.sync()
	d = a.send(windows)
	count(t, "minute of a", d.Minute.Remaining, 17)
	count(t, "day of a", d.Day.Remaining, 31)
}

func TestAClockFarAheadIsLeftOut(t *testing.T) {
	h := hashes{}
	h[asyncKey(alice, utc.Day(noon).Number)] = map[string]string{"wrong": "0 2147483647:9 4294967295:9 4294967295:9", "right": "0 20577:2 0:0 0:0"}
	a := newPeer(h, "a", View{})
	a.send(windows)
	a.sync()
	d := a.send(windows)
	count(t, "minute", d.Minute.Remaining, 18)
	count(t, "hour", d.Hour.Remaining, 28)
	count(t, "day", d.Day.Remaining, 36)
}

func TestALostWriteIsMadeGoodByTheNext(t *testing.T) {
	h := hashes{}
	a, b := newPeer(h, "a", View{}), newPeer(h, "b", View{})
	for i, c := range []struct{ broken, deaf bool }{{true, false}, {false, true}, {false, false}, {false, true}, {true, false}, {false, false}} {
		a.wire.broken.Store(c.broken)
		a.wire.deaf.Store(c.deaf)
		count(t, "admits", int64(a.pass(1, windows)), 1)
		a.sync()
		if x, st := a.entry(); st.Used != int64(i+1) || x.own.day != int64(i+1) {
			t.Errorf("after %+v: expected %d, got %d, own %d", c, i+1, st.Used, x.own.day)
		}
	}
	b.send(windows)
	b.sync()
	count(t, "left", b.send(windows).Day.Remaining, 40-6-2)
}

// A pipeline that timed out may lie in Redis' socket and be run after the next.
func TestALateWriteIsUndone(t *testing.T) {
	h := hashes{}
	a := newPeer(h, "a", View{})
	a.wire.broken.Store(true)
	a.pass(1, windows)
	a.waiting()
	a.sync()
	late := map[string]string{"a": "0 20577:1 0:0 0:0"}
	a.wire.broken.Store(false)
	a.pass(4, windows)
	a.sync()
	h[asyncKey(alice, utc.Day(noon).Number)] = late
	a.sync() // nothing has happened since, but the key is written once more
	c, err := readCounts(late["a"])
	if err != nil || c.day != 5 {
		t.Errorf("expected 5 admissions in redis, got %d, %v", c.day, err)
	}
	asked := a.wire.asked.Load()
	a.sync()
	count(t, "further exchanges", a.wire.asked.Load()-asked, 0)
}

func (p *peer) waiting() bool { return !p.queue.empty() }

func TestLostHashesAreWrittenAgain(t *testing.T) {
	h := hashes{}
	a, b := newPeer(h, "a", View{}), newPeer(h, "b", View{})
	a.pass(5, windows)
	b.pass(6, windows)
	other := ratelimit.ByConsumer("", "idle")
	b.Allow(b.now, other, windows, utc)
	for range 2 {
		a.sync()
		b.sync()
		a.send(windows)
		b.send(windows)
	}
	a.sync()
	b.sync()
	clear(h)
	b.now = b.now.Add(time.Second)
	b.send(windows)
	b.sync() // finds its field gone
	b.sync() // and writes all it has
	name := asyncKey(other, utc.Day(noon).Number)
	if c, err := readCounts(h[name]["b"]); err != nil || c.day != 1 {
		t.Errorf("the idle key: expected 1 admission in redis, got %d, %v", c.day, err)
	}
	d := b.send(windows)
	count(t, "what a had admitted is remembered", d.Day.Remaining, 40-(5+2)-(6+2+2))
	a.send(windows)
	a.sync()
	b.sync()
	b.send(windows)
	b.sync()
	count(t, "and not counted twice", b.send(windows).Day.Remaining, 40-(5+3)-(6+2+2+2))
}

func TestANewDayHasANewHash(t *testing.T) {
	h := hashes{}
	a, b := newPeer(h, "a", View{}), newPeer(h, "b", View{})
	a.pass(10, windows)
	a.sync()
	b.send(windows)
	b.sync()
	a.now, b.now = a.now.Add(12*time.Hour), b.now.Add(12*time.Hour)
	count(t, "b has left", b.send(windows).Day.Remaining, 39)
	b.sync()
	a.pass(2, windows)
	a.sync()
	count(t, "a has left", a.send(windows).Day.Remaining, 40-1-3)
	if len(h) != 2 {
		t.Errorf("expected two hashes, got %d", len(h))
	}
	if c, err := readCounts(h[asyncKey(alice, utc.Day(noon).Number)]["a"]); err != nil || c.day != 10 {
		t.Errorf("yesterday's hash: expected 10 of a, got %+v, %v", c, err)
	}
}

func TestARestartedNodeGoesOn(t *testing.T) {
	h := hashes{}
	a := newPeer(h, "a-1", View{})
	a.pass(15, windows)
	a.sync()
	b := newPeer(h, "a-2", View{})
	b.send(windows)
	b.sync()
	count(t, "left", b.send(windows).Day.Remaining, 40-15-2)
}

var paced = ratelimit.Tier{Name: "paced", Second: 10, Burst: 30}

func TestOthersAreChargedToTheBucket(t *testing.T) {
	h := hashes{}
	v := View{Nodes: 3}
	a, b := newPeer(h, "a", v), newPeer(h, "b", v)
	count(t, "part of the burst", int64(a.pass(20, paced)), 10)
	b.send(paced)
	b.sync() // the first reading is where it begins
	a.sync()
	b.send(paced)
	b.sync()
	count(t, "nothing is left", int64(b.pass(20, paced)), 0)
	// Two of its own and ten of a: as deep as twelve, less than a part and a second.
	if d := b.send(paced); d.RetryAfter != 300*time.Millisecond {
		t.Errorf("expected 300ms to wait, got %v", d.RetryAfter)
	}
}

func TestChargesAreBounded(t *testing.T) {
	h := hashes{}
	a := newPeer(h, "a", View{})
	a.send(paced)
	a.sync()
	h[asyncKey(alice, utc.Day(noon).Number)]["other"] = "9007199254740992 0:0 0:0 0:0"
	a.send(paced)
	a.sync()
	if d := a.send(paced); d.RetryAfter != time.Second+100*time.Millisecond {
		t.Errorf("expected a second more than a full bucket has, got %v", d.RetryAfter)
	}
}

// A client that moves from one node to another finds no debt there, as long as
// it keeps to its rate.
func TestAnIdleBucketIsNotChargedForOldTimes(t *testing.T) {
	h := hashes{}
	v := View{Nodes: 3}
	a, b := newPeer(h, "a", v), newPeer(h, "b", v)
	b.send(paced)
	b.sync()
	for range 600 { // a minute, at the full rate
		a.now, b.now = a.now.Add(100*time.Millisecond), b.now.Add(100*time.Millisecond)
		if d := a.send(paced); !d.Allowed {
			t.Fatalf("expected its rate, got %+v", d)
		}
		a.sync()
	}
	b.send(paced)
	b.sync()
	for i := range 20 {
		b.now = b.now.Add(100 * time.Millisecond)
		if d := b.send(paced); !d.Allowed {
			t.Fatalf("request %d: expected its rate on the other node, too, got %+v", i, d)
		}
		b.sync()
	}
}
