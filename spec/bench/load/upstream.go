package load

import (
	"bufio"
	"net"
	"sync"
)

// answer is small, as the services of the figures that gateways publish are.
const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"

// Upstream answers every request without a body, on any path, with 200.
type Upstream struct {
	listener net.Listener
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// StartUpstream listens on a free port of loopback. Close ends it.
func StartUpstream() (*Upstream, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &Upstream{listener: l, conns: map[net.Conn]bool{}}
	u.serving.Go(u.accept)
	return u, nil
}

// URL returns the base URL.
func (u *Upstream) URL() string { return "http://" + u.listener.Addr().String() }

// Close ends the listener and all connections, and waits for that.
func (u *Upstream) Close() error {
	err := u.listener.Close()
	u.mu.Lock()
	for c := range u.conns {
		c.Close()
	}
	u.mu.Unlock()
	u.serving.Wait()
	return err
}

func (u *Upstream) accept() {
	for {
		c, err := u.listener.Accept()
		if err != nil {
			return
		}
		u.mu.Lock()
		u.conns[c] = true
		u.mu.Unlock()
		u.serving.Go(func() { u.serve(c) })
	}
}

// serve answers each empty line: it ends a head, and there are no bodies.
func (u *Upstream) serve(c net.Conn) {
	defer func() {
		c.Close()
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.conns, c)
	}()
	for in := bufio.NewReader(c); ; {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		if string(line) != "\r\n" {
			continue
		}
		if _, err := c.Write([]byte(answer)); err != nil {
			return
		}
	}
}
