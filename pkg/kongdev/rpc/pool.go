package rpc

import (
	"slices"
	"sync"
	"time"
)

// Limits of nginx's cosocket pool (lua_socket_pool_size,
// lua_socket_keepalive_timeout).
const (
	poolSize    = 256
	poolTimeout = 60 * time.Second
)

// turn is how long a turn of a busy worker's event loop takes. That a peer has closed
// an idle connection nginx learns from an event (ngx_http_lua_socket_keepalive_close_
// handler), so a request of the same turn may still get it: its send fails, and
// with it the request.
const turn = time.Millisecond

// pool keeps a worker's idle connections to one plugin server.
type pool struct {
	mu     sync.Mutex
	idle   []*conn
	closed bool
	looked time.Time // when events were taken in last
	now    func() time.Time
}

// get returns an idle connection, the latest first, or nil.
func (p *pool) get() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.now(); now.Sub(p.looked) >= turn {
		p.looked = now
		p.takeEvents()
	}
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return c
}

// takeEvents drops the connections whose time is up and those that are closed.
func (p *pool) takeEvents() {
	p.idle = slices.DeleteFunc(p.idle, func(c *conn) bool {
		if p.looked.Sub(c.at) < poolTimeout && c.alive() {
			return false
		}
		c.Close()
		return true
	})
}

// put keeps a connection; a full or closed pool closes it.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= poolSize {
		c.Close()
		return
	}
	c.at = p.now()
	p.idle = append(p.idle, c)
}

// close ends the pool: a worker that is exiting keeps no connection.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
}
