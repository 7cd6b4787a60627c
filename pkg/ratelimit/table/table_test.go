package table_test

import (
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/table"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// extra is what a store might add: how often the key was seen, and whether that
// has still to be told to others.
type extra struct {
	seen   int
	unsent bool
}

func unsent(e *table.Entry[extra]) bool { return e.Extra.unsent }

func key(i int) ratelimit.Key {
	return ratelimit.ByClaim("route", "https://idp.example", "client_id", strconv.Itoa(i))
}

func fallback(i int) ratelimit.Key {
	return ratelimit.FallbackAddress("route", netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
}

// busy is a state that is idle from tomorrow on.
func busy() ratelimit.State {
	end := noon.Add(12 * time.Hour).Unix()
	return ratelimit.State{Used: 1, Day: int32(noon.Unix() / 86400), DayEnd: end}
}

// put makes an entry for key that lives until tomorrow.
func put(t testing.TB, tab *table.Table[extra], k ratelimit.Key, seen int) {
	t.Helper()
	e := tab.Lock(k, "tier", 0, noon)
	defer e.Unlock()
	if e.Overflow || !e.Fresh {
		t.Fatalf("expected a new entry for key %v, got %+v", k, e)
	}
	e.State, e.Extra.seen = busy(), seen
}

func TestLockFindsWhatItMade(t *testing.T) {
	tab := table.New[extra](table.Options{MaxKeys: 300}, nil)
	for i := range 300 {
		put(t, tab, key(i), i)
	}
	for i := range 300 {
		e := tab.Lock(key(i), "tier", 0, noon)
		if e.Fresh || e.Overflow || e.Extra.seen != i || e.Digest != key(i).Digest() {
			t.Errorf("key %d: got %+v", i, e.Entry)
		}
		e.Unlock()
	}
}

func TestFindMakesNothing(t *testing.T) {
	tab := table.New[extra](table.Options{MaxKeys: 10}, nil)
	put(t, tab, key(1), 7)
	e, ok := tab.Find(key(1))
	if !ok || e.Extra.seen != 7 || e.Fresh || e.Overflow {
		t.Fatalf("expected the entry, got %+v, %v", e.Entry, ok)
	}
	e.Extra.seen++
	e.Unlock()
	if e, ok = tab.Find(key(1)); !ok || e.Extra.seen != 8 {
		t.Fatalf("expected the entry as it was left, got %+v, %v", e.Entry, ok)
	}
	e.Unlock()
	for name, k := range map[string]ratelimit.Key{"another key": key(2), "a fallback": fallback(1)} {
		if e, ok := tab.Find(k); ok {
			e.Unlock()
			t.Errorf("%s: expected none, got %+v", name, e.Entry)
		}
	}
	// The same digest is another key as a fallback.
	if e, ok := tab.Find(ratelimit.RestoreKey(key(1).Digest(), true)); ok {
		e.Unlock()
		t.Error("a fallback was found under the digest of an identity")
	}
	if got, expected := tab.Stats(), (table.Stats{Keys: 1}); got != expected {
		t.Errorf("expected %+v, got %+v", expected, got)
	}
}

// seen lists what Each and Batches visit, by digest.
func seen(tab *table.Table[extra]) (each, batches map[string]int) {
	each, batches = map[string]int{}, map[string]int{}
	tab.Each(func(k ratelimit.Key, e *table.Entry[extra]) {
		each[k.String()+strconv.FormatBool(k.Fallback())] = e.Extra.seen
	})
	for fallback, batch := range tab.Batches() {
		for _, e := range batch {
			batches[ratelimit.RestoreKey(e.Digest, fallback).String()+strconv.FormatBool(fallback)] = e.Extra.seen
		}
	}
	return each, batches
}

func TestEachAndBatchesVisitAllOwnEntries(t *testing.T) {
	tab := table.New[extra](table.Options{MaxKeys: 500, MaxFallbacks: 20}, nil)
	expected := map[string]int{}
	if each, batches := seen(tab); len(each)+len(batches) != 0 {
		t.Errorf("an empty table: got %v, %v", each, batches)
	}
	for i := range 500 {
		put(t, tab, key(i), i)
		expected[key(i).String()+"false"] = i
	}
	for i := range 20 {
		put(t, tab, fallback(i), -i)
		expected[fallback(i).String()+"true"] = -i
	}
	tab.Lock(key(1000), "tier", 0, noon).Unlock() // shared, nobody's own
	each, batches := seen(tab)
	if diff := cmp.Diff(expected, each); diff != "" {
		t.Errorf("Each (-expected +got):\n%s", diff)
	}
	if diff := cmp.Diff(expected, batches); diff != "" {
		t.Errorf("Batches (-expected +got):\n%s", diff)
	}
	for range tab.Batches() {
		break // leaves no lock behind
	}
	tab.Each(func(_ ratelimit.Key, e *table.Entry[extra]) { e.Extra.seen++ })
	for range tab.Batches() {
		// A batch is looked at without a lock.
		tab.Lock(key(1), "tier", 0, noon).Unlock()
	}
	e, _ := tab.Find(key(1))
	defer e.Unlock()
	if e.Extra.seen != 2 {
		t.Errorf("expected what Each wrote, got %+v", e.Entry)
	}
}

func TestConcurrentVisitors(t *testing.T) {
	const workers, each = 8, 300
	tab := table.New[extra](table.Options{MaxKeys: 200}, nil)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				e := tab.Lock(key((i+w)%250), "tier", 0, noon)
				e.Extra.seen++
				e.State = busy()
				e.Unlock()
				if e, ok := tab.Find(key(i % 250)); ok {
					e.Unlock()
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			tab.Each(func(_ ratelimit.Key, e *table.Entry[extra]) { e.State = busy() })
			for _, batch := range tab.Batches() {
				slices.Reverse(batch) // it is the caller's
			}
		}
	})
	wg.Wait()
	total := 0
	tab.Each(func(_ ratelimit.Key, e *table.Entry[extra]) { total += e.Extra.seen })
	stats := tab.Stats()
	if total+int(stats.Overflows) != workers*each || stats.Keys != 200 {
		t.Errorf("expected %d uses of 200 keys and the rest, got %d and %+v", workers*each, total, stats)
	}
}
