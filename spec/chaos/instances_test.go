//go:build spec

package chaos

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// TestInstancesOfManyWorkers starts, uses and closes instances from several
// connections, as workers do that get one configuration after the other. Those of the
// gateway go on.
func TestInstancesOfManyWorkers(t *testing.T) {
	const workers, each = 4, 700
	r := start(t, rig.Options{Conf: map[string]string{"nginx_worker_processes": "4"}})
	l := under(t, r)
	config, good := instanceConfig(t, r), r.PingFederate.Token()
	var working sync.WaitGroup
	for n := range workers {
		working.Go(func() {
			if err := work(r.Socket(), each, config, good); err != nil {
				t.Errorf("worker %d: %v", n, err)
			}
		})
	}
	working.Wait()
	l.pass(100)
	l.end()
}

// work starts instances, runs an event of some and closes a third.
func work(socket string, instances int, config []byte, token string) error {
	w, err := dialWire(socket)
	if err != nil {
		return err
	}
	defer w.Close()
	var last int32
	for n := range instances {
		id, err := w.start(config)
		if err != nil {
			return fmt.Errorf("start: %w", err)
		}
		if id == 0 || id == last {
			return fmt.Errorf("instance %d after %d", id, last)
		}
		last = id
		if n%50 == 0 {
			if got, err := w.event(id, bearing(token)); !got.passed {
				return fmt.Errorf("event: %+v, %w", got, err)
			}
		}
		if n%3 == 0 {
			if err := w.stop(id); err != nil {
				return fmt.Errorf("close: %w", err)
			}
		}
	}
	return w.SetDeadline(time.Time{})
}

// succeeded waits until another process listens than before. A Kong has answered a
// reload long before, and keeps its old workers for some seconds: more reloads than
// it can follow would fill the machine with those.
func succeeded(t *testing.T, r *rig.Rig, before int) {
	t.Helper()
	until(t, func() error {
		now, err := r.PluginPid()
		if err != nil || now == before {
			return fmt.Errorf("process %d is now %d, %v", before, now, err)
		}
		return nil
	})
}

// TestConfiguredHundredTimes posts a hundred configurations, of which every other
// adds a route, and reloads in between: new workers and a new plugin process.
func TestConfiguredHundredTimes(t *testing.T) {
	const posts, reloads = 92, 8
	a, b := route{name: "a"}, route{name: "b", extra: "realm: b"}
	r := start(t, rig.Options{Conf: map[string]string{"nginx_worker_processes": "4"}})
	l := under(t, r)
	for n := range posts + reloads {
		list := []route{a, b}[:1+n%2]
		config := routes(list...)(nil, r)
		if n%(posts/reloads) == 5 {
			if err := r.SetConfig(config); err != nil {
				t.Fatal(err)
			}
			before := pid(t, r)
			if err := r.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			succeeded(t, r, before)
		} else if resp, err := r.Post(config); err != nil || resp.StatusCode != 201 {
			t.Fatalf("POST /config: %v, %v", resp, err)
		}
		l.pass(10)
	}
	l.end()
	if log := r.ErrorLog(); strings.Contains(log, "panic") {
		t.Errorf("a panic is in the log:\n%s", log)
	}
}
