//go:build spec

// Package chaos breaks what the plugin stands on, under load, and counts what the
// callers notice: no request may be let through that should not be, none refused
// that is good but in a gap that gaps_test.go states, and nobody has to come and
// repair anything. A file is a kind of fault; KONG_BIN picks the gateway.
package chaos

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/spec/chaos/traffic"
	"kong-plugin-auth-diagnosis/spec/rig"
)

func TestMain(m *testing.M) {
	code := m.Run()
	rig.Clean()
	os.Exit(code)
}

// route is a path of the gateway's configuration, and what its plugin instance has
// beside an issuer.
type route struct {
	name, extra string
	counting    string // members of rate_limiting beside a tier that is the default
	tier        string // its windows; such as nobody meets when ""
}

// routes is a configuration with these routes.
func routes(list ...route) func([]byte, *rig.Rig) []byte {
	return func(_ []byte, r *rig.Rig) []byte {
		var services []rig.Service
		for _, l := range list {
			tier := cmp.Or(l.tier, "second: 100000, day: 1000000000")
			services = append(services, rig.Service{Name: l.name, Config: fmt.Sprintf(
				"rate_limiting: {%sdefault_tier: all, tiers: [{name: all, %s}]}, %s", l.counting, tier, l.extra)})
		}
		return r.Declare(services...)
	}
}

// eager refreshes keys every second.
const eager = "jwks: {refresh_interval: 1, timeout: 300, unknown_kid_cooldown: 1}"

// start starts a rig whose gateway has keys for /a.
func start(t *testing.T, o rig.Options) *rig.Rig {
	t.Helper()
	o.Bin = os.Getenv("KONG_BIN")
	if o.Config == nil {
		o.Config = routes(route{name: "a"})
	}
	if o.Conf == nil {
		o.Conf = map[string]string{}
	}
	o.Conf["log_level"] = "warn" // not a line per rejection
	r, err := rig.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("error log:\n%s", r.ErrorLog())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	await(t, r, "/a", http.StatusOK)
	return r
}

// await sends good tokens to a path until one is answered so.
func await(t *testing.T, r *rig.Rig, path string, status int) {
	t.Helper()
	until(t, func() error {
		resp, err := r.Get(r.Proxy+path, r.PingFederate.Token())
		if err != nil {
			return err
		}
		if resp.StatusCode != status {
			return fmt.Errorf("%s answers %d %s", path, resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
		}
		return nil
	})
}

// until repeats a check until it holds.
func until(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rig.Until(ctx, check); err != nil {
		t.Fatal(err)
	}
}

// load is traffic to a route of one rig.
type load struct {
	*traffic.Traffic
	t    *testing.T
	r    *rig.Rig
	path string
}

// under starts traffic to /a; what it says at its end decides about the test.
func under(t *testing.T, r *rig.Rig) *load {
	t.Helper()
	l := along(t, r, "/a", traffic.Options{})
	l.pass(60)
	return l
}

// lightly starts less of it, for tests that wait most of the time, and do so beside
// each other.
func lightly(t *testing.T, r *rig.Rig) *load {
	t.Helper()
	l := along(t, r, "/a", traffic.Options{Pause: 25 * time.Millisecond})
	l.pass(60)
	return l
}

// along starts traffic to a route.
func along(t *testing.T, r *rig.Rig, path string, o traffic.Options) *load {
	t.Helper()
	l := &load{t: t, r: r, path: path}
	o.Good, o.Hostile, o.Issuer = r.Proxy+path+"/good", r.Proxy+l.hostile(), r.PingFederate
	var err error
	if l.Traffic, err = traffic.Start(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Stop() })
	return l
}

// hostile is the path that gets hostile requests and no others: what the upstream
// sees of it was let through, whatever answer the client got.
func (l *load) hostile() string { return l.path + "/hostile" }

// pass waits until n more requests are through.
func (l *load) pass(n int) {
	l.t.Helper()
	if err := l.Pass(l.t.Context(), n); err != nil {
		l.t.Fatal(err)
	}
}

// gap runs what breaks something and waits for its end, and then checks that the
// fault was felt for no longer than it may be.
func (l *load) gap(most time.Duration, fault func()) {
	l.t.Helper()
	end := l.Gap()
	fault()
	l.pass(60)
	g := end()
	l.t.Logf("%d requests excused over %s", g.Excused, g.Length().Round(time.Millisecond))
	if g.Length() > most {
		l.t.Errorf("the fault was felt for %s, expected at most %s", g.Length(), most)
	}
}

// end stops the traffic and judges it.
func (l *load) end() traffic.Tally {
	l.t.Helper()
	tally := l.Stop()
	l.t.Logf("%s: %s", l.path, tally)
	if err := tally.Fault(); err != nil {
		l.t.Errorf("%s: %v", l.path, err)
	}
	if n := l.r.Upstream.RequestsTo(l.hostile()); n != 0 {
		l.t.Errorf("%s: %d hostile requests reached the service", l.path, n)
	}
	return tally
}

// pid is the plugin process.
func pid(t *testing.T, r *rig.Rig) int {
	t.Helper()
	n, err := r.PluginPid()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
