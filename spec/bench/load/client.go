package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrStatus is an answer that was not the expected one. A measurement of
// something else than was meant is worth nothing, so it ends the run.
var ErrStatus = errors.New("unexpected status")

// timeout bounds the wait for an answer.
const timeout = 30 * time.Second

// Job is a number of requests.
type Job struct {
	Count int
	// Request returns the whole i-th request, HTTP/1.1 without a body. It is
	// called from several goroutines.
	Request func(i int) []byte
	// Status is what every answer must have.
	Status int
}

// Client is a set of connections to one address.
type Client struct {
	addr  string
	conns []*conn
}

// Dial opens connections. Close ends them.
func Dial(addr string, conns int) (*Client, error) {
	c := &Client{addr: addr}
	for range conns {
		nc, err := dial(addr)
		if err != nil {
			c.Close()
			return nil, err
		}
		c.conns = append(c.conns, nc)
	}
	return c, nil
}

// Close ends the connections.
func (c *Client) Close() {
	for _, nc := range c.conns {
		nc.Close()
	}
}

// Do sends the requests of a job, on each connection the next one as soon as
// the last is answered, and returns how long each took, in order of length.
func (c *Client) Do(j Job) ([]time.Duration, error) {
	var (
		next    atomic.Int64
		workers sync.WaitGroup
	)
	taken := make([][]time.Duration, len(c.conns))
	errs := make([]error, len(c.conns))
	for w := range c.conns {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < j.Count; i = int(next.Add(1)) - 1 {
				start := time.Now()
				if errs[w] = c.send(w, j.Request(i), j.Status); errs[w] != nil {
					return
				}
				taken[w] = append(taken[w], time.Since(start))
			}
		})
	}
	workers.Wait()
	all := slices.Concat(taken...)
	slices.Sort(all)
	return all, errors.Join(errs...)
}

// send makes one exchange, and a new connection after one that the gateway ends:
// nginx does that after a number of requests, and says so.
func (c *Client) send(w int, request []byte, status int) error {
	ended, err := c.conns[w].exchange(request, status)
	if err != nil || !ended {
		return err
	}
	c.conns[w].Close()
	nc, err := dial(c.addr)
	if err == nil {
		c.conns[w] = nc
	}
	return err
}

type conn struct {
	net.Conn
	in *bufio.Reader
}

func dial(addr string) (*conn, error) {
	nc, err := net.DialTimeout("tcp", addr, timeout)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: nc, in: bufio.NewReader(nc)}, nil
}

// exchange sends a request and reads the answer whole. ended says that the
// connection is of no more use.
func (c *conn) exchange(request []byte, status int) (ended bool, err error) {
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return true, err
	}
	if _, err := c.Write(request); err != nil {
		return true, err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return true, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return true, err
	}
	if resp.StatusCode != status {
		return true, fmt.Errorf("%w: expected %d, got %d (X-Auth-Diagnosis %q)", ErrStatus, status, resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
	}
	return resp.Close, nil
}
