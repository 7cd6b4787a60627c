//go:build spec

package spec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// TestWindowsEndWhileLongerOnesGoOn moves the gateway's clock over the ends of a
// minute, an hour and a day. Redis goes by its own clock when it is asked each
// time, so that way is left to the tests of its package.
func TestWindowsEndWhileLongerOnesGoOn(t *testing.T) {
	const tier = "retry_after_jitter_max: 0, default_tier: t, tiers: [{name: t, minute: 4, hour: 6, day: 8}]"
	s := redistest.Start(t, redistest.Options{})
	c := newClock(t)
	r := start(t, rig.Options{Plugin: movable(t), Args: c.args, Config: limited(map[string]string{
		"local": tier, "redis": "policy: redis, " + at(s) + ", " + tier,
	})})
	// The beginning of a day of the gateway's.
	midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	until := func(at time.Time) time.Duration { return time.Until(at) }
	awaitKeys(t, r, "/local", tokenOf(r, somebody()))
	for _, path := range []string{"/local", "/redis"} {
		t.Run(path, func(t *testing.T) {
			token := tokenOf(r, somebody())
			for _, step := range []struct {
				at      time.Duration // since midnight
				n       int           // requests before the one that is looked at
				want    string
				resetAt time.Duration // since midnight
			}{
				{10 * time.Second, 0, "200 minute=3/4 hour=5/6 day=7/8 nearest=3/4", time.Minute},
				{20 * time.Second, 3, "429 minute=0/4 hour=2/6 day=4/8 nearest=0/4", time.Minute},
				{70 * time.Second, 0, "200 minute=3/4 hour=1/6 day=3/8 nearest=1/6", time.Hour},
				{75 * time.Second, 1, "429 minute=2/4 hour=0/6 day=2/8 nearest=0/6", time.Hour},
				{time.Hour + 5*time.Second, 0, "200 minute=3/4 hour=5/6 day=1/8 nearest=1/8", 24 * time.Hour},
				{time.Hour + 6*time.Second, 1, "429 minute=2/4 hour=4/6 day=0/8 nearest=0/8", 24 * time.Hour},
				{23*time.Hour + 59*time.Minute + 50*time.Second, 0, "429 minute=4/4 hour=6/6 day=0/8 nearest=0/8", 24 * time.Hour},
				{24*time.Hour + time.Second, 0, "200 minute=3/4 hour=5/6 day=7/8 nearest=3/4", 24*time.Hour + time.Minute},
			} {
				c.set(t, until(midnight.Add(step.at)))
				times(t, r, step.n, path, token)
				resp := get(t, r, r.Proxy+path, token)
				left := int((step.resetAt - step.at) / time.Second)
				if got := shown(resp); got != step.want || !near(number(resp, "RateLimit-Reset"), left) {
					t.Errorf("at %v: %s, reset %d\nwant %s, reset %d", step.at, got, number(resp, "RateLimit-Reset"), step.want, left)
				}
				if retry := number(resp, "Retry-After"); resp.StatusCode == 429 && !near(retry, left) {
					t.Errorf("at %v: Retry-After %d, %d s are left", step.at, retry, left)
				}
			}
		})
	}
}

