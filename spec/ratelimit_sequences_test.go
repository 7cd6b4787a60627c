//go:build spec

package spec

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// sequence is what a client that sends one request after the other is told.
type sequence struct {
	name, tier string
	answers    string        // one a line, as shown has them
	resets     time.Duration // the window that RateLimit-Reset is about
}

// sequences are run with every way of counting: they must not differ. Numbers are
// those of Kong's own rate-limiting plugin in its tests.
var sequences = []sequence{
	{"minute", "minute: 6", `
200 minute=5/6 nearest=5/6
200 minute=4/6 nearest=4/6
200 minute=3/6 nearest=3/6
200 minute=2/6 nearest=2/6
200 minute=1/6 nearest=1/6
200 minute=0/6 nearest=0/6
429 minute=0/6 nearest=0/6`, time.Minute},
	{"hour", "hour: 2", `
200 hour=1/2 nearest=1/2
200 hour=0/2 nearest=0/2
429 hour=0/2 nearest=0/2`, time.Hour},
	{"day", "day: 2", `
200 day=1/2 nearest=1/2
200 day=0/2 nearest=0/2
429 day=0/2 nearest=0/2`, 24 * time.Hour},
	{"the-one-with-the-least-left", "minute: 6, hour: 99999", `
200 minute=5/6 hour=99998/99999 nearest=5/6
200 minute=4/6 hour=99997/99999 nearest=4/6`, time.Minute},
	{"the-longer-of-equals", "minute: 2, hour: 2", `
200 minute=1/2 hour=1/2 nearest=1/2`, time.Hour},
	{"a-denial-takes-from-none", "minute: 2, hour: 5, day: 9", `
200 minute=1/2 hour=4/5 day=8/9 nearest=1/2
200 minute=0/2 hour=3/5 day=7/9 nearest=0/2
429 minute=0/2 hour=3/5 day=7/9 nearest=0/2
429 minute=0/2 hour=3/5 day=7/9 nearest=0/2`, time.Minute},
	{"the-longest-that-denies", "minute: 2, day: 2", `
200 minute=1/2 day=1/2 nearest=1/2
200 minute=0/2 day=0/2 nearest=0/2
429 minute=0/2 day=0/2 nearest=0/2`, 24 * time.Hour},
	{"all", "second: 1000, minute: 2000, hour: 3000, day: 4000", `
200 second=999/1000 minute=1999/2000 hour=2999/3000 day=3999/4000 nearest=999/1000`, 0},
}

