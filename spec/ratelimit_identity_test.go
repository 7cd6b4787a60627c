//go:build spec

package spec

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// TestWhoSharesACounter sends two parties' requests, one after the other, and
// says who of them is denied: two requests a day are free.
func TestWhoSharesACounter(t *testing.T) {
	const two = "default_tier: t, tiers: [{name: t, day: 2}]"
	r := start(t, rig.Options{Config: func(_ []byte, r *rig.Rig) []byte {
		config := string(limited(map[string]string{
			"claim": two, "other-claim": two, "address": "limit_by: ip, " + two,
			"named-one": "namespace: named, " + two, "named-two": "namespace: named, " + two,
		})(nil, r))
		config += fmt.Sprintf(`  - name: consumers
    url: %[1]s
    routes: [{name: consumers, paths: [/consumers]}, {name: consumers-again, paths: [/again]}]
    plugins:
      - {name: auth-diagnosis, config: {consumer_claim: [azp], issuers: [%[2]s], rate_limiting: {limit_by: consumer, %[3]s}}}
  - {name: one, url: %[1]s, routes: [{name: one, paths: [/one]}]}
  - {name: two, url: %[1]s, routes: [{name: two, paths: [/two]}]}
plugins:
  - {name: auth-diagnosis, config: {consumer_claim: [azp], issuers: [%[2]s], rate_limiting: {limit_by: consumer, %[3]s}}}
consumers: [{username: alice}, {username: bob}, {username: carol}, {username: dave}]
`, r.Upstream.URL(), r.Issuer(), two)
		return []byte(config)
	}})
	party := func(path, client, consumer, from string) caller {
		claims := map[string]any{"azp": consumer}
		if client == "" {
			claims["client_id"], claims["sub"] = nil, nil
			if consumer == "" {
				claims["azp"] = nil
			}
		}
		return caller{path: path, from: from, token: tokenOf(r, client, ping.Claims(claims))}
	}
	awaitKeys(t, r, "/claim", tokenOf(r, somebody()))
	for name, tt := range map[string]struct {
		one, other caller
		shared     bool
	}{
		"two clients":                          {party("/claim", "a", "", ""), party("/claim", "b", "", ""), false},
		"one client from two addresses":        {party("/claim", "c", "", ""), party("/claim", "c", "", "127.0.0.2"), true},
		"one client at two routes":             {party("/claim", "d", "", ""), party("/other-claim", "d", "", ""), false},
		"one client, two routes of one name":   {party("/named-one", "e", "", ""), party("/named-two", "e", "", ""), true},
		"nobody, two addresses":                {party("/other-claim", "", "", "127.0.0.3"), party("/other-claim", "", "", "127.0.0.4"), false},
		"nobody, one address":                  {party("/other-claim", "", "", "127.0.0.5"), party("/other-claim", "", "", "127.0.0.5"), true},
		"by address: two clients at one":       {party("/address", "f", "", "127.0.0.6"), party("/address", "g", "", "127.0.0.6"), true},
		"by address: one client at two":        {party("/address", "h", "", "127.0.0.7"), party("/address", "h", "", "127.0.0.8"), false},
		"two consumers":                        {party("/consumers", "i", "alice", ""), party("/consumers", "i", "bob", ""), false},
		"one consumer, two clients":            {party("/consumers", "j", "carol", ""), party("/consumers", "k", "carol", ""), true},
		"one consumer at two routes of one":    {party("/consumers", "l", "dave", ""), party("/again", "l", "dave", ""), true},
		"one consumer, global, at two":         {party("/one", "m", "alice", ""), party("/two", "m", "alice", ""), true},
		"two consumers, global":                {party("/one", "n", "bob", ""), party("/one", "n", "carol", ""), false},
		"no consumer, global: the address":     {party("/one", "o", "nobody-has-this", "127.0.0.9"), party("/two", "p", "nobody-has-this", "127.0.0.9"), true},
		"no consumer, global, other addresses": {party("/one", "o", "nobody-has-this", "127.0.0.10"), party("/two", "o", "nobody-has-this", "127.0.0.11"), false},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int
			for _, c := range []caller{tt.one, tt.one, tt.one, tt.other, tt.other} {
				got = append(got, c.send(t, r).StatusCode)
			}
			want := []int{200, 200, 429, 200, 200}
			if tt.shared {
				want = []int{200, 200, 429, 429, 429}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
		})
	}
}

// caller is who sends requests, and from where; "" is the address of the rig.
type caller struct{ path, token, from string }

func (c caller) send(t *testing.T, r *rig.Rig) *http.Response {
	t.Helper()
	req, err := http.NewRequest("GET", r.Proxy+c.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if c.from == "" {
		c.from = "127.0.0.1"
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.from)}}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// TestATierKeepsWhatWasUsed: what a tier is told, an unknown tier
// is the default one, and a client that changes its tier keeps what it has used.
func TestATierKeepsWhatWasUsed(t *testing.T) {
	limits := map[string]string{}
	ways := countings(t)
	for _, way := range ways {
		limits[way.name] = strings.TrimPrefix(way.members+", ", ", ") + `default_tier: free, tiers: [{name: free, second: 20, day: 50000},
            {name: standard, second: 60, day: 250000}, {name: premium, second: 100, day: 1000000}]`
	}
	r := start(t, rig.Options{Config: limited(limits)})
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			path := "/" + way.name
			awaitKeys(t, r, path, tokenOf(r, somebody()))
			client := somebody()
			var got []string
			for _, tier := range []string{"free", "standard", "premium", "gold", "", "premium"} {
				resp := get(t, r, r.Proxy+path, tokenOf(r, client, ping.Claims(map[string]any{"tier": tier})))
				got = append(got, fmt.Sprintf("%q %s/s %s of %s/day", tier, resp.Header.Get("X-RateLimit-Limit-Second"),
					resp.Header.Get("X-RateLimit-Remaining-Day"), resp.Header.Get("X-RateLimit-Limit-Day")))
			}
			want := []string{
				`"free" 20/s 49999 of 50000/day`,
				`"standard" 60/s 249998 of 250000/day`,
				`"premium" 100/s 999997 of 1000000/day`,
				`"gold" 20/s 49996 of 50000/day`,
				`"" 20/s 49995 of 50000/day`,
				`"premium" 100/s 999994 of 1000000/day`,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what is told (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReportOnlyRejectsNothing: the answer is always the upstream's, and says
// what it would have been.
func TestReportOnlyRejectsNothing(t *testing.T) {
	limits := map[string]string{}
	ways := countings(t)
	for _, way := range ways {
		limits[way.name] = strings.TrimPrefix(way.members+", ", ", ") + "report_only: true, default_tier: t, tiers: [{name: t, day: 2}]"
	}
	r := start(t, rig.Options{Config: limited(limits)})
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			path := "/" + way.name
			awaitKeys(t, r, path, tokenOf(r, somebody()))
			for i, resp := range times(t, r, 4, path, tokenOf(r, somebody())) {
				v := diagnosisOf(t, resp)
				code, mode := "", any(nil)
				if i >= 2 {
					code, mode = "quota_exceeded", "advise"
				}
				if resp.StatusCode != 200 || v.code != code || v.params["mode"] != mode || resp.Header.Get("Retry-After") != "" {
					t.Errorf("request %d: %d %q", i, resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
				}
				if got, want := number(resp, "X-RateLimit-Remaining-Day"), max(0, 1-i); got != want {
					t.Errorf("request %d: %d are left, want %d", i, got, want)
				}
			}
		})
	}
}
