// Package gateway is the running gateway: listeners, workers, plugin processes,
// and their generations.
//
// A Gateway owns the sockets. Each Start makes a generation: N workers with their own
// plugin instances and connections, and the plugin processes, which are worker 0's. On
// a running gateway it goes as `kong reload` does. The new workers take connections at
// once and speak to the old plugin processes until the new ones listen. The old
// workers are told to go a moment later, and finish the requests that they have begun,
// with their old instance ids, in the new plugin processes if need be. The old plugin
// processes are killed when the old worker 0 exits, whoever is speaking to them.
package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/declarative"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/runloop"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

// Gateway is one running gateway.
type Gateway struct {
	log     *errlog.Log
	now     func() time.Time
	nodeID  string
	access  *accessLog
	logRead time.Duration

	changing sync.Mutex // serialises Start
	loading  sync.Mutex // held while a configuration is loaded

	mu        sync.Mutex // guards the fields below
	listeners map[string]net.Listener
	services  []*httpService // admin and status
	current   *generation
	takers    []*worker // who gets connections
	draining  map[*generation]bool
	closed    bool
	turn      int // the worker that got the last connection

	accepting sync.WaitGroup
}

// Options of a Gateway.
type Options struct {
	Log       *errlog.Log
	AccessLog string // path, "" for none
	Now       func() time.Time
	// LogRead is the timeout of worker 0's reads of a plugin process' output, which it
	// does not exit before; Kong's 10 s when zero.
	LogRead time.Duration
}

// New returns a gateway that listens nowhere yet.
func New(o Options) (*Gateway, error) {
	access, err := openAccessLog(o.AccessLog)
	if err != nil {
		return nil, err
	}
	if o.LogRead == 0 {
		o.LogRead = logRead
	}
	return &Gateway{log: o.Log, now: o.Now, logRead: o.LogRead, nodeID: newUUID(), access: access,
		listeners: map[string]net.Listener{}, draining: map[*generation]bool{}}, nil
}

// Load reads a generation's plugins and declarative configuration. Its error is
// what `kong start` would print.
func (g *Gateway) Load(c *conf.Conf) (*runloop.Registry, *entity.Set, error) {
	reg, err := runloop.NewRegistry(c)
	if err != nil {
		return nil, nil, err
	}
	src, origin := []byte(c.DeclarativeString), "string"
	switch {
	case c.DeclarativeConfig != "":
		origin = "file " + c.DeclarativeConfig
		if src, err = os.ReadFile(c.DeclarativeConfig); err != nil {
			return nil, nil, fmt.Errorf("error parsing declarative config %s:\n%w", origin, err)
		}
	case len(src) == 0:
		src = []byte(`{"_format_version": "3.0"}`)
	}
	set, err := g.loader(reg).Load(src)
	var invalid *declarative.Invalid
	if errors.As(err, &invalid) {
		return nil, nil, fmt.Errorf("error parsing declarative config %s:\n%s", origin, invalid.Pretty())
	}
	return reg, set, err
}

func (g *Gateway) loader(reg *runloop.Registry) *declarative.Loader {
	return &declarative.Loader{Catalog: reg, Vault: subschema.EnvVault, Now: g.now}
}

// Times of a reload.
const (
	// overlap is how long nginx gives new workers before it tells the old ones to go
	// (ngx_master_process_cycle: "allow new processes to start").
	overlap = 100 * time.Millisecond
	// logRead is the default timeout of an ngx.pipe. Its timer keeps an exiting worker.
	logRead = 10 * time.Second
)

// Start makes the first generation, or on a running gateway a new one that
// takes its place (kong reload). When anything of the new configuration is
// wrong, the running generation stays.
func (g *Gateway) Start(c *conf.Conf) error {
	g.changing.Lock()
	defer g.changing.Unlock()
	reg, set, err := g.Load(c)
	if err != nil {
		return err
	}
	gen, err := newGeneration(g, c, reg, set)
	if err != nil {
		return err
	}
	old, err := g.replace(gen)
	if err != nil {
		gen.stop()
		return err
	}
	if old != nil {
		time.Sleep(overlap)
		g.quit(old)
	}
	return nil
}

