package pluginserver_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

func TestDrainClosesIdleAndLetsEventsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pluginserver.NewServer(probe(func(_ string, ev *event) {
			<-time.After(3 * time.Second)
			_ = ev.Tell("kong.log.notice", nil)
		}), pluginserver.Options{})
		dial := func() *kong {
			server, client := pipe(0)
			s.ServeConn(server)
			return &kong{t: t, nc: client}
		}
		idle, busy := dial(), dial()
		id := busy.start("{}")
		busy.beginEvent(id, "access")
		synctest.Wait()
		start := time.Now()
		drained := make(chan time.Duration, 1)
		go func() { s.Drain(); drained <- time.Since(start) }()
		if err := idle.eof(); err != nil || time.Since(start) != 0 {
			t.Errorf("idle connection: %v after %v, expected a close at once", err, time.Since(start))
		}
		if got := busy.bridge(); got.ret == nil || len(got.calls) != 1 {
			t.Errorf("running event: got %+v", got)
		}
		if err := busy.eof(); err != nil {
			t.Errorf("after its event: %v", err)
		}
		if d := <-drained; d != 3*time.Second {
			t.Errorf("drained after %v, expected 3s", d)
		}
	})
}

// Kong may be the one that does not go on.
func TestDrainCutsEventsThatWaitForAReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kinds []pluginserver.FaultKind
		p := probe(func(_ string, ev *event) {
			if _, err := ev.Ask("kong.request.get_path", nil); !errors.Is(err, pluginserver.ErrOver) {
				t.Errorf("got %v, expected ErrOver", err)
			}
		})
		p.Fault = func(f pluginserver.Fault) pluginserver.Exit {
			kinds = append(kinds, f.Kind)
			return pluginserver.Exit{Status: 503}
		}
		k, s, _ := serve(t, p, pluginserver.Options{})
		k.beginEvent(k.start("{}"), "access")
		for _, want := range []string{"kong.request.get_path", ""} {
			if got, err := k.read(); string(got) != want || err != nil {
				t.Fatalf("got frame %q, %v, expected %q", got, err, want)
			}
		}
		start := time.Now()
		drained := make(chan time.Duration, 1)
		go func() { s.Drain(); drained <- time.Since(start) }()
		if got := k.bridge(); got.exit.GetStatus() != 503 {
			t.Errorf("got %+v, expected exit 503", got)
		}
		k.nc.Close()
		if d := <-drained; d != 5*time.Second {
			t.Errorf("drained after %v, expected 5s", d)
		}
		if diff := cmp.Diff([]pluginserver.FaultKind{pluginserver.FaultShutdown}, kinds); diff != "" {
			t.Errorf("faults (-want +got):\n%s", diff)
		}
	})
}

func TestDrainCutsEventsThatDoNotFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kinds []pluginserver.FaultKind
		p := probe(func(_ string, ev *event) {
			<-time.After(9 * time.Second)
			if err := ev.Tell("kong.log.notice", nil); !errors.Is(err, pluginserver.ErrOver) {
				t.Errorf("got %v, expected ErrOver", err)
			}
		})
		p.Fault = func(f pluginserver.Fault) pluginserver.Exit {
			kinds = append(kinds, f.Kind)
			return pluginserver.Exit{Status: 503}
		}
		k, s, _ := serve(t, p, pluginserver.Options{})
		k.beginEvent(k.start("{}"), "access")
		synctest.Wait()
		start := time.Now()
		drained := make(chan time.Duration, 1)
		go func() { s.Drain(); drained <- time.Since(start) }()
		if got := k.bridge(); got.exit.GetStatus() != 503 {
			t.Errorf("got %+v, expected exit 503", got)
		}
		k.nc.Close()
		if d := <-drained; d != 5*time.Second {
			t.Errorf("drained after %v, expected 5s", d)
		}
		if diff := cmp.Diff([]pluginserver.FaultKind{pluginserver.FaultShutdown}, kinds); diff != "" {
			t.Errorf("faults (-want +got):\n%s", diff)
		}
		<-time.After(10 * time.Second)
	})
}

func TestDrainIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, _ := serve(t, probe(func(_ string, ev *event) { _ = ev.Exit(nil) }), pluginserver.Options{})
		if got := k.event(k.start("{}"), "access"); got.exit == nil {
			t.Fatalf("got %+v", got)
		}
		start := time.Now()
		s.Drain() // Kong never drops the connection
		if d := time.Since(start); d != 6*time.Second {
			t.Errorf("drained after %v, expected 5s and 1s for the answers", d)
		}
		synctest.Wait()
	})
}

// scarce is a listener that runs out of file descriptors now and then.
type scarce struct {
	mu     sync.Mutex
	queue  []func() (net.Conn, error)
	closed chan struct{}
	once   sync.Once
}

func (l *scarce) Accept() (net.Conn, error) {
	l.mu.Lock()
	if len(l.queue) > 0 {
		next := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		return next()
	}
	l.mu.Unlock()
	<-l.closed
	return nil, net.ErrClosed
}

func (l *scarce) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *scarce) Addr() net.Addr { return &net.UnixAddr{Net: "unix"} }

func TestAcceptErrorsPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := pipe(0)
		l := &scarce{closed: make(chan struct{})}
		for range 8 {
			l.queue = append(l.queue, func() (net.Conn, error) {
				return nil, &net.OpError{Op: "accept", Net: "unix", Err: syscall.EMFILE}
			})
		}
		l.queue = append(l.queue, func() (net.Conn, error) { return server, nil })
		ctx, cancel := context.WithCancel(t.Context())
		s := pluginserver.NewServer(probe(func(string, *event) {}), pluginserver.Options{})
		ended := make(chan error, 1)
		start := time.Now()
		go func() { ended <- s.Run(ctx, l) }()
		k := &kong{t: t, nc: client}
		if got := k.event(k.start("{}"), "access"); got.ret == nil {
			t.Errorf("got %+v", got)
		}
		// 5, 10, 20 … 640 ms: it waits, and does not spin.
		if d := time.Since(start); d != 1275*time.Millisecond {
			t.Errorf("accepted after %v, expected 1.275s", d)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
