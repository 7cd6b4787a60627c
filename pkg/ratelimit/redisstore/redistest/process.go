package redistest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	patience = 30 * time.Second // for anything that a process does; a busy machine is slow
	pause    = 5 * time.Millisecond
)

// errEnded says that a process ended while something was expected of it.
var errEnded = errors.New("the process has ended")

// process is a program of Redis in the foreground, over one configuration file.
type process struct {
	t    testing.TB
	path string
	args []string
	says printed

	mu    sync.Mutex // guards what follows
	cmd   *exec.Cmd
	ended chan struct{} // closed when cmd has ended
}

// newProcess prepares a program that reads conf, a file it may rewrite. The
// process, if it runs, is killed when the test ends.
func newProcess(t testing.TB, name, conf string, args ...string) *process {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: apt-get install --no-install-recommends redis-server redis-sentinel, or make deps", name)
	}
	file := filepath.Join(t.TempDir(), "redis.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, path: path, args: append([]string{file}, args...)}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s says:\n%s", name, p.says.String())
		}
	})
	return p
}

// start starts the program. It must not run.
func (p *process) start() {
	p.t.Helper()
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir = filepath.Dir(p.args[0])
	cmd.Stdout, cmd.Stderr = &p.says, &p.says
	cmd.WaitDelay = time.Second // a child that writes a snapshot outlives its parent
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		// How it ended is of no interest: it is killed sooner or later.
		_ = cmd.Wait()
		close(ended)
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.ended = cmd, ended
}

// running returns the process and the channel that is closed at its end; both
// are nil if it was never started.
func (p *process) running() (*os.Process, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil, nil
	}
	return p.cmd.Process, p.ended
}

func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	running, _ := p.running()
	if err := running.Signal(sig); err != nil {
		p.t.Fatalf("signal %v: %v", sig, err)
	}
}

// kill ends the program at once, also one that is stopped, and waits for that.
func (p *process) kill() {
	running, ended := p.running()
	if running == nil {
		return
	}
	_ = running.Kill() // it may have ended by itself
	<-ended
}

// await asks ready until it returns nil.
func (p *process) await(what string, ready func(context.Context) error) {
	p.t.Helper()
	if err := p.poll(ready); err != nil {
		p.t.Fatalf("waiting until %s: %v\n%s", what, err, p.says.String())
	}
}

func (p *process) poll(ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, ended := p.running()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("%w: %w", errEnded, err)
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// listens reports whether somebody takes connections at addr. Asked before a
// client is, it spares the log what the client would say of a refusal.
func listens(ctx context.Context, addr string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}

// printed is what a program has printed.
type printed struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

// lowPort and highPort bound the ports in use here. They lie below the range
// that the kernel takes outgoing ports from, so that nobody's connection takes
// the port of a server which is down for a moment.
const lowPort, highPort = 20_000, 32_000

// freePort returns a loopback port that nobody listens at.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := lowPort + rand.IntN(highPort-lowPort)
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("no free port on the loopback")
	return 0
}

func address(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// conf is the text of a configuration file, one directive to a line.
func conf(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
