//go:build spec

package spec

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

func TestEachTierShowsItsLimits(t *testing.T) {
	for client, want := range map[string][2]string{
		"free-client":     {"20", "50000"},
		"standard-client": {"60", "250000"},
		"premium-client":  {"100", "1000000"},
	} {
		resp := get(t, shared, shared.Edge.URL()+"/orders", shared.PingOne.Token(ping.ForClient(client)))
		got := [2]string{resp.Header.Get("X-RateLimit-Limit-Second"), resp.Header.Get("X-RateLimit-Limit-Day")}
		if resp.StatusCode != 200 || got != want {
			t.Errorf("%s: %d with limits %v, want %v", client, resp.StatusCode, got, want)
		}
		for _, name := range []string{"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-RateLimit-Remaining-Second", "X-RateLimit-Remaining-Day"} {
			if n, err := strconv.Atoi(resp.Header.Get(name)); err != nil || n < 0 {
				t.Errorf("%s: %s: %q", client, name, resp.Header.Get(name))
			}
		}
	}
}

// TestTwoWorkersShareOneLimiter fires 200 requests at once, each on a
// connection of its own, so that both workers serve some.
func TestTwoWorkersShareOneLimiter(t *testing.T) {
	token := shared.PingFederate.Token(ping.ForClient("two-workers"), ping.Scope("orders:read"))
	var admitted, denied, other atomic.Int64
	var group sync.WaitGroup
	gate := make(chan struct{})
	transport := &http.Transport{DisableKeepAlives: true}
	for range 200 {
		group.Go(func() {
			req, err := http.NewRequest("GET", shared.Proxy+"/orders", nil)
			if err != nil {
				return
			}
			req.Header.Set("Authorization", "Bearer "+token)
			<-gate
			resp, err := transport.RoundTrip(req)
			if err != nil {
				other.Add(1)
				return
			}
			resp.Body.Close()
			switch resp.StatusCode {
			case 200:
				admitted.Add(1)
			case 429:
				denied.Add(1)
			default:
				other.Add(1)
			}
		})
	}
	start := time.Now()
	close(gate)
	group.Wait()
	elapsed := time.Since(start).Seconds()
	most := int64(20 + math.Ceil(20*elapsed) + 1)
	if admitted.Load() < 20 || admitted.Load() > most || other.Load() != 0 {
		t.Errorf("%d admitted in %.2f s, want 20 to %d; %d denied, %d neither", admitted.Load(), elapsed, most, denied.Load(), other.Load())
	}
}

func TestDenialSaysWhen(t *testing.T) {
	token := shared.PingFederate.Token(ping.ForClient("denied"), ping.Scope("orders:read"))
	for range 400 {
		resp := get(t, shared, shared.Proxy+"/orders", token)
		if resp.StatusCode == 200 {
			continue
		}
		v := diagnosisOf(t, resp)
		if resp.StatusCode != 429 || v.code != "rate_limited" || resp.Header.Get("Retry-After") != "1" || resp.Header.Get("X-RateLimit-Remaining-Second") != "0" {
			t.Errorf("got %d %v", resp.StatusCode, resp.Header)
		}
		if resp.Header.Get("Www-Authenticate") != "" {
			t.Errorf("a 429 carries a challenge: %q", resp.Header.Get("Www-Authenticate"))
		}
		return
	}
	t.Error("400 requests and no denial")
}

// TestCountersOutliveANewConfiguration posts the configuration again: every
// instance is replaced, the counters stay.
func TestCountersOutliveANewConfiguration(t *testing.T) {
	r := start(t, rig.Options{})
	if err := r.Ready(t.Context(), "/orders"); err != nil {
		t.Fatal(err)
	}
	token := r.PingFederate.Token(ping.ForClient("premium-client"))
	remaining := func() int {
		resp := get(t, r, r.Proxy+"/orders", token)
		n, err := strconv.Atoi(resp.Header.Get("X-RateLimit-Remaining-Day"))
		if err != nil {
			t.Fatalf("%d %v", resp.StatusCode, resp.Header)
		}
		return n
	}
	before := remaining()
	post(t, r, r.Config())
	if after := remaining(); after != before-1 {
		t.Errorf("remaining went from %d to %d over a new configuration", before, after)
	}
}
