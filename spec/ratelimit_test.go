//go:build spec

package spec

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// counting is a way to count: the members of rate_limiting that ask for it.
type counting struct{ name, members string }

// countings are all of them, over one Redis of the test's own.
func countings(t *testing.T) []counting {
	t.Helper()
	s := redistest.Start(t, redistest.Options{})
	return []counting{
		{"local", ""},
		{"redis", "policy: redis, " + at(s)},
		{"strict", "policy: redis, sync_rate: -1, " + at(s)},
	}
}

// at is the member that names a Redis, and more of it. With that timeout a pause of a
// busy machine is not taken for a fault of Redis.
func at(s *redistest.Server, more ...string) string { return answering(s, time.Second, more...) }

// answering is at with another timeout, for a Redis that will not answer.
func answering(s *redistest.Server, timeout time.Duration, more ...string) string {
	members := []string{"host: " + s.Host, "port: " + strconv.Itoa(s.Port), "timeout: " + strconv.FormatInt(timeout.Milliseconds(), 10)}
	return "redis: {" + strings.Join(append(members, more...), ", ") + "}"
}

// limited is a configuration with a service and a route of each name, whose
// plugin has these members of rate_limiting beside one issuer. Its keys outlive
// a clock that is moved.
func limited(limits map[string]string) func([]byte, *rig.Rig) []byte {
	return func(_ []byte, r *rig.Rig) []byte {
		var services []rig.Service
		for name, members := range limits {
			services = append(services, rig.Service{Name: name, Config: "jwks: {max_stale: 31536000}, rate_limiting: {" + members + "}"})
		}
		return r.Declare(services...)
	}
}

var clients atomic.Int64

// somebody is the name of a client that no other case has.
func somebody() string { return "client-" + strconv.FormatInt(clients.Add(1), 10) }

// tokenOf is a token that lasts for days of a clock that is moved.
func tokenOf(r *rig.Rig, client string, o ...ping.TokenOption) string {
	return r.PingFederate.Token(append([]ping.TokenOption{ping.ForClient(client), ping.Expires(time.Now().Add(30 * 24 * time.Hour))}, o...)...)
}

// within sends what a case sends, as a client of its own; once more, as another
// one, if a window passed meanwhile.
func within(window time.Duration, send func(client string) []*http.Response) []*http.Response {
	for {
		began := time.Now().Truncate(window)
		got := send(somebody())
		if time.Now().Truncate(window).Equal(began) {
			return got
		}
	}
}

// times sends a request n times.
func times(t *testing.T, r *rig.Rig, n int, path, token string) (all []*http.Response) {
	t.Helper()
	for range n {
		all = append(all, get(t, r, r.Proxy+path, token))
	}
	return all
}

var windows = []string{"Second", "Minute", "Hour", "Day", "Month", "Year"}

// shown is what an answer tells of limits: its status, remaining/limit of each
// window, and those of the RateLimit headers.
func shown(resp *http.Response) string {
	h := resp.Header
	parts := []string{strconv.Itoa(resp.StatusCode)}
	for _, w := range windows {
		limit, remaining := h.Values("X-RateLimit-Limit-"+w), h.Values("X-RateLimit-Remaining-"+w)
		if len(limit)+len(remaining) > 0 {
			parts = append(parts, strings.ToLower(w)+"="+strings.Join(remaining, "+")+"/"+strings.Join(limit, "+"))
		}
	}
	if limit, remaining := h.Values("RateLimit-Limit"), h.Values("RateLimit-Remaining"); len(limit)+len(remaining) > 0 {
		parts = append(parts, "nearest="+strings.Join(remaining, "+")+"/"+strings.Join(limit, "+"))
	}
	return strings.Join(parts, " ")
}

// limitHeaders lists the names of an answer's header fields about limits.
func limitHeaders(h http.Header) (names []string) {
	for name := range h {
		if lower := strings.ToLower(name); strings.Contains(lower, "ratelimit") || lower == "retry-after" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// errStatus says what an answer is that should have been another.
func errStatus(resp *http.Response) error {
	return fmt.Errorf("%d %s", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
}

// number reads a header field, -1 if it is no whole number.
func number(resp *http.Response, name string) int {
	n, err := strconv.Atoi(resp.Header.Get(name))
	if err != nil {
		return -1
	}
	return n
}

// left is the time until a UTC window of that length ends, in whole seconds.
func left(window time.Duration) int {
	now := time.Now()
	return int(now.Truncate(window).Add(window).Sub(now)/time.Second) + 1
}

// near reports whether a number of seconds is the expected one, or beside it
// because time passed between two looks.
func near(got, want int) bool { return want-2 <= got && got <= want+1 }

// soon repeats a check until it holds, for so long at most.
func soon(t *testing.T, most time.Duration, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	if err := rig.Until(ctx, check); err != nil {
		t.Fatal(err)
	}
}

// clock is a clock of a gateway that a test moves.
type clock struct {
	file string
	args string // for the plugin's command line
}

func newClock(t *testing.T) clock {
	t.Helper()
	dir := rig.Dir(t)
	c := clock{file: dir + "/step"}
	c.args = "-clock-file " + c.file
	c.set(t, 0)
	return c
}

// set moves the clock this far from the real one.
func (c clock) set(t *testing.T, d time.Duration) {
	t.Helper()
	// The plugin reads the old file or the new one, never half of one.
	if err := os.WriteFile(c.file+".next", []byte(d.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(c.file+".next", c.file); err != nil {
		t.Fatal(err)
	}
}

// movable is the plugin's program whose clock can be moved.
func movable(t *testing.T) string {
	t.Helper()
	program, err := rig.BuildClock()
	if err != nil {
		t.Fatal(err)
	}
	return program
}