func TestSequencesAreTheSameHoweverCounted(t *testing.T) {
	limits := map[string]string{}
	ways := countings(t)
	path := func(way counting, s sequence) string { return way.name + "-" + s.name }
	for _, way := range ways {
		for _, s := range sequences {
			limits[path(way, s)] = strings.TrimPrefix(way.members+", ", ", ") + "retry_after_jitter_max: 0, default_tier: t, tiers: [{name: t, " + s.tier + "}]"
		}
	}
	r := start(t, rig.Options{Config: limited(limits)})
	for _, way := range ways {
		for _, s := range sequences {
			t.Run(path(way, s), func(t *testing.T) {
				t.Parallel()
				want := strings.Split(strings.TrimSpace(s.answers), "\n")
				awaitKeys(t, r, "/"+path(way, s), tokenOf(r, somebody()))
				window := max(s.resets, time.Minute)
				got := within(window, func(client string) []*http.Response {
					return times(t, r, len(want), "/"+path(way, s), tokenOf(r, client))
				})
				var lines []string
				for _, resp := range got {
					lines = append(lines, shown(resp))
					reset, retry := number(resp, "RateLimit-Reset"), resp.Header.Get("Retry-After")
					if reset < 1 || s.resets > 0 && !near(reset, left(s.resets)) {
						t.Errorf("RateLimit-Reset %q, %d s are left of %v", resp.Header.Get("RateLimit-Reset"), left(window), s.resets)
					}
					if denied := resp.StatusCode == 429; denied != (retry != "") || denied && retry != resp.Header.Get("RateLimit-Reset") {
						t.Errorf("%d with Retry-After %q, RateLimit-Reset %d", resp.StatusCode, retry, reset)
					}
				}
				if diff := cmp.Diff(want, lines); diff != "" {
					t.Errorf("answers (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestSecondComesBack: Kong's "expire counter". The second is a bucket here, so
// one request later there is room for one.
func TestSecondComesBack(t *testing.T) {
	limits := map[string]string{}
	ways := countings(t)
	for _, way := range ways {
		limits[way.name] = strings.TrimPrefix(way.members+", ", ", ") + "default_tier: t, tiers: [{name: t, second: 1}]"
	}
	r := start(t, rig.Options{Config: limited(limits)})
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			path := "/" + way.name
			awaitKeys(t, r, path, tokenOf(r, somebody()))
			token := tokenOf(r, somebody())
			sent := time.Now()
			if got := shown(get(t, r, r.Proxy+path, token)); got != "200 second=0/1 nearest=0/1" {
				t.Errorf("the first: %s", got)
			}
			resp := get(t, r, r.Proxy+path, token)
			if got := shown(resp); got != "429 second=0/1 nearest=0/1" || number(resp, "Retry-After") != 1 || number(resp, "RateLimit-Reset") != 1 {
				t.Errorf("the second, at once: %s %v", got, resp.Header)
			}
			passes(t, r, path, token)
			if passed := time.Since(sent); passed < 950*time.Millisecond || passed > 3*time.Second {
				t.Errorf("passed again after %v, want 1 s", passed)
			}
		})
	}
}

// passes repeats a request until it is let through; a denial costs nothing.
func passes(t *testing.T, r *rig.Rig, path, token string) (resp *http.Response) {
	t.Helper()
	soon(t, 20*time.Second, func() error {
		resp = get(t, r, r.Proxy+path, token)
		if resp.StatusCode != 200 {
			return errStatus(resp)
		}
		return nil
	})
	return resp
}

// TestDenialsCostNothing: a storm of denials by the second leaves the day as it
// was but for what passed.
func TestDenialsCostNothing(t *testing.T) {
	limits := map[string]string{}
	ways := countings(t)
	for _, way := range ways {
		limits[way.name] = strings.TrimPrefix(way.members+", ", ", ") + "default_tier: t, tiers: [{name: t, second: 1, minute: 500, hour: 5000, day: 50000}]"
	}
	r := start(t, rig.Options{Config: limited(limits)})
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			path := "/" + way.name
			awaitKeys(t, r, path, tokenOf(r, somebody()))
			var passed int
			got := within(time.Hour, func(client string) []*http.Response {
				token := tokenOf(r, client)
				passed = 0
				for _, resp := range times(t, r, 100, path, token) {
					if resp.StatusCode == 200 {
						passed++
					}
				}
				return []*http.Response{passes(t, r, path, token)}
			})
			last := got[0]
			if hour, day := number(last, "X-RateLimit-Remaining-Hour"), number(last, "X-RateLimit-Remaining-Day"); hour != 5000-passed-1 || day != 50000-passed-1 {
				t.Errorf("%d passed; %d of 5000 are left of the hour, %d of 50000 of the day", passed+1, hour, day)
			}
			if passed > 50 {
				t.Errorf("%d of 100 passed: no storm of denials", passed)
			}
		})
	}
}

// TestDenialBody: JSON as Kong's own plugins word it, with what was exceeded.
func TestDenialBody(t *testing.T) {
	const tier = "default_tier: gold, tiers: [{name: gold, minute: 1, day: 5}]"
	r := start(t, rig.Options{Config: limited(map[string]string{
		"plain":  tier,
		"own":    `error_code: 404, error_message: "Fake Not Found", ` + tier,
		"hidden": "hide_client_headers: true, " + tier,
		"none":   "header_style: none, " + tier,
	})})
	for name, tt := range map[string]struct {
		status  int
		message string
		headers []string // about limits, with the denial
	}{
		"plain": {429, "API rate limit exceeded", []string{"Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset", "Retry-After",
			"X-Ratelimit-Limit-Day", "X-Ratelimit-Limit-Minute", "X-Ratelimit-Remaining-Day", "X-Ratelimit-Remaining-Minute"}},
		"own": {404, "Fake Not Found", []string{"Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset", "Retry-After",
			"X-Ratelimit-Limit-Day", "X-Ratelimit-Limit-Minute", "X-Ratelimit-Remaining-Day", "X-Ratelimit-Remaining-Minute"}},
		"hidden": {429, "API rate limit exceeded", nil},
		"none":   {429, "API rate limit exceeded", []string{"Retry-After"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := "/" + name
			awaitKeys(t, r, path, tokenOf(r, somebody()))
			got := within(time.Minute, func(client string) []*http.Response { return times(t, r, 2, path, tokenOf(r, client)) })
			first, denied := got[0], got[1]
			allowed := slices.DeleteFunc(slices.Clone(tt.headers), func(s string) bool { return s == "Retry-After" })
			if diff := cmp.Diff(allowed, limitHeaders(first.Header)); first.StatusCode != 200 || len(allowed)+len(limitHeaders(first.Header)) > 0 && diff != "" {
				t.Errorf("the first: %d, headers (-want +got):\n%s", first.StatusCode, diff)
			}
			if diff := cmp.Diff(tt.headers, limitHeaders(denied.Header)); denied.StatusCode != tt.status || diff != "" {
				t.Errorf("the denial: %d, headers (-want +got):\n%s", denied.StatusCode, diff)
			}
			text, err := io.ReadAll(denied.Body)
			if err != nil {
				t.Fatal(err)
			}
			var body struct {
				Message   string
				RequestID string `json:"request_id"`
				Diagnosis struct{ Code, Tier, Window string }
			}
			if err := json.Unmarshal(text, &body); err != nil {
				t.Fatal(err)
			}
			d := body.Diagnosis
			if body.Message != tt.message || len(body.RequestID) != 32 || d.Code != "rate_limited" || d.Tier != "gold" || d.Window != "minute" {
				t.Errorf("body %s", text)
			}
			if got := denied.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
				t.Errorf("content type %q", got)
			}
			if v := diagnosisOf(t, denied); v.code != "rate_limited" || v.params["tier"] != "gold" || v.params["window"] != "minute" || v.params["hop"] != "client" {
				t.Errorf("diagnosis %v", v)
			}
		})
	}
}
