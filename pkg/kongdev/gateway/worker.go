package gateway

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h2"
	"kong-plugin-auth-diagnosis/pkg/kongdev/rpc"
	"kong-plugin-auth-diagnosis/pkg/kongdev/runloop"
)

// worker plays one nginx worker process: its own view of the configuration, its
// own plugin instances and connection pools.
type worker struct {
	gen     *generation
	id      int
	state   atomic.Pointer[runloop.State]
	proxy   *runloop.Proxy
	clients map[string]*rpc.Client
	h2      *h2.Server // nil when only HTTP/1 is spoken

	wg       sync.WaitGroup
	mu       sync.Mutex
	conns    map[*clientConn]bool
	draining bool
}

func newWorker(gen *generation, id int) *worker {
	w := &worker{gen: gen, id: id, proxy: runloop.NewProxy(gen.Now), clients: map[string]*rpc.Client{},
		conns: map[*clientConn]bool{}}
	for _, p := range gen.registry.Plugins() {
		if p.Server != nil {
			w.clients[p.Name] = gen.newClient(p, w.post)
		}
	}
	if gen.Conf.ProxyHTTP2 {
		w.h2 = h2.NewServer(keepaliveTimeout, w.limits().Number*w.limits().Size)
	}
	return w
}

func (w *worker) limits() h1.Limits { return h1.Limits(w.gen.Conf.HeaderBuffers) }

// client returns the worker's client of an external plugin.
func (w *worker) client(plugin string) *rpc.Client { return w.clients[plugin] }

// take serves a new connection.
func (w *worker) take(c net.Conn) {
	cc := &clientConn{Conn: c, worker: w}
	w.mu.Lock()
	w.conns[cc] = true
	w.wg.Add(1)
	w.mu.Unlock()
	go func() {
		defer w.wg.Done()
		cc.serve()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.conns, cc)
	}()
}

// drain is nginx's graceful shutdown of a worker: idle keep-alive connections
// are closed, the others end with their request, those of HTTP/2 after a GOAWAY with
// their last one, and no connection to a plugin server is kept.
func (w *worker) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draining = true
	if w.h2 != nil {
		w.h2.Drain()
	}
	for cc := range w.conns {
		if cc.idle {
			cc.wake()
		}
	}
	for _, c := range w.clients {
		c.Close()
	}
}

// kill closes every connection.
func (w *worker) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for cc := range w.conns {
		cc.Close()
	}
}

// close drops what a worker without requests still holds.
func (w *worker) close() {
	w.proxy.Close()
	if w.h2 != nil {
		w.h2.Close()
	}
}

func (w *worker) isDraining() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.draining
}

// setIdle marks a connection as between two requests, or not. It reports
// whether the connection may go on.
func (w *worker) setIdle(cc *clientConn, idle bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	cc.idle = idle
	if idle && w.draining {
		return false
	}
	limit := headerTimeout
	if idle {
		limit = keepaliveTimeout
	}
	return cc.SetReadDeadline(time.Now().Add(limit)) == nil
}
