//go:build spec

// Package soak keeps the plugin under good and hostile traffic for as long as SOAK
// says (`make soak`; without it a short while, to see that it still works), and looks
// whether anything grows: memory, goroutines, threads, descriptors. Meanwhile keys
// rotate, configurations are replaced and connections come and go, as in a real day.
package soak

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/chaos/traffic"
	"kong-plugin-auth-diagnosis/spec/rig"
)

const (
	// smoke is how long the test takes when SOAK does not say.
	smoke = 15 * time.Second
	// settling is the time at the start that does not count: caches fill, the
	// collector finds its pace. A short run has a quarter of its own.
	settling = time.Minute
	// growth is by how much memory may grow afterwards, in percent, if there was
	// time to settle. A short run is judged by everything else.
	growth = 5
	// filling is more tokens than the cache of verified ones has room for.
	filling = 200_000
)

func TestMain(m *testing.M) {
	code := m.Run()
	rig.Clean()
	os.Exit(code)
}

func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(cmp.Or(os.Getenv("SOAK"), smoke.String()))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(rig.Dir(t), "vitals")
	r := start(t, file)
	long := length/4 >= settling
	if long {
		fill(t, r)
	}
	tr, err := traffic.Start(options(r))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Stop()
	pid, err := r.PluginPid()
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{pid: pid, file: file}
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	if err := run(ctx, r, tr, w); err != nil {
		t.Error(err)
	}
	tally := tr.Stop()
	t.Log(tally)
	if err := tally.Fault(); err != nil {
		t.Error(err)
	}
	if n := r.Upstream.RequestsTo("/soak/hostile"); n != 0 {
		t.Errorf("%d hostile requests reached the service", n)
	}
	if now, err := r.PluginPid(); now != pid {
		t.Errorf("process %d has become %d, %v", pid, now, err)
	}
	first, last := w.compare(min(settling, length/4), min(settling, length/4))
	t.Logf("settled: %v", first)
	t.Logf("ended:   %v", last)
	for _, problem := range judge(first, last, long) {
		t.Error(problem)
	}
}

// start starts a rig whose plugin tells how it fares.
func start(t *testing.T, vitals string) *rig.Rig {
	t.Helper()
	program, err := rig.BuildClock()
	if err != nil {
		t.Fatal(err)
	}
	r, err := rig.Start(t.Context(), rig.Options{
		Bin: os.Getenv("KONG_BIN"), Plugin: program, Args: "-vitals " + vitals,
		Conf:   map[string]string{"log_level": "warn"},
		Config: func(_ []byte, r *rig.Rig) []byte { return config(r, "soak") },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rig.Until(ctx, func() error { return pass(r) }); err != nil {
		t.Fatalf("%v\n%s", err, r.ErrorLog())
	}
	return r
}

// pass sends a good token.
func pass(r *rig.Rig) error {
	resp, err := r.Get(r.Proxy+"/soak/good", r.PingFederate.Token())
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("got %d %s", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
	}
	return err
}

// fill fills the cache of verified tokens: it is bounded, and meant to be full.
func fill(t *testing.T, r *rig.Rig) {
	t.Helper()
	o := options(r)
	o.Clients = 8
	tally, err := traffic.Fill(o, filling)
	if err == nil {
		err = tally.Fault()
	}
	if err != nil {
		t.Error(err)
	}
	t.Log("filled: ", tally)
}

// options are of the traffic to the rig.
func options(r *rig.Rig) traffic.Options {
	return traffic.Options{Good: r.Proxy + "/soak/good", Hostile: r.Proxy + "/soak/hostile", Issuer: r.PingFederate}
}

// config has the named routes, with limits that nobody meets.
func config(r *rig.Rig, names ...string) []byte {
	var services []rig.Service
	for _, name := range names {
		services = append(services, rig.Service{Name: name, Config: "jwks: {refresh_interval: 1}, " +
			"rate_limiting: {default_tier: all, tiers: [{name: all, second: 100000, day: 1000000000}]}"})
	}
	return r.Declare(services...)
}

// run lets the day go by until ctx ends. Every second something happens.
func run(ctx context.Context, r *rig.Rig, tr *traffic.Traffic, w *watch) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := happen(n, r, tr); err != nil {
			return fmt.Errorf("after %d s: %w", n, err)
		}
		if err := w.look(); err != nil {
			return err
		}
	}
}

// happen does what is due in the n-th second. A rotation takes nine: keys are
// published, sign two refreshes later, and the old ones go when no token of theirs is
// used any more.
func happen(n int, r *rig.Rig, tr *traffic.Traffic) error {
	keys := r.PingFederate.Keys()
	switch n % 12 {
	case 1:
		return keys.Rotate(ping.PublishFirst)
	case 5:
		err := keys.Promote()
		tr.Forget()
		return err
	case 9:
		return keys.Retire()
	case 3, 11:
		names := []string{"soak", "more"}[:1+n%24/12]
		resp, err := r.Post(config(r, names...))
		if err == nil && resp.StatusCode != http.StatusCreated {
			err = fmt.Errorf("POST /config: %d", resp.StatusCode)
		}
		return err
	}
	for range 20 {
		nc, err := net.Dial("unix", r.Socket())
		if err != nil {
			return err
		}
		if _, err := nc.Write([]byte("GET / HTTP/1.1\r\n\r\n")[:n%12]); err != nil {
			return err
		}
		nc.Close()
	}
	return nil
}
