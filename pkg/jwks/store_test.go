package jwks_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
)

const (
	issuer  = "http://ping.test"
	setURL  = "http://ping.test/pf/JWKS"
	setURL2 = "http://ping.test/ext/oauth/jwks"
)

// source is a source with the configuration's defaults.
func source(uris ...string) jwks.Source {
	return jwks.Source{Issuer: issuer, URIs: uris, Options: jwks.Options{
		RefreshInterval:    900 * time.Second,
		Timeout:            5 * time.Second,
		MaxStale:           24 * time.Hour,
		UnknownKidCooldown: 30 * time.Second,
	}}
}

// verdict is the part of an answer that a client sees.
type verdict struct {
	Status jwks.Status
	Code   diagnosis.Code
	Retry  time.Duration
}

func wantVerdict(t *testing.T, k *jwks.Set, kid string, want verdict) jwks.Answer {
	t.Helper()
	a := k.Lookup(kid)
	if diff := cmp.Diff(want, verdict{a.Status, a.Code, a.RetryAfter}); diff != "" {
		t.Fatalf("Lookup(%q) (-want +got):\n%s%s", kid, diff, a.Detail)
	}
	return a
}

var found = verdict{Status: jwks.Found}

func TestFirstLookupsDoNotWaitForTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{hang: true})
		start := time.Now()
		k := n.open(t).Set(source(setURL))
		wantVerdict(t, k, "a", verdict{Code: diagnosis.JWKSNeverLoaded, Retry: time.Second})
		synctest.Wait()
		wantVerdict(t, k, "a", verdict{Code: diagnosis.JWKSNeverLoaded, Retry: time.Second})
		if d := time.Since(start); d != 0 {
			t.Errorf("the lookups took %v, expected no waiting", d)
		}
	})
}

func TestLoadedSetAnswersByKid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"), jwk("b"), jwk("c", `"use":"enc"`), `{"kid":"d","kty":"RSA"}`)})
		k := n.open(t).Set(source(setURL))
		synctest.Wait()

		a := wantVerdict(t, k, "a", found)
		if diff := cmp.Diff([]jwks.Key{{ID: "a", Public: edKey("a")}}, a.Keys); diff != "" {
			t.Errorf("keys of a (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"b"}, kids(a.Others)); diff != "" {
			t.Errorf("others of a (-want +got):\n%s", diff)
		}
		if a.Failure() != nil {
			t.Error("a found key has a failure")
		}
		if diff := cmp.Diff([]string{"a", "b"}, kids(wantVerdict(t, k, "", found).Keys)); diff != "" {
			t.Errorf("keys without a kid (-want +got):\n%s", diff)
		}
		wantVerdict(t, k, "c", verdict{Status: jwks.Faulty, Code: diagnosis.KeyUseForbidden})
		wantVerdict(t, k, "d", verdict{Status: jwks.Faulty, Code: diagnosis.KeyUnusable})
		wantVerdict(t, k, "e", verdict{Status: jwks.Unknown, Code: diagnosis.KidUnknown})
	})
}

func TestUnknownKidRefreshesOnceBesideTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("old"))})
		k := n.open(t).Set(source(setURL))
		synctest.Wait()
		time.Sleep(29 * time.Second)
		wantVerdict(t, k, "new", verdict{Status: jwks.Unknown, Code: diagnosis.KidUnknown})
		time.Sleep(time.Second)

		n.set(setURL, answer{body: set(jwk("old"), jwk("new")), delay: time.Millisecond})
		throttled := verdict{jwks.Unknown, diagnosis.KidUnknownThrottled, time.Second}
		wantVerdict(t, k, "new", throttled)
		wantVerdict(t, k, "new", throttled)
		wantVerdict(t, k, "old", found)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		wantVerdict(t, k, "new", found)
		wantVerdict(t, k, "other", verdict{Status: jwks.Unknown, Code: diagnosis.KidUnknown})
		if got := n.fetches(); got != 2 {
			t.Errorf("%d fetches, expected 2", got)
		}
	})
}

// A key that is replaced under its kid, or a token without kid, never misses: a
// signature that fails has to ask instead.
func TestSuspicionRefreshesOncePerCooldown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		k := n.open(t).Set(source(setURL))
		synctest.Wait()
		k.Suspect()
		synctest.Wait()
		if got := n.fetches(); got != 1 {
			t.Fatalf("%d fetches right after the first, expected 1", got)
		}
		time.Sleep(30 * time.Second)
		for range 100 {
			k.Suspect()
			synctest.Wait()
		}
		if got := n.fetches(); got != 2 {
			t.Errorf("%d fetches after the cooldown, expected 2", got)
		}
		wantVerdict(t, k, "a", found)
	})
}

