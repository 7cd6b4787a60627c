// Package gateway is the running gateway: listeners, workers, plugin processes,
// and their generations.
//
// A Gateway owns the sockets. Start and Reload each make a generation: N
// workers with their own plugin instances and connections, and the plugin
// processes. After a Reload the old generation finishes the requests it has
// begun (connecting to the new plugin processes with its old instance ids, as
// Kong's old workers do), then its plugin processes are stopped.
package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
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
	log    *errlog.Log
	now    func() time.Time
	nodeID string
	access *accessLog

	changing sync.Mutex // serialises Start

	mu        sync.Mutex // guards the fields below
	listeners map[string]net.Listener
	services  []*httpService // admin and status
	current   *generation
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
}

// New returns a gateway that listens nowhere yet.
func New(o Options) (*Gateway, error) {
	access, err := openAccessLog(o.AccessLog)
	if err != nil {
		return nil, err
	}
	return &Gateway{log: o.Log, now: o.Now, nodeID: newUUID(), access: access,
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

// Start makes the first generation, or on a running gateway a new one that
// takes its place (kong reload). When anything of the new configuration is
// wrong, the running generation stays.
//
// At a reload connections go to the old workers until the new plugin processes
// listen; a new worker that met an old process would lose it in mid-event.
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
	bound := gen.rebinding()
	gen.startPlugins()
	if err := g.replace(gen, bound); err != nil {
		gen.stop()
		return err
	}
	return nil
}

// replace opens the listeners of a generation and makes it the current one; its
// predecessor drains.
func (g *Gateway) replace(gen *generation, bound func() bool) error {
	for i := time.Duration(0); i < bindTimeout && !bound(); i += bindPoll {
		time.Sleep(bindPoll)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return net.ErrClosed
	}
	if err := g.serveAdmin(gen.Conf); err != nil {
		return err
	}
	fresh, err := g.listen(gen.Conf)
	if err != nil {
		return err
	}
	old := g.current
	g.current = gen
	for _, l := range fresh {
		g.accepting.Add(1)
		go g.accept(l)
	}
	if old != nil {
		g.draining[old] = true
		go g.retire(old)
	}
	return nil
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

// bindTimeout bounds a reload's wait for new plugin processes to listen.
const (
	bindTimeout = 10 * time.Second
	bindPoll    = 5 * time.Millisecond
)

// acceptPause is how long accept waits after an error such as EMFILE.
const acceptPause = 50 * time.Millisecond

// accept hands connections to the workers of the current generation in turn.
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
// being retired meanwhile.
func (g *Gateway) hand(c net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn++
	g.current.workers[g.turn%len(g.current.workers)].take(c)
}

// retire drains a generation and stops its plugin processes.
func (g *Gateway) retire(gen *generation) {
	gen.drain()
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
