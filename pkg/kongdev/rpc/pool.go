package rpc

import (
	"sync"
	"time"
)

// Limits of nginx's cosocket pool (lua_socket_pool_size,
// lua_socket_keepalive_timeout).
const (
	poolSize    = 256
	poolTimeout = 60 * time.Second
)

// pool keeps a worker's idle connections to one plugin server.
type pool struct {
	mu     sync.Mutex
	idle   []*conn
	closed bool
	now    func() time.Time
}

// get returns a usable idle connection, the latest first, or nil.
func (p *pool) get() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if p.now().Sub(c.at) < poolTimeout && c.alive() {
			return c
		}
		c.Close()
	}
	return nil
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