// replace opens the listeners of a generation and makes it the current one. Its
// predecessor takes connections as well until it is told to quit.
func (g *Gateway) replace(gen *generation) (old *generation, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, net.ErrClosed
	}
	if err := g.serveAdmin(gen.Conf); err != nil {
		return nil, err
	}
	fresh, err := g.listen(gen.Conf)
	if err != nil {
		return nil, err
	}
	old, g.current = g.current, gen
	g.takers = gen.workers
	if old != nil {
		g.takers = slices.Concat(gen.workers, old.workers)
		g.draining[old] = true
	}
	gen.startPlugins()
	for _, l := range fresh {
		g.accepting.Add(1)
		go g.accept(l)
	}
	return old, nil
}

// quit tells the workers of a generation to finish.
func (g *Gateway) quit(old *generation) {
	g.mu.Lock()
	g.takers = g.current.workers
	g.mu.Unlock()
	go g.retire(old)
}

// listen opens the proxy listeners that are new and closes those that are gone.
func (g *Gateway) listen(c *conf.Conf) (fresh []net.Listener, err error) {
	want := map[string]bool{}
	for _, addr := range c.ProxyListen {
		want[addr] = true
		if g.listeners[addr] != nil {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			for _, l := range fresh {
				l.Close()
			}
			return nil, fmt.Errorf("listening on %s: %w", addr, err)
		}
		fresh = append(fresh, l)
		g.listeners[addr] = l
	}
	for addr, l := range g.listeners {
		if !want[addr] {
			l.Close()
			delete(g.listeners, addr)
		}
	}
	return fresh, nil
}

// acceptPause is how long accept waits after an error such as EMFILE.
const acceptPause = 50 * time.Millisecond

// accept hands connections to the workers in turn.
func (g *Gateway) accept(l net.Listener) {
	defer g.accepting.Done()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			g.log.Printf(errlog.Alert, "accept() failed: %v", err)
			time.Sleep(acceptPause)
			continue
		}
		g.hand(c)
	}
}

// hand gives a connection to the next worker. The lock keeps a generation from
// being told to quit meanwhile.
func (g *Gateway) hand(c net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn++
	g.takers[g.turn%len(g.takers)].take(c)
}

// retire lets the workers of a generation finish and exit.
func (g *Gateway) retire(gen *generation) {
	gen.drain()
	gen.finish(true)
	gen.stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.draining, gen)
}

// Stop ends the gateway. With a context that is done at once it is `kong stop`,
// otherwise requests in flight may finish until the context is done.
func (g *Gateway) Stop(ctx context.Context) {
	g.mu.Lock()
	g.closed = true
	for _, l := range g.listeners {
		l.Close()
	}
	for _, s := range g.services {
		s.close()
	}
	gens := []*generation{}
	if g.current != nil {
		gens = append(gens, g.current)
	}
	for gen := range g.draining {
		gens = append(gens, gen)
	}
	g.mu.Unlock()
	g.accepting.Wait()
	var wg sync.WaitGroup
	for _, gen := range gens {
		wg.Go(func() {
			gen.drainUntil(ctx)
			gen.stop()
		})
	}
	wg.Wait()
	g.access.close()
}

// Addrs returns the addresses the proxy listens on.
func (g *Gateway) Addrs() []net.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []net.Addr
	for _, l := range g.listeners {
		out = append(out, l.Addr())
	}
	return out
}

// newID returns a request id: 32 hexadecimal digits.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func newUUID() string {
	s := newID()
	return s[:8] + "-" + s[8:12] + "-4" + s[13:16] + "-a" + s[17:20] + "-" + s[20:]
}
