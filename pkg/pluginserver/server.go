package pluginserver

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// shutdownLinger is the time that Kong gets to read the answers of events that were cut
// short at the end.
const shutdownLinger = time.Second

// server is one running Serve.
type server struct {
	plugin    Plugin
	opts      Options
	instances *instances
	log       *limitedLog
	draining  atomic.Bool
	workers   *workers

	// succession is nil for a server without a path.
	succession *succession

	mu    sync.Mutex
	conns map[*conn]struct{}
	empty chan struct{} // closed once draining and without connections
}

func newServer(p Plugin, o Options) *server {
	o = o.withDefaults()
	return &server{
		plugin:    p,
		opts:      o,
		instances: newInstances(o.IdleInstances, o.Limits.Instances),
		log:       newLimitedLog(o.Log, o.Now),
		workers:   newWorkers(),
		conns:     map[*conn]struct{}{},
		empty:     make(chan struct{}),
	}
}

// Serve listens on o.SocketPath and serves p until ctx ends. Then it stops accepting,
// closes idle connections, lets running events finish (at most Options.Drain, the rest
// end as FaultShutdown) and returns nil.
//
// The socket replaces what another process listened on without a moment in which the
// path is missing, and is removed at the end only while it is still this process's own:
// at a Kong reload the successor listens before the predecessor ends. From then on
// the predecessor takes no new events, and without connections it ends by itself.
// Should somebody remove the socket meanwhile, it is back within a moment.
//
// Errors: an unusable Plugin, or a path that cannot be listened on.
func Serve(ctx context.Context, p Plugin, o Options) error {
	if err := p.check(); err != nil {
		return err
	}
	s := newServer(p, o)
	ln, err := keepListening(s.opts.SocketPath, s.opts.SocketMode)
	if err != nil {
		return err
	}
	s.opts.Log.Info("listening", "socket", s.opts.SocketPath)
	s.succession = ln.succession()
	keeping, stop := context.WithCancel(ctx)
	var keeper sync.WaitGroup
	keeper.Go(func() { ln.keep(keeping, s.log) })
	keeper.Go(func() { s.awaitOrphanhood(keeping, stop) })
	defer keeper.Wait()
	defer stop()
	return s.run(keeping, ln)
}

// run accepts on ln until ctx ends, and then drains.
func (s *server) run(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	var janitor sync.WaitGroup
	janitor.Go(func() { s.sweep(ctx) })
	s.accept(ctx, ln)
	s.drain()
	janitor.Wait()
	s.opts.Log.Info("stopped", "socket", s.opts.SocketPath)
	return nil
}

// accept serves each connection beside the others. An accept error such as
// "too many open files" passes: it waits and goes on, because to exit would fail every
// request.
func (s *server) accept(ctx context.Context, ln net.Listener) {
	const first, most = 5 * time.Millisecond, time.Second
	pause := first
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = first
			s.workers.serve(s.enlist(nc))
			continue
		}
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		s.log.warn("accept", "cannot accept", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, most)
		}
	}
}

// enlist puts a new connection on the list.
func (s *server) enlist(nc net.Conn) *conn {
	c := newConn(s, nc)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	return c
}

// forget takes a closed connection off the list.
func (s *server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.conns[c]; !known {
		return
	}
	delete(s.conns, c)
	if s.draining.Load() && len(s.conns) == 0 {
		close(s.empty)
	}
}

// drain ends all connections: the idle ones now, the busy ones when their event is over
// or the time is up.
func (s *server) drain() {
	defer s.workers.end()
	for _, c := range s.stopConns() {
		c.wakeIdle()
	}
	if s.emptyWithin(s.opts.Drain) {
		return
	}
	var cut sync.WaitGroup
	for _, c := range s.remaining() {
		cut.Go(c.interrupt)
	}
	if s.emptyWithin(shutdownLinger) {
		cut.Wait()
		return
	}
	for _, c := range s.remaining() {
		c.close()
	}
	cut.Wait()
}

// stopConns switches to draining and returns the connections there are.
func (s *server) stopConns() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining.Store(true)
	if len(s.conns) == 0 {
		close(s.empty)
	}
	return s.list()
}

func (s *server) remaining() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list()
}

func (s *server) list() []*conn {
	out := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		out = append(out, c)
	}
	return out
}

// emptyWithin reports whether the last connection ends in that time.
func (s *server) emptyWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.empty:
		return true
	case <-timer.C:
		return false
	}
}

// wakeIdle ends the wait for a command, and with it the connection. A command that has
// just arrived is still served.
func (c *conn) wakeIdle() {
	c.idling.Lock()
	defer c.idling.Unlock()
	if c.idle {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// interrupt ends a running event from outside. A handler that waits for Kong holds the
// lock: a deadline that is over has it let go.
func (c *conn) interrupt() {
	if !c.mu.TryLock() {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
		c.mu.Lock()
	}
	ev := c.open
	c.mu.Unlock()
	if ev != nil {
		c.takeOver(ev, FaultShutdown)
	}
}

// sweep forgets expired instances now and then.
func (s *server) sweep(ctx context.Context) {
	ticker := time.NewTicker(max(s.opts.IdleInstances/8, time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.instances.sweep(s.opts.Now())
		}
	}
}