func TestFailedRefreshOfAnUnknownKidIsNotRepeatedWithinTheCooldown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("old"))})
		k := n.open(t).Set(source(setURL))
		synctest.Wait()
		time.Sleep(time.Minute)
		n.set(setURL, answer{status: 500})
		wantVerdict(t, k, "new", verdict{jwks.Unknown, diagnosis.KidUnknownThrottled, time.Second})
		synctest.Wait()
		time.Sleep(10*time.Second + time.Millisecond)
		a := wantVerdict(t, k, "new", verdict{jwks.Unknown, diagnosis.KidUnknownThrottled, 20 * time.Second})
		if want := "the refresh failed: jwks_status (HTTP status 500)"; a.Detail != want {
			t.Errorf("detail %q, expected %q", a.Detail, want)
		}
		wantVerdict(t, k, "old", found)
		time.Sleep(20 * time.Second)
		if got := n.fetches(); got != 2 {
			t.Errorf("%d fetches within the cooldown, expected 2", got)
		}
		wantVerdict(t, k, "new", verdict{jwks.Unknown, diagnosis.KidUnknownThrottled, time.Second})
		synctest.Wait()
		if got := n.fetches(); got != 3 {
			t.Errorf("%d fetches after the cooldown, expected 3", got)
		}
	})
}

func TestFloodOfUnknownKidsCostsOneFetchPerCooldown(t *testing.T) {
	for name, then := range map[string]answer{
		"issuer up":      {body: set(jwk("old"))},
		"issuer failing": {status: 503},
		"issuer hanging": {hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				n.set(setURL, answer{body: set(jwk("old"))})
				k := n.open(t).Set(source(setURL))
				synctest.Wait()
				time.Sleep(time.Minute)
				n.set(setURL, then)
				for i := range 10_000 {
					if a := k.Lookup(fmt.Sprint("kid-", i)); a.Status != jwks.Unknown {
						t.Fatalf("kid %d: status %d, expected Unknown", i, a.Status)
					}
					if i%400 == 399 { // 25 times: 25 s, less than the cooldown
						time.Sleep(time.Second)
					}
				}
				if got := n.fetches() - 1; got != 1 {
					t.Errorf("%d fetches for the flood, expected 1", got)
				}
				wantVerdict(t, k, "old", found)
			})
		})
	}
}

func TestConcurrentMissesStartOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("old"))})
		k := n.open(t).Set(source(setURL))
		synctest.Wait()
		for round := 1; round <= 20; round++ {
			time.Sleep(time.Minute)
			var wg sync.WaitGroup
			for g := range 16 {
				wg.Go(func() { k.Lookup(fmt.Sprint("kid-", g)) })
			}
			wg.Wait()
			synctest.Wait()
			if got := n.fetches() - 1; got != round {
				t.Fatalf("%d fetches after %d rounds, expected one for each", got, round)
			}
		}
	})
}

func TestClockSetsAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		offset := time.Duration(0)
		k := n.open(t, jwks.WithClock(func() time.Time { return time.Now().Add(offset) })).Set(source(setURL))
		synctest.Wait()
		offset = time.Hour
		if a := wantVerdict(t, k, "a", found); a.Age != time.Hour {
			t.Errorf("age %v, expected 1h", a.Age)
		}
	})
}

func TestRefreshReplacesTheKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"), jwk("b"))})
		k := n.open(t).Set(source(setURL))
		synctest.Wait()
		first := wantVerdict(t, k, "a", found)
		time.Sleep(900 * time.Second)
		synctest.Wait()
		same := wantVerdict(t, k, "a", found)
		if same.Generation != first.Generation || same.Age != 0 {
			t.Errorf("generation %d, age %v after an equal refresh, expected %d and 0", same.Generation, same.Age, first.Generation)
		}
		n.set(setURL, answer{body: set(jwk("b"), jwk("c"))})
		time.Sleep(900 * time.Second)
		synctest.Wait()
		wantVerdict(t, k, "a", verdict{Status: jwks.Unknown, Code: diagnosis.KidRetired})
		wantVerdict(t, k, "d", verdict{Status: jwks.Unknown, Code: diagnosis.KidUnknown})
		if c := wantVerdict(t, k, "c", found); c.Generation <= first.Generation {
			t.Errorf("generation %d after other keys, expected more than %d", c.Generation, first.Generation)
		}
	})
}

func TestBadAnswersNeverReplaceGoodKeys(t *testing.T) {
	for name, bad := range map[string]answer{
		"empty set":  {body: set()},
		"no usable":  {body: set(jwk("a", `"use":"enc"`))},
		"HTML":       {body: "<html>sign in</html>"},
		"no keys":    {body: "{}"},
		"error":      {status: 500},
		"hanging":    {hang: true},
		"empty body": {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				n.set(setURL, answer{body: set(jwk("a"))})
				src := source(setURL)
				src.MaxStale = 2 * time.Hour
				k := n.open(t).Set(src)
				synctest.Wait()
				n.set(setURL, bad)
				time.Sleep(110 * time.Minute)
				synctest.Wait()
				if a := wantVerdict(t, k, "a", found); a.Age != 110*time.Minute {
					t.Errorf("age %v, expected 110m", a.Age)
				}
				time.Sleep(10*time.Minute + time.Second)
				a := k.Lookup("a")
				if a.Status != jwks.Unavailable || a.Code != diagnosis.JWKSStaleExpired || len(a.Keys) > 0 {
					t.Fatalf("after max_stale: %+v", a)
				}
				f := a.Failure()
				if f.By == nil || *f.By != 7201 || f.RetryAfter < 1 || f.RetryAfter > 300 {
					t.Errorf("failure %+v, expected by 7201 and a Retry-After of at most five minutes", f)
				}
				n.set(setURL, answer{body: set(jwk("b"))})
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				wantVerdict(t, k, "b", found)
			})
		})
	}
}
