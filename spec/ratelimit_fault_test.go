//go:build spec

package spec

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// What a request is told while Redis is there, and by policy while it is not.
const counted = "200 counted"

var away = map[string]string{
	"local": "200 counted degraded",
	"allow": "200 uncounted degraded",
	"deny":  "503 uncounted limiter_unavailable",
}

func told(t *testing.T, resp *http.Response) string {
	t.Helper()
	v, text := diagnosisOf(t, resp), fmt.Sprint(resp.StatusCode)
	if number(resp, "X-RateLimit-Limit-Day") > 0 {
		text += " counted"
	} else {
		text += " uncounted"
	}
	if limiter, ok := v.params["limiter"].(string); ok {
		text += " " + limiter
	}
	if v.code != "accepted" {
		text += " " + v.code
	}
	return text
}

// redisTimeout is how long whoever asks a Redis waits that does not answer: longer
// than a busy machine takes for a request.
const redisTimeout = 300 * time.Millisecond

// outage is a gateway with a route for each way to count and each fault_policy,
// and what was let through and counted on each.
type outage struct {
	*rig.Rig
	redis  *redistest.Server
	routes []string // KIND-POLICY
	token  string
	sent   map[string]int
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	o := &outage{redis: redistest.Start(t, redistest.Options{}), sent: map[string]int{}}
	limits := map[string]string{}
	for kind, rate := range syncRates {
		members := "policy: redis, sync_rate: " + rate + ", " + answering(o.redis, redisTimeout) + ", default_tier: t, "
		for policy := range away {
			o.routes = append(o.routes, kind+"-"+policy)
			limits[kind+"-"+policy] = members + "fault_policy: " + policy + ", tiers: [{name: t, day: 100000}]"
		}
		limits[kind+"-share"] = members + "nodes: 2, tiers: [{name: t, day: 8}]"
	}
	o.Rig = start(t, rig.Options{Config: func(reference []byte, r *rig.Rig) []byte {
		config := string(limited(limits)(reference, r))
		return []byte(strings.ReplaceAll(config, "config: {", "config: {diagnosis: {on_accept: true}, "))
	}})
	awaitKeys(t, o.Rig, "/redis-local", tokenOf(o.Rig, somebody()))
	o.token = tokenOf(o.Rig, somebody())
	return o
}

// settle waits until every route tells what it should, here or away. On the way
// there nothing else is told than one or the other.
func (o *outage) settle(t *testing.T, what string, here bool) {
	t.Helper()
	for _, route := range o.routes {
		kind, policy, _ := strings.Cut(route, "-")
		want := counted
		if !here {
			want = away[policy]
		}
		soon(t, 20*time.Second, func() error {
			resp := get(t, o.Rig, o.Proxy+"/"+route, o.token)
			got := told(t, resp)
			if strings.HasPrefix(got, counted) {
				o.sent[route]++
				// What this process has let through it does not forget,
				// whatever becomes of Redis.
				if used := 100000 - number(resp, "X-RateLimit-Remaining-Day"); kind == "redis" && used != o.sent[route] {
					t.Errorf("%s, %s: %d are used, want %d", what, route, used, o.sent[route])
				}
			}
			if got != counted && got != away[policy] {
				t.Errorf("%s, %s: %s, want %s or %s", what, route, got, counted, away[policy])
			}
			if resp.StatusCode == 503 && (number(resp, "Retry-After") < 1 || resp.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("%s, %s: %v", what, route, resp.Header)
			}
			if got != want {
				return fmt.Errorf("%s, %s: %s, want %s", what, route, got, want)
			}
			return nil
		})
	}
}

// slow sends n requests and counts those that took so long.
func (o *outage) slow(t *testing.T, route string, n int, least time.Duration) (slow int) {
	t.Helper()
	for range n {
		sent := time.Now()
		resp := get(t, o.Rig, o.Proxy+"/"+route, o.token)
		if time.Since(sent) >= least {
			slow++
		}
		if strings.HasPrefix(told(t, resp), counted) {
			o.sent[route]++
		}
	}
	return slow
}

// TestRedisGoesAndComesBack breaks Redis in three ways, under every policy and
// both ways to count, and looks at what clients are told meanwhile and after.
func TestRedisGoesAndComesBack(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	o.settle(t, "at first", true)

	o.redis.Pause()
	o.settle(t, "paused", false)
	if slow := o.slow(t, "redis-local", 100, redisTimeout); slow > 0 {
		t.Errorf("with Redis paused %d of 100 requests waited for it", slow)
	}
	// Here the breaker is open: only its probes wait, one a second.
	began := time.Now()
	slow := o.slow(t, "strict-local", 100, redisTimeout)
	if probes := 3 + int(time.Since(began)/time.Second); slow > probes {
		t.Errorf("with Redis paused %d of 100 requests waited for it, want %d probes at most", slow, probes)
	}
	o.redis.Resume()
	o.settle(t, "paused, and back", true)

	share := tokenOf(o.Rig, somebody())
	for kind := range syncRates {
		times(t, o.Rig, 2, "/"+kind+"-share", share)
	}
	o.redis.Kill()
	o.settle(t, "killed", false)
	o.shares(t, share)
	o.redis.Restart()
	o.settle(t, "killed, and back", true)

	o.redis.Flush()
	o.settle(t, "flushed", true)

	log := wholeLog(t, o.Rig)
	gone, again := strings.Count(log, "does not answer"), strings.Count(log, "answers again")
	// Redis went twice, and those who ask it and those who tell it notice by
	// themselves.
	if gone < 2 || gone > 4 || again != gone {
		t.Errorf("the log says %d times that Redis does not answer, and %d times that it does again, want 2 to 4 of each", gone, again)
	}
}

// shares: of a quota of 8 two are used. One of two nodes has the half of the rest,
// and denies what is more as it always does.
func (o *outage) shares(t *testing.T, token string) {
	t.Helper()
	for kind := range syncRates {
		var statuses []int
		for range 5 {
			resp := get(t, o.Rig, o.Proxy+"/"+kind+"-share", token)
			statuses = append(statuses, resp.StatusCode)
			if v := diagnosisOf(t, resp); v.params["limiter"] != "degraded" || resp.StatusCode == 429 && v.code != "quota_exceeded" {
				t.Errorf("%s-share: %d %v", kind, resp.StatusCode, v)
			}
		}
		if !slices.Equal(statuses, []int{200, 200, 200, 429, 429}) {
			t.Errorf("%s-share: %v, want the half of 6", kind, statuses)
		}
	}
}

// wholeLog is the gateway's error log.
func wholeLog(t *testing.T, r *rig.Rig) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.Prefix, "logs", "error.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
