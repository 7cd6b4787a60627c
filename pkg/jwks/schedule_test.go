package jwks_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
)

func TestRetriesBackOffUntilTheFirstKeysAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{status: 500})
		var waits []time.Duration
		events := jwks.WithObserver(func(e jwks.Event) { waits = append(waits, e.Next) })
		k := n.open(t, events).Set(source(setURL))
		synctest.Wait()
		wantVerdict(t, k, "a", verdict{Code: diagnosis.JWKSStatus, Retry: time.Second})
		time.Sleep(1 * time.Second)
		synctest.Wait()
		wantVerdict(t, k, "a", verdict{Code: diagnosis.JWKSStatus, Retry: 2 * time.Second})
		wantVerdict(t, k, "b", verdict{Code: diagnosis.JWKSStatus, Retry: 2 * time.Second})
		if got := n.fetches(); got != 2 {
			t.Errorf("%d fetches, expected lookups to cause none beside the 2 scheduled", got)
		}
		time.Sleep(90 * time.Second)
		synctest.Wait()
		n.set(setURL, answer{body: set(jwk("a"))})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		wantVerdict(t, k, "a", found)
		want := []time.Duration{1, 2, 4, 8, 16, 30, 30, 30, 900}
		for i := range want {
			want[i] *= time.Second
		}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
	})
}

func TestUnknownKidsDoNotDisturbTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		var waits []time.Duration
		events := jwks.WithObserver(func(e jwks.Event) { waits = append(waits, e.Next) })
		k := n.open(t, events).Set(source(setURL))
		synctest.Wait()
		n.set(setURL, answer{status: 500})
		time.Sleep(100 * time.Second)
		k.Lookup("new")
		synctest.Wait()
		time.Sleep(800*time.Second - time.Millisecond)
		synctest.Wait()
		if got := n.fetches(); got != 2 {
			t.Errorf("%d fetches before the refresh interval ends, expected 2", got)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		want := []time.Duration{900 * time.Second, 800 * time.Second, time.Second}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
	})
}

func TestDefaultJitterIsATenthEitherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		waits := make(map[time.Duration]bool)
		s := jwks.NewStore(jwks.WithDial(n.Dial), jwks.WithObserver(func(e jwks.Event) { waits[e.Next] = true }))
		t.Cleanup(s.Close)
		s.Set(source(setURL))
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		if len(waits) < 15 {
			t.Errorf("%d different waits in 5 hours, expected them to vary", len(waits))
		}
		for w := range waits {
			if w < 810*time.Second || w > 990*time.Second {
				t.Errorf("a wait of %v, expected 810s to 990s", w)
			}
		}
	})
}

func TestSmallMaxStaleIsAbsoluteAndDoesNotStarveAHealthyIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		src := source(setURL)
		src.MaxStale = 20 * time.Second
		k := n.open(t).Set(src)
		for range 300 {
			time.Sleep(time.Second)
			synctest.Wait()
			wantVerdict(t, k, "a", found)
		}
		n.set(setURL, answer{status: 500})
		time.Sleep(20 * time.Second)
		wantVerdict(t, k, "a", found) // the last good fetch was just before
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if a := k.Lookup("a"); a.Code != diagnosis.JWKSStaleExpired {
			t.Errorf("code %q at age %v, expected jwks_stale_expired", a.Code, a.Age)
		}
	})
}

func TestWithoutMaxStaleOneFailedRefreshEndsTheKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		src := source(setURL)
		src.MaxStale = 0
		k := n.open(t).Set(src)
		time.Sleep(899 * time.Second)
		wantVerdict(t, k, "a", found)
		n.set(setURL, answer{status: 500})
		time.Sleep(time.Second)
		synctest.Wait()
		wantVerdict(t, k, "a", verdict{Code: diagnosis.JWKSStaleExpired, Retry: time.Second})
	})
}

func TestCooldownHasAFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		src := source(setURL)
		src.UnknownKidCooldown = 0
		k := n.open(t).Set(src)
		time.Sleep(jwks.MinCooldown)
		// A client that follows Retry-After must get a final answer.
		wantVerdict(t, k, "x", verdict{jwks.Unknown, diagnosis.KidUnknownThrottled, time.Second})
		time.Sleep(1900 * time.Millisecond)
		wantVerdict(t, k, "x", verdict{Status: jwks.Unknown, Code: diagnosis.KidUnknown})
	})
}
