package upstream

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

const (
	maxHead     = 1 << 20
	maxPaths    = 4096 // distinct paths counted by name
	idleTimeout = 2 * time.Minute
	acceptPause = 5 * time.Millisecond
)

// Options say where to listen: "127.0.0.1:0" when Addr is empty.
type Options struct {
	Addr string
}

// Upstream is a running upstream. All methods are safe for concurrent use.
type Upstream struct {
	listener net.Listener

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
	total  int
	paths  map[string]int
	group  sync.WaitGroup
}

// Start listens and answers until Close. The error says why the address cannot be
// listened on.
func Start(o Options) (*Upstream, error) {
	listener, err := net.Listen("tcp", cmp.Or(o.Addr, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("upstream stand-in: %w", err)
	}
	u := &Upstream{listener: listener, open: map[net.Conn]struct{}{}, paths: map[string]int{}}
	u.group.Go(u.accept)
	return u, nil
}

// Addr is the TCP address listened on.
func (u *Upstream) Addr() string { return u.listener.Addr().String() }

// URL is Addr as an http URL, without a slash at the end.
func (u *Upstream) URL() string { return "http://" + u.Addr() }

// Requests returns how many requests arrived completely.
func (u *Upstream) Requests() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.total
}

// RequestsTo returns how many of them had this path; only the first 4,096 distinct
// paths are counted apart.
func (u *Upstream) RequestsTo(path string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.paths[path]
}

// Close stops listening, drops every connection and waits until all is quiet.
func (u *Upstream) Close() error {
	err := u.listener.Close()
	u.mu.Lock()
	u.closed = true
	for c := range u.open {
		c.Close()
	}
	u.mu.Unlock()
	u.group.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (u *Upstream) accept() {
	for {
		c, err := u.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(acceptPause) // out of descriptors, say: do not spin
			continue
		}
		u.mu.Lock()
		if u.closed {
			c.Close()
		} else {
			u.open[c] = struct{}{}
			u.group.Go(func() { u.serve(c) })
		}
		u.mu.Unlock()
	}
}

func (u *Upstream) serve(c net.Conn) {
	defer func() {
		u.mu.Lock()
		delete(u.open, c)
		u.mu.Unlock()
		c.Close()
	}()
	in := bufio.NewReader(c)
	for {
		c.SetReadDeadline(time.Now().Add(idleTimeout))
		head, err := rawhttp.ReadHead(in, maxHead)
		if err != nil || !u.exchange(c, in, head) {
			return
		}
	}
}

// exchange reads the rest of one request and answers it. It reports whether the
// connection can take another.
func (u *Upstream) exchange(c net.Conn, in *bufio.Reader, head rawhttp.Head) bool {
	method, target, version, err := head.RequestLine()
	framing, err2 := head.RequestBody()
	if errors.Join(err, err2) != nil {
		reply(c, "", answer{status: http.StatusBadRequest}, problem("malformed request"), false)
		return false
	}
	if head.Nominates("Expect", "100-continue") && !framing.Empty() {
		io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	length, err := framing.Copy(io.Discard, in)
	if err != nil {
		return false
	}
	keep := version == "HTTP/1.1" && !head.Nominates("Connection", "close")
	parsed, want, err := wanted(target)
	if err != nil {
		return reply(c, method, answer{status: http.StatusBadRequest}, problem(err.Error()), keep) == nil && keep
	}
	u.count(parsed.Path)
	return reply(c, method, want, echo(head, method, parsed, length), keep) == nil && keep
}

func (u *Upstream) count(path string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.total++
	if _, known := u.paths[path]; known || len(u.paths) < maxPaths {
		u.paths[path]++
	}
}

func problem(message string) []byte {
	text, err := json.Marshal(map[string]string{"error": message})
	if err != nil {
		panic(fmt.Errorf("encode an error: %w", err)) // a string always encodes
	}
	return append(text, '\n')
}

// reply writes one answer, the body left out where HTTP has none.
func reply(c net.Conn, method string, a answer, body []byte, keep bool) error {
	head := rawhttp.Head{Start: fmt.Sprintf("HTTP/1.1 %d %s", a.status, http.StatusText(a.status))}
	head.Fields = slices.Concat(head.Fields, a.headers)
	if !keep {
		head.Fields = append(head.Fields, rawhttp.NewField("Connection", "close"))
	}
	bodiless := a.status == http.StatusNoContent || a.status == http.StatusNotModified
	if !bodiless {
		if len(head.Values("Content-Type")) == 0 {
			head.Fields = append(head.Fields, rawhttp.NewField("Content-Type", "application/json"))
		}
		head.Fields = append(head.Fields, rawhttp.NewField("Content-Length", strconv.Itoa(len(body))))
	}
	message := head.Append(nil)
	if !bodiless && method != http.MethodHead {
		message = append(message, body...)
	}
	_, err := c.Write(message)
	return err
}
