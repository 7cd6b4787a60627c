package jwks_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
)

func TestRestartWhileTheIssuerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		src := source(setURL)
		src.MaxStale = 2 * time.Hour
		h.load(src, jwk("a"), jwk("b"))
		h.down()
		time.Sleep(time.Hour)
		s := h.boot()
		k := s.Set(src)
		// With the first lookup, and with the age that the keys really have.
		if a := wantVerdict(t, k, "a", found); a.Age != time.Hour || a.Generation == 0 || len(a.Others) != 1 {
			t.Errorf("answer %+v", a)
		}
		wantVerdict(t, k, "x", verdict{jwks.Unknown, diagnosis.KidUnknownThrottled, time.Second})
		synctest.Wait()
		if got := h.fetches(); got != 2 {
			t.Errorf("%d fetches, expected one at each start", got)
		}
		time.Sleep(30 * time.Minute)
		wantVerdict(t, k, "a", found)
		s.Close()

		time.Sleep(30*time.Minute - time.Second) // two hours since the fetch, but for a second
		s = h.boot()
		k = s.Set(src)
		wantVerdict(t, k, "a", found)
		time.Sleep(time.Second + time.Millisecond)
		// The first fetch has not even failed; no grace is due.
		a := wantVerdict(t, k, "a", verdict{Code: diagnosis.JWKSStaleExpired, Retry: time.Second})
		if a.By != 7200 {
			t.Errorf("by %d, expected 7200", a.By)
		}
		s.Close()

		s = h.boot()
		k = s.Set(src)
		wantVerdict(t, k, "a", verdict{Code: diagnosis.JWKSStaleExpired, Retry: time.Second})
		h.set(setURL, answer{body: set(jwk("b"))})
		time.Sleep(10 * time.Second)
		wantVerdict(t, k, "b", found)
		wantVerdict(t, k, "a", verdict{Status: jwks.Unknown, Code: diagnosis.KidRetired})
		if faults := h.said(); faults != nil {
			t.Errorf("faults %q", faults)
		}
	})
}

func TestWithdrawnKeysSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		src := source(setURL)
		h.load(src, jwk("a"), jwk("same"))
		h.load(src, jwk("b"), fmt.Sprintf(`{"kid":"same",%s`, strings.SplitN(jwk("other"), ",", 2)[1]))
		h.load(src, jwk("c"), fmt.Sprintf(`{"kid":"same",%s`, strings.SplitN(jwk("other"), ",", 2)[1]))
		h.down()
		k := h.boot().Set(src)
		for _, kid := range []string{"a", "b"} {
			wantVerdict(t, k, kid, verdict{Status: jwks.Unknown, Code: diagnosis.KidRetired})
		}
		a := wantVerdict(t, k, "same", found)
		if diff := cmp.Diff([]jwks.Key{{ID: "same", Public: edKey("same")}}, a.Replaced); diff != "" {
			t.Errorf("replaced (-want +got):\n%s", diff)
		}
		synctest.Wait()
		if got := testing.AllocsPerRun(100, func() { k.Lookup("same") }); got != 0 {
			t.Errorf("finding a key with a past allocates %v times, expected 0", got)
		}
		// Later nobody can say so without asking the issuer.
		time.Sleep(30 * time.Second)
		if a := k.Lookup("a"); a.Code != diagnosis.KidUnknownThrottled {
			t.Errorf("code %q, expected kid_unknown_throttled", a.Code)
		}
	})
}

func TestSavedKeysAreBoundToWhereTheyCameFrom(t *testing.T) {
	for name, change := range map[string]func(*jwks.Source){
		"issuer": func(s *jwks.Source) { s.Issuer = "http://other.test" },
		"URLs":   func(s *jwks.Source) { s.URIs = append(s.URIs, setURL2) },
		"verify": func(s *jwks.Source) { s.InsecureSkipVerify = true },
		"CA":     func(s *jwks.Source) { s.CACertificates = []string{"pem"} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t)
				h.load(source(setURL), jwk("a"))
				mine := h.files()
				h.down()
				h.set(setURL2, answer{hang: true})
				src := source(setURL)
				change(&src)
				never := verdict{Code: diagnosis.JWKSNeverLoaded, Retry: time.Second}
				s := h.boot()
				wantVerdict(t, s.Set(src), "a", never)
				s.Close()

				// Nor does renaming its file help.
				h.set(setURL, answer{body: set(jwk("a"))})
				h.set(setURL2, answer{body: set(jwk("a"))})
				s = h.boot()
				s.Set(src)
				synctest.Wait()
				s.Close()
				var theirs string
				for _, f := range h.files() {
					if f != mine[0] {
						theirs = f
					}
				}
				if err := os.Rename(mine[0], theirs); err != nil {
					t.Fatal(err)
				}
				late := answer{body: set(jwk("a")), delay: time.Second}
				h.set(setURL, late)
				h.set(setURL2, late)
				s = h.boot()
				k := s.Set(src)
				wantVerdict(t, k, "a", never)
				time.Sleep(time.Second)
				synctest.Wait()
				wantVerdict(t, k, "a", found) // by the fetch, which also replaces the file
				if faults := h.said(); len(faults) != 1 || !strings.Contains(faults[0], "of another issuer") {
					t.Errorf("faults %q, expected one", faults)
				}
				s.Close()
				h.down()
				h.set(setURL2, answer{hang: true})
				wantVerdict(t, h.boot().Set(src), "a", found)
			})
		})
	}
}

func TestTimingIsNoPartOfTheBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.load(source(setURL), jwk("a"))
		h.down()
		src := source(setURL)
		src.Timeout, src.UnknownKidCooldown, src.RefreshInterval = time.Second, time.Minute, time.Hour
		wantVerdict(t, h.boot().Set(src), "a", found)
		if got := len(h.files()); got != 1 {
			t.Errorf("%d files, expected 1", got)
		}
	})
}

func TestUnusableFileIsIgnoredAndReplaced(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"damaged": func(path string) error { return os.WriteFile(path, []byte("{}"), 0o600) },
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"cut":     func(path string) error { return os.Truncate(path, 100) },
		"mode":    func(path string) error { return os.Chmod(path, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t)
				h.load(source(setURL), jwk("a"))
				if err := spoil(h.files()[0]); err != nil {
					t.Fatal(err)
				}
				h.set(setURL, answer{body: set(jwk("a")), delay: time.Second})
				s := h.boot()
				k := s.Set(source(setURL))
				wantVerdict(t, k, "a", verdict{Code: diagnosis.JWKSNeverLoaded, Retry: time.Second})
				time.Sleep(time.Second)
				synctest.Wait()
				wantVerdict(t, k, "a", found)
				if faults := h.said(); len(faults) != 1 {
					t.Errorf("faults %q, expected one", faults)
				}
				s.Close()
				h.down()
				wantVerdict(t, h.boot().Set(source(setURL)), "a", found)
			})
		})
	}
}

func TestSettingTheClockBackDoesNotKeepKeysAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		src := source(setURL)
		src.MaxStale = time.Hour
		h.load(src, jwk("a"))
		h.down()
		// A process sees 50 minutes pass before the clock is set back.
		s := h.boot()
		wantVerdict(t, s.Set(src), "a", found)
		time.Sleep(50 * time.Minute)
		s.Close()

		h.offset = -30 * time.Second
		s = h.boot()
		k := s.Set(src)
		if a := wantVerdict(t, k, "a", found); a.Age < 49*time.Minute {
			t.Errorf("age %v, expected all that is known to have passed", a.Age)
		}
		s.Close()

		h.offset = -40 * time.Minute
		s = h.boot()
		wantVerdict(t, s.Set(src), "a", verdict{Code: diagnosis.JWKSNeverLoaded, Retry: time.Second})
		time.Sleep(time.Minute)
		synctest.Wait()
		if faults := h.said(); len(faults) != 1 || !strings.Contains(faults[0], "the clock was set back") {
			t.Errorf("faults %q, expected one", faults)
		}
	})
}

func TestLostDirectoryDoesNotAffectServing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		h.set(setURL, answer{body: set(jwk("a"))})
		k := h.boot().Set(source(setURL))
		synctest.Wait()
		// Nothing can be written any more, whoever runs the test.
		if err := os.RemoveAll(h.path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		h.set(setURL, answer{body: set(jwk("b"))})
		time.Sleep(900 * time.Second)
		synctest.Wait()
		wantVerdict(t, k, "b", found)
		if faults := h.said(); len(faults) != 1 {
			t.Errorf("faults %q, expected one", faults)
		}
		h.down()
		time.Sleep(time.Hour)
		wantVerdict(t, k, "b", found)
	})
}

func TestKeysThatMustNotGetStaleAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		src := source(setURL)
		src.MaxStale = 0
		h.load(src, jwk("a"))
		if got := h.files(); len(got) != 0 {
			t.Errorf("files %q, expected none", got)
		}
	})
}

func TestEachDocumentKeepsItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		src := source(setURL, setURL2)
		src.MaxStale = 2 * time.Hour
		h.set(setURL2, answer{body: set(jwk("b"))})
		h.load(src, jwk("a"))
		h.set(setURL2, answer{status: 500})
		time.Sleep(time.Hour)
		h.load(src, jwk("a")) // half of the set is an hour younger now
		h.down()
		time.Sleep(time.Hour + time.Second)
		k := h.boot().Set(src)
		wantVerdict(t, k, "a", found)
		if a := k.Lookup("b"); a.Status != jwks.Unknown {
			t.Errorf("status %d for a key older than max_stale, expected Unknown", a.Status)
		}
	})
}
