//go:build spec

package chaos

import (
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

// redisTimeout is rate_limiting.redis.timeout of the routes here: no pause of a busy
// machine is taken for a fault of Redis.
const redisTimeout = 2 * time.Second

// redisFault is a way for Redis to fail. It lasts until it is healed, and everybody
// notices; or it is a blow, without heal, that few or none do.
type redisFault struct {
	name    string
	options redistest.Options
	counts  string // further members of redis
	strike  func(*testing.T, *counted)
	heal    func(*testing.T, *counted)
	blows   int  // how often it falls at least; each breaks one request of a route at most
	hits    bool // and until it has broken one
	far     bool // Redis is at the end of a line
	forgets bool // Redis has lost its counts afterwards
}

// redisFaults has each fault in a Redis of its own, so that all of them fit into the
// time of one, and one Redis that fails is seen to be no trouble to the others.
var redisFaults = []redisFault{
	{name: "killed", forgets: true,
		strike: func(_ *testing.T, c *counted) { c.redis.Kill() },
		heal:   func(_ *testing.T, c *counted) { c.redis.Restart() }},
	{name: "stopped",
		strike: func(_ *testing.T, c *counted) { c.redis.Pause() },
		heal:   func(_ *testing.T, c *counted) { c.redis.Resume() }},
	{name: "full",
		strike: command("CONFIG", "SET", "maxmemory", "1"),
		heal:   command("CONFIG", "SET", "maxmemory", "0")},
	{name: "replica", // of a master that nobody is, at the port of tcpmux
		strike: command("REPLICAOF", "127.0.0.1", "1"),
		heal:   command("REPLICAOF", "NO", "ONE")},
	{name: "relocked",
		options: redistest.Options{Users: []string{"limiter on >secret ~auth-diagnosis:* +@all"}},
		counts:  ", username: limiter, password: secret",
		strike: func(t *testing.T, c *counted) {
			command("ACL", "SETUSER", "limiter", "resetpass", ">changed")(t, c)
			command("CLIENT", "KILL", "USER", "limiter")(t, c)
		},
		heal: command("ACL", "SETUSER", "limiter", "resetpass", ">secret")},
	{name: "slow", far: true,
		strike: func(_ *testing.T, c *counted) { c.line.delay.Store(int64(3 * redisTimeout / 2)) },
		heal:   func(_ *testing.T, c *counted) { c.line.delay.Store(0) }},
	{name: "sluggish", far: true, // but in time: nobody is told anything
		strike: func(_ *testing.T, c *counted) { c.line.delay.Store(int64(redisTimeout / 40)) }},
	{name: "flushed", forgets: true,
		strike: func(_ *testing.T, c *counted) { c.redis.Flush() }},
	{name: "cut", blows: 4,
		strike: command("CLIENT", "KILL", "TYPE", "normal")},
	{name: "torn", far: true, blows: 2, hits: true, // and so slow that some wait for what never comes
		strike: func(_ *testing.T, c *counted) {
			c.line.delay.Store(int64(redisTimeout / 20))
			c.line.tear()
		}},
}

// command sends one to Redis. The blows of CLIENT KILL spare who asks for them.
func command(words ...any) func(*testing.T, *counted) {
	return func(t *testing.T, c *counted) {
		t.Helper()
		if err := c.redis.Client().Do(t.Context(), words...).Err(); err != nil {
			t.Fatalf("%s: %v: %v", c.name, words, err)
		}
	}
}

// line is the way to a server: what that says arrives later by the delay.
type line struct {
	net.Listener
	server string
	delay  atomic.Int64
	open   sync.WaitGroup

	mu   sync.Mutex
	torn chan struct{} // closed to close all connections, and made anew
}

// lay opens a line to a server until the test ends.
func lay(t *testing.T, server string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{Listener: listener, server: server, torn: make(chan struct{})}
	l.open.Go(l.accept)
	t.Cleanup(func() {
		l.Close()
		l.tear()
		l.open.Wait()
	})
	return l
}

// tear closes all connections, whatever is on its way.
func (l *line) tear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.torn)
	l.torn = make(chan struct{})
}

func (l *line) port() string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

func (l *line) accept() {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", l.server)
		if err != nil {
			client.Close() // as a server that is gone does
			continue
		}
		l.mu.Lock()
		torn := l.torn
		l.mu.Unlock()
		ended := make(chan struct{}, 2)
		for to, from := range map[io.Writer]io.Reader{server: client, client: late{server, l, torn}} {
			l.open.Go(func() {
				io.Copy(to, from) // until either end closes
				ended <- struct{}{}
			})
		}
		l.open.Go(func() {
			select {
			case <-ended:
			case <-torn:
			}
			client.Close()
			server.Close()
		})
	}
}

// late is what a server says, after the delay of the line.
type late struct {
	net.Conn
	line *line
	torn <-chan struct{}
}

// Read implements [io.Reader].
func (l late) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if delay := time.Duration(l.line.delay.Load()); delay > 0 {
		select {
		case <-time.After(delay):
		case <-l.torn:
			return 0, net.ErrClosed
		}
	}
	return n, err
}
