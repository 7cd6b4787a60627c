package jwks_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
)

func wantHealth(t *testing.T, k *jwks.Set, want jwks.Health) {
	t.Helper()
	if diff := cmp.Diff(want, k.Health()); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
}

func TestHealthFollowsTheKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{status: 500, delay: time.Second})
		s := n.open(t)
		src := source(setURL)
		src.MaxStale = time.Hour
		k := s.Set(src)
		wantHealth(t, k, jwks.Health{Code: diagnosis.JWKSNeverLoaded})
		time.Sleep(time.Second)
		synctest.Wait()
		wantHealth(t, k, jwks.Health{Code: diagnosis.JWKSStatus})

		n.set(setURL, answer{body: set(jwk("a"), jwk("b"), jwk("c", `"use":"enc"`))})
		time.Sleep(2 * time.Second) // the retry
		synctest.Wait()
		h := k.Health()
		wantHealth(t, k, jwks.Health{Usable: true, Keys: 2, Age: h.Age})
		time.Sleep(time.Minute)
		wantHealth(t, k, jwks.Health{Usable: true, Keys: 2, Age: h.Age + time.Minute})

		n.set(setURL, answer{status: 404})
		time.Sleep(59*time.Minute - time.Second)
		synctest.Wait()
		h = k.Health()
		wantHealth(t, k, jwks.Health{Usable: true, Keys: 2, Age: h.Age, Code: diagnosis.JWKSStatus})
		time.Sleep(5 * time.Second)
		h = k.Health()
		wantHealth(t, k, jwks.Health{Keys: 2, Age: h.Age, Code: diagnosis.JWKSStaleExpired})
		s.Close()
		wantHealth(t, k, jwks.Health{Code: diagnosis.JWKSNeverLoaded})
	})
}

func TestKeysThatAreAllUnusableAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("c", `"use":"enc"`))})
		k := n.open(t).Set(source(setURL))
		synctest.Wait()
		if h := k.Health(); h.Usable || h.Keys != 0 || h.Code == "" {
			t.Errorf("health %+v, expected a set that is not usable, and why", h)
		}
	})
}

// A look from outside must not keep a set alive that nobody uses.
func TestHealthIsNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		k := n.open(t, jwks.WithIdle(time.Hour)).Set(source(setURL))
		for range 4 * 60 {
			k.Health()
			time.Sleep(time.Minute)
		}
		fetched := n.fetches()
		wantHealth(t, k, jwks.Health{Idle: true})
		time.Sleep(time.Hour)
		if got := n.fetches(); got != fetched {
			t.Errorf("%d fetches, expected none after the %d while the set was in use", got, fetched)
		}
	})
}

func TestFetchesAreCountedByEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{status: 500})
		s := n.open(t)
		k := s.Set(source(setURL))
		other := source(setURL)
		other.InsecureSkipVerify = true
		time.Sleep(2 * time.Second)
		n.set(setURL, answer{body: set(jwk("a"))})
		time.Sleep(10 * time.Second)
		s.Set(other)
		synctest.Wait()
		k.Lookup("a")
		issuer := source(setURL).Issuer
		want := map[diagnosis.Code]uint64{"": 2, diagnosis.JWKSStatus: 2}
		for _, f := range s.Fetches() {
			if f.Issuer != issuer || f.Count != want[f.Code] {
				t.Errorf("%+v, expected %d", f, want[f.Code])
			}
			delete(want, f.Code)
		}
		if len(want) != 0 {
			t.Errorf("not counted: %v", want)
		}
	})
}

func TestIssuersThatAreCountedAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		s := n.open(t, jwks.WithLimit(1000))
		for i := range 520 {
			src := source(setURL)
			src.Issuer = fmt.Sprintf("http://issuer-%d.test", i)
			s.Set(src)
			synctest.Wait()
		}
		all := s.Fetches()
		want := []jwks.Fetches{{Count: 8}}
		rest := cmpopts.IgnoreSliceElements(func(f jwks.Fetches) bool { return f.Issuer != "" && f.Count == 1 })
		if diff := cmp.Diff(want, all, rest); diff != "" || len(all) != 513 {
			t.Errorf("%d issuers, the others (-want +got):\n%s", len(all), diff)
		}
	})
}

func TestShownIssuer(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://sso.example.com":              "https://sso.example.com",
		"https://sso.example.com/as?a=1":       "https://sso.example.com/as?a=1",
		"https://user:s3cret@sso.example.com/": "https://xxxxx@sso.example.com/",
		"accounts.example.com":                 "accounts.example.com",
	} {
		if got := jwks.ShownIssuer(issuer); got != want {
			t.Errorf("%q is shown as %q, expected %q", issuer, got, want)
		}
	}
}
