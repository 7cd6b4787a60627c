package jwks_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
)

func TestEqualSourcesShareOneSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		n.set(setURL2, answer{body: set(jwk("b"))})
		s := n.open(t)
		first := s.Set(source(setURL, setURL2))
		synctest.Wait()
		second := s.Set(source(setURL2, setURL, setURL2)) // order and repetition mean nothing
		wantVerdict(t, second, "a", found)
		if got := n.fetches(); got != 2 {
			t.Errorf("%d fetches, expected one for each document", got)
		}

		other := source(setURL, setURL2)
		other.InsecureSkipVerify = true
		s.Set(other)
		synctest.Wait()
		if got := n.fetches(); got != 4 {
			t.Errorf("%d fetches, expected other options to make another set", got)
		}
		if a, b := first.Lookup("a"), s.Set(other).Lookup("a"); a.Generation == b.Generation {
			t.Errorf("two sets have generation %d", a.Generation)
		}
	})
}

func TestKeysOfOneIssuerAreNotAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		n.set(setURL2, answer{body: set(jwk("b"))})
		s := n.open(t)
		one, two := source(setURL), source(setURL2)
		two.Issuer = "http://other.test"
		first, second := s.Set(one), s.Set(two)
		synctest.Wait()
		for _, tt := range []struct {
			set  *jwks.Set
			kid  string
			want bool
		}{{first, "a", true}, {first, "b", false}, {second, "b", true}, {second, "", false}} {
			if got := tt.set.Has(tt.kid); got != tt.want {
				t.Errorf("has %q: %v, expected %v", tt.kid, got, tt.want)
			}
		}
		unknown := verdict{Status: jwks.Unknown, Code: diagnosis.KidUnknown}
		wantVerdict(t, first, "b", unknown)
		wantVerdict(t, second, "a", unknown)
		if a := wantVerdict(t, second, "b", found); len(a.Others) != 0 {
			t.Errorf("others %v, expected none of the other issuer", kids(a.Others))
		}
	})
}

func TestIdleSetStopsFetchingAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		k := n.open(t, jwks.WithIdle(time.Hour)).Set(source(setURL))
		synctest.Wait()
		first := wantVerdict(t, k, "a", found)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if got := n.fetches(); got != 5 { // at 0, 15, 30, 45 and 60 minutes
			t.Errorf("%d fetches in a day without lookups, expected 5", got)
		}
		// What was fetched a day ago may have been withdrawn since.
		n.set(setURL, answer{hang: true})
		wantVerdict(t, k, "a", verdict{Code: diagnosis.JWKSNeverLoaded, Retry: time.Second})
		n.set(setURL, answer{body: set(jwk("a"))})
		time.Sleep(6 * time.Second) // the timeout and the first retry
		synctest.Wait()
		if a := wantVerdict(t, k, "a", found); a.Generation <= first.Generation {
			t.Errorf("generation %d again, expected more than %d", a.Generation, first.Generation)
		}
	})
}

func TestUsedSetDoesNotGoIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		k := n.open(t, jwks.WithIdle(time.Hour)).Set(source(setURL))
		synctest.Wait()
		for range 48 {
			time.Sleep(30 * time.Minute)
			synctest.Wait()
			wantVerdict(t, k, "a", found)
		}
	})
}

func TestSetsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := n.open(t, jwks.WithLimit(2))
		var sets []*jwks.Set
		for i := range 3 {
			url := fmt.Sprintf("http://ping.test/%d", i)
			n.set(url, answer{body: set(jwk("a"))})
			sets = append(sets, s.Set(source(url)))
			synctest.Wait()
		}
		wantVerdict(t, sets[0], "a", found)
		wantVerdict(t, sets[1], "a", found)
		// Sets in use do not give way, those unused for a while do.
		wantVerdict(t, sets[2], "a", verdict{Code: diagnosis.JWKSNeverLoaded, Retry: 30 * time.Second})
		time.Sleep(2 * time.Minute)
		wantVerdict(t, sets[1], "a", found)
		sets[2].Lookup("a")
		synctest.Wait()
		wantVerdict(t, sets[1], "a", found)
		wantVerdict(t, sets[2], "a", found)
		wantVerdict(t, sets[0], "a", verdict{Code: diagnosis.JWKSNeverLoaded, Retry: 30 * time.Second})
	})
}

func TestCloseEndsEveryGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		n.set(setURL2, answer{hang: true})
		s := n.open(t)
		waiting, fetching := s.Set(source(setURL)), s.Set(source(setURL2, setURL))
		synctest.Wait()
		wantVerdict(t, waiting, "a", found)
		if goroutines(ours...) == 0 {
			t.Fatal("no goroutine of the package is running; the count below would prove nothing")
		}
		start := time.Now()
		s.Close()
		synctest.Wait()
		if time.Since(start) != 0 {
			t.Errorf("Close took %v, expected it to cancel", time.Since(start))
		}
		if got := goroutines(ours...); got != 0 {
			t.Errorf("%d goroutines of the package are left", got)
		}
		for _, k := range []*jwks.Set{waiting, fetching, s.Set(source(setURL))} {
			wantVerdict(t, k, "a", verdict{Code: diagnosis.JWKSNeverLoaded, Retry: 30 * time.Second})
		}
		s.Close()
	})
}

func TestNoConnectionIsKeptBetweenFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{hang: true})
		n.open(t).Set(source(setURL))
		synctest.Wait()
		if got := goroutines(connection); got == 0 {
			t.Fatal("no connection while fetching; the count below would prove nothing")
		}
		n.set(setURL, answer{body: set(jwk("a"))})
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := goroutines(connection); got != 0 {
			t.Errorf("%d goroutines keep a connection", got)
		}
	})
}

const connection = "http.(*persistConn)"

// ours are marks of the package's goroutines, its HTTP client's included.
var ours = []string{"jwks.(*worker)", "jwks.(*fetcher)", connection, "http.(*Transport)"}

// goroutines counts the goroutines whose stack, creation included, has a mark.
func goroutines(marks ...string) int {
	buf := make([]byte, 1<<20)
	n := 0
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(stack, m) }) {
			n++
		}
	}
	return n
}

func TestLookupsWhileKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("k0"), jwk("k1"))})
		s := n.open(t)
		k := s.Set(source(setURL))
		synctest.Wait()
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 300 {
					// Published one refresh before it signs, kept one after.
					round := int(time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) / (900 * time.Second))
					kid := fmt.Sprintf("k%d", round)
					if a := k.Lookup(kid); a.Status != jwks.Found || a.Keys[0].ID != kid {
						t.Errorf("round %d, %s: %+v", round, kid, a)
					}
					time.Sleep(time.Duration(g*7+i%13+1) * time.Second)
				}
			})
		}
		for round := 1; round < 12; round++ {
			n.set(setURL, answer{body: set(jwk(fmt.Sprintf("k%d", round-1)), jwk(fmt.Sprintf("k%d", round)), jwk(fmt.Sprintf("k%d", round+1)))})
			time.Sleep(900 * time.Second)
		}
		wg.Wait()
	})
}

func TestFoundLookupDoesNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"), jwk("b"))})
		k := n.open(t).Set(source(setURL))
		synctest.Wait()
		for _, kid := range []string{"a", ""} {
			if got := testing.AllocsPerRun(100, func() { k.Lookup(kid) }); got != 0 {
				t.Errorf("Lookup(%q) allocates %v times, expected 0", kid, got)
			}
		}
	})
}
