package table_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/table"
)

// What a store has to keep stays although its state is idle, and goes when the
// store lets it.
func TestKeepHoldsIdleEntries(t *testing.T) {
	const full = 40
	tab := table.New(table.Options{MaxKeys: full}, unsent)
	for i := range full {
		put(t, tab, key(i), i)
	}
	tab.Each(func(_ ratelimit.Key, e *table.Entry[extra]) { e.Extra.unsent = e.Extra.seen%2 == 0 })
	tomorrow := noon.Add(24 * time.Hour)
	for i := range full {
		tab.Lock(key(1000+i), "tier", 0, tomorrow).Unlock()
	}
	for i := range full {
		e, ok := tab.Find(key(i))
		if ok {
			e.Unlock()
		}
		if ok != (i%2 == 0) {
			t.Errorf("key %d: expected it kept: %v, got %v", i, i%2 == 0, ok)
		}
	}
	tab.Each(func(_ ratelimit.Key, e *table.Entry[extra]) { e.Extra.unsent = false })
	for i := range full {
		e := tab.Lock(key(2000+i), "tier", 0, tomorrow)
		if e.Overflow {
			t.Errorf("key %d: expected room where nothing is kept any more", i)
		}
		e.State = busy() // of yesterday, idle
		e.Unlock()
	}
	if e, ok := tab.Find(key(0)); ok {
		e.Unlock()
		t.Error("an idle entry outlived as many new keys as there are places")
	}
}

func TestOverflowIsOfTheTier(t *testing.T) {
	tab := table.New[extra](table.Options{MaxKeys: 1, MaxFallbacks: 1}, nil)
	put(t, tab, key(0), 0)
	put(t, tab, fallback(0), 0)
	for i, c := range []struct {
		key   ratelimit.Key
		tier  string
		fresh bool
		seen  int
	}{
		{key(1), "a", true, 0}, {key(2), "a", false, 1}, {key(3), "b", true, 0}, {fallback(1), "a", true, 0}, {fallback(2), "a", false, 1}, {key(1), "a", false, 2},
	} {
		e := tab.Lock(c.key, c.tier, 0, noon)
		if !e.Overflow || e.Fresh != c.fresh || e.Extra.seen != c.seen {
			t.Errorf("request %d: expected the shared entry of tier %s, fresh %v, %d seen, got %+v, fresh %v", i, c.tier, c.fresh, c.seen, e.Entry, e.Fresh)
		}
		e.Extra.seen++
		e.Unlock()
	}
	if got, expected := tab.Stats(), (table.Stats{Keys: 1, Fallbacks: 1, Overflows: 6}); got != expected {
		t.Errorf("expected %+v, got %+v", expected, got)
	}
}

func TestRestoreFindsRoomPastTheBound(t *testing.T) {
	tab := table.New[extra](table.Options{MaxKeys: 2, MaxFallbacks: 1}, nil)
	for i := range 5 {
		if !tab.Restore(key(i), busy()) || !tab.Restore(fallback(i), busy()) {
			t.Errorf("key %d was not restored", i)
		}
	}
	other := busy()
	other.Used = 99
	if tab.Restore(key(1), other) {
		t.Error("a key was restored over what it has")
	}
	e := tab.Lock(key(1), "tier", 0, noon)
	if e.Overflow || e.Fresh || e.State != busy() {
		t.Errorf("expected the restored entry, got %+v", e.Entry)
	}
	e.Unlock()
	e = tab.Lock(key(9), "tier", 0, noon)
	if !e.Overflow {
		t.Error("a new key found room past the bound")
	}
	e.Unlock()
	// What was too much goes with its day.
	tomorrow := noon.Add(24 * time.Hour)
	for i := range 20 {
		tab.Lock(key(100+i), "tier", 0, tomorrow).Unlock()
	}
	if n := tab.Stats().Keys; n > 2 {
		t.Errorf("expected at most 2 keys, got %d", n)
	}
}

func TestRaiseNeverLowers(t *testing.T) {
	tab := table.New[extra](table.Options{MaxKeys: 3, MaxFallbacks: 3}, nil)
	tab.Raise(table.Options{MaxKeys: 1, MaxFallbacks: 5})
	for i := range 3 {
		put(t, tab, key(i), 0)
	}
	for i := range 5 {
		put(t, tab, fallback(i), 0)
	}
	for name, k := range map[string]ratelimit.Key{"a fourth identity": key(3), "a sixth address": fallback(5)} {
		e := tab.Lock(k, "tier", 0, noon)
		if !e.Overflow {
			t.Errorf("%s: expected no room", name)
		}
		e.Unlock()
	}
}

// A table of any size, with entries that come, are kept, idle and go, agrees with
// a map of which nothing goes that may not.
func TestTableAgreesWithAMap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bound := rapid.IntRange(1, 30).Draw(rt, "bound")
		tab, now := table.New(table.Options{MaxKeys: bound}, unsent), noon
		expected := map[int]table.Entry[extra]{}
		for range 120 {
			if rapid.IntRange(0, 20).Draw(rt, "midnight") == 0 {
				now = now.Add(24 * time.Hour)
			}
			k := rapid.IntRange(0, 40).Draw(rt, "key")
			e := tab.Lock(key(k), "tier", 0, now)
			before, known := expected[k]
			switch gone := before.State.Idle(0, now) && !before.Extra.unsent; {
			case !e.Overflow && !e.Fresh && *e.Entry != before:
				rt.Fatalf("key %d: expected %+v, got %+v", k, before, *e.Entry)
			case (e.Overflow || e.Fresh) && known && !gone:
				rt.Fatalf("key %d was given up with %+v", k, before)
			}
			if !e.Overflow {
				e.Extra = extra{seen: e.Extra.seen + 1, unsent: rapid.Bool().Draw(rt, "unsent")}
				end := now.Truncate(24 * time.Hour).Add(24 * time.Hour)
				e.State = ratelimit.State{Used: 1, DayEnd: end.Unix()}
				expected[k] = *e.Entry
			}
			e.Unlock()
			if n := tab.Stats().Keys; n > int64(bound) {
				rt.Fatalf("expected at most %d keys, got %d", bound, n)
			}
		}
	})
}