// TestDayIsUsedUp: the denial that lasts until midnight, spread over what
// retry_after_jitter_max says, in the words of both styles of headers.
func TestDayIsUsedUp(t *testing.T) {
	const tier = "header_style: both, default_tier: t, tiers: [{name: t, second: 5, day: 5}]"
	limits := map[string]string{}
	ways := countings(t)
	for _, way := range ways {
		limits[way.name] = strings.TrimPrefix(way.members+", ", ", ") + tier
	}
	r := start(t, rig.Options{Config: limited(limits)})
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			path := "/" + way.name
			awaitKeys(t, r, path, tokenOf(r, somebody()))
			token := tokenOf(r, somebody())
			for range 5 {
				passes(t, r, path, token)
			}
			midnight, spread, least := left(24*time.Hour), map[int]bool{}, 0
			for range 30 {
				resp := get(t, r, r.Proxy+path, token)
				retry := number(resp, "Retry-After")
				spread[retry-midnight] = true
				if retry < midnight-2 || retry > midnight+30+1 {
					t.Errorf("Retry-After %d, want from %d to 30 s more", retry, midnight)
				}
				if v := diagnosisOf(t, resp); resp.StatusCode != 429 || v.code != "quota_exceeded" || v.params["window"] != "day" {
					t.Errorf("got %d %v", resp.StatusCode, v)
				}
				// Nothing is taken from the second, which fills up meanwhile.
				second := number(resp, "X-RateLimit-Remaining-Second")
				if second < least || number(resp, "X-RateLimit-Remaining-Day") != 0 {
					t.Errorf("%s, the second had %d before", shown(resp), least)
				}
				least = second
				if got, want := resp.Header.Get("RateLimit-Policy"), `"second";q=5;w=1, "day";q=5;w=86400`; got != want {
					t.Errorf("RateLimit-Policy %s, want %s", got, want)
				}
				list, err := httpsfv.UnmarshalList(resp.Header.Values("RateLimit"))
				if err != nil || len(list) != 2 {
					t.Fatalf("RateLimit %q: %v", resp.Header.Values("RateLimit"), err)
				}
				day := list[1].(httpsfv.Item)
				left, _ := day.Params.Get("r")
				reset, _ := day.Params.Get("t")
				if seconds, ok := reset.(int64); day.Value != "day" || left != int64(0) || !ok || !near(int(seconds), midnight) {
					t.Errorf("RateLimit %q, %d s are left", resp.Header.Values("RateLimit"), midnight)
				}
			}
			soon(t, 5*time.Second, func() error {
				if resp := get(t, r, r.Proxy+path, token); shown(resp) != "429 second=5/5 day=0/5 nearest=0/5" {
					return errors.New(shown(resp))
				}
				return nil
			})
			if len(spread) < 5 {
				t.Errorf("30 denials were given %d times to come back", len(spread))
			}
		})
	}
}

// TestUsedOutlivesTheProcess stops the gateway in the middle of a day and starts
// it again, and then kills the plugin: what was used and written down stays used,
// here by the file in -state-dir and there by Redis.
func TestUsedOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	state := rig.Dir(t)
	limits, ways, used := map[string]string{}, countings(t), map[string]int{}
	for _, way := range ways {
		limits[way.name] = strings.TrimPrefix(way.members+", ", ", ") + "default_tier: t, tiers: [{name: t, hour: 900, day: 1000}]"
	}
	r := start(t, rig.Options{Config: limited(limits)}) // for its issuer, upstream and configuration
	again := func() *rig.Gateway {
		g, err := rig.StartGateway(t.Context(), rig.GatewayOptions{Bin: os.Getenv("KONG_BIN"), Config: r.Config(), Args: "-state-dir " + state})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	token := tokenOf(r, somebody())
	// use sends a request a way until it passes. How many it finds used tells
	// what became of those before; a node that comes back to Redis counts from
	// zero until it has been told, which takes a moment.
	use := func(g *rig.Gateway, what string) {
		for _, way := range ways {
			soon(t, 20*time.Second, func() error {
				resp, err := r.Get(g.Proxy+"/"+way.name, token)
				if err != nil {
					return err
				}
				if resp.StatusCode != 200 { // the plugin starts
					return fmt.Errorf("%s, %s: %d %s", what, way.name, resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
				}
				used[way.name]++
				got := 1000 - number(resp, "X-RateLimit-Remaining-Day")
				if got != used[way.name] && way.name == "redis" {
					return fmt.Errorf("%s, %s: %d are used, want %d", what, way.name, got, used[way.name])
				}
				if got != used[way.name] {
					t.Errorf("%s, %s: %d are used, want %d", what, way.name, got, used[way.name])
				}
				return nil
			})
		}
	}
	// Beside the requests the file is written every 15 s. A Kong that ends leaves its
	// plugin no time to write: it sends SIGKILL right behind SIGTERM.
	saved := func() {
		counted := time.Now()
		soon(t, 40*time.Second, func() error {
			info, err := os.Stat(filepath.Join(state, "auth-diagnosis-state", "counters"))
			if err == nil && info.ModTime().Before(counted) {
				err = fmt.Errorf("counters were saved at %v, the last is of %v", info.ModTime(), counted)
			}
			return err
		})
	}
	first := again()
	for range 5 {
		use(first, "at first")
	}
	saved()
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := again()
	defer second.Stop()
	for range 5 {
		use(second, "started again")
	}
	saved()
	if err := second.KillPlugin(); err != nil {
		t.Fatal(err)
	}
	use(second, "killed")
}
