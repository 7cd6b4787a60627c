//go:build spec

package chaos

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// alone is a plugin process without a gateway.
type alone struct {
	cmd    *exec.Cmd
	socket string
	begun  time.Time
	ended  chan error
}

// run starts the released program and waits until it listens.
func run(t *testing.T, args ...string) *alone {
	t.Helper()
	bins, err := rig.Build()
	if err != nil {
		t.Fatal(err)
	}
	prefix, err := os.MkdirTemp("", "alone")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(prefix) })
	p := &alone{
		cmd:    exec.Command(bins.Plugin, append([]string{"-kong-prefix", prefix}, args...)...),
		socket: filepath.Join(prefix, "auth-diagnosis.socket"), begun: time.Now(), ended: make(chan error, 1),
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	until(t, func() error {
		_, err := os.Lstat(p.socket)
		return err
	})
	return p
}

// terminate sends SIGTERM and waits until the process has stopped listening.
func (p *alone) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	until(t, func() error {
		if _, err := os.Lstat(p.socket); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("still listening, %v", err)
		}
		return nil
	})
}

func issuer(t *testing.T) *rig.Rig {
	t.Helper()
	i, err := ping.Start(ping.Options{Product: ping.PingFederate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	return &rig.Rig{PingFederate: i}
}

// awaitPass runs events until one passes: the keys are there.
func (p *alone) awaitPass(t *testing.T, config []byte, token string) (id int32) {
	t.Helper()
	w := openWire(t, p.socket)
	id, err := w.start(config)
	if err != nil {
		t.Fatal(err)
	}
	until(t, func() error {
		if got, err := openWire(t, p.socket).event(id, bearing(token)); !got.passed {
			return fmt.Errorf("%+v, %v", got, err)
		}
		return nil
	})
	return id
}

// TestTermination has a request under way when SIGTERM comes: it gets its verdict, by
// keys and counters that are still there. One that never ends is cut short, with an
// answer. The process then ends as one that was asked to.
func TestTermination(t *testing.T) {
	const most = 5 * time.Second // before whoever asked loses patience
	r := issuer(t)
	config, good := instanceConfig(t, r), r.PingFederate.Token()
	for name, tt := range map[string]struct {
		token    string
		silent   bool
		want     end
		ends, by time.Duration
	}{
		"a good request":       {good, false, end{passed: true}, 0, time.Second},
		"a hostile request":    {ping.Tamper(good), false, end{status: 401}, 0, time.Second},
		"one that nobody ends": {good, true, end{status: 500}, 2 * time.Second, most},
	} {
		t.Run(name, func(t *testing.T) {
			p := run(t)
			id := p.awaitPass(t, config, good)
			openWire(t, p.socket) // an idle connection holds up nobody
			answer := bearing(tt.token)
			var asked time.Time
			got, err := openWire(t, p.socket).event(id, func(method string) ([]byte, error) {
				if method == "kong.request.get_headers" {
					p.terminate(t)
					asked = time.Now()
				}
				if tt.silent {
					return nil, nil
				}
				return answer(method)
			})
			if got != tt.want {
				t.Errorf("got %+v, %v, expected %+v", got, err, tt.want)
			}
			if err := <-p.ended; err != nil {
				t.Errorf("exit: %v, expected code 0", err)
			}
			if took := time.Since(asked); took < tt.ends || took > tt.by {
				t.Errorf("ended after %s, expected %s to %s", took, tt.ends, tt.by)
			}
		})
	}
}

// TestReadyInAMoment starts the process while no issuer can be reached. The first
// event of its first instance has the right verdict, by the keys of a run before.
func TestReadyInAMoment(t *testing.T) {
	const moment = time.Second // a few milliseconds, on a machine with nothing else to do
	r, dir := issuer(t), rig.Dir(t)
	config, good := instanceConfig(t, r), r.PingFederate.Token()
	before := run(t, "-state-dir", dir)
	before.awaitPass(t, config, good)
	awaitSaved(t, dir, nil)
	before.terminate(t)
	if err := <-before.ended; err != nil {
		t.Fatal(err)
	}
	if err := r.PingFederate.Refuse(); err != nil {
		t.Fatal(err)
	}
	p := run(t, "-state-dir", dir)
	w := openWire(t, p.socket)
	id, err := w.start(config)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.event(id, bearing(good))
	took := time.Since(p.begun)
	if !got.passed {
		t.Errorf("the first event: %+v, %v", got, err)
	}
	if got, err := w.event(id, bearing(ping.Tamper(good))); got.status != 401 {
		t.Errorf("the second event, a hostile one: %+v, %v", got, err)
	}
	t.Logf("first verdict %s after the start of the process", took.Round(time.Millisecond))
	if took > moment {
		t.Errorf("the first verdict took %s, expected at most %s", took, moment)
	}
}
