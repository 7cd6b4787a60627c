package pluginserver_test

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pipe returns the two ends of a buffered stream in memory, which unlike a socket works
// under testing/synctest, and unlike net.Pipe lets both sides write first, as sockets do.
// room bounds what one direction holds unread; 0 means no bound.
func pipe(room int) (server, kong *end) {
	a, b := newQueue(room), newQueue(room)
	return &end{in: a, out: b}, &end{in: b, out: a}
}

// end is one side of a pipe. It counts its writes.
type end struct {
	in, out *queue
}

func (e *end) Read(b []byte) (int, error)  { return e.in.read(b) }
func (e *end) Write(b []byte) (int, error) { return e.out.write(b) }

func (e *end) Close() error {
	e.in.close()
	e.out.close()
	return nil
}

func (e *end) SetDeadline(t time.Time) error {
	e.in.readBy.set(e.in, t)
	e.out.writeBy.set(e.out, t)
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.readBy.set(e.in, t)
	return nil
}

func (e *end) SetWriteDeadline(t time.Time) error {
	e.out.writeBy.set(e.out, t)
	return nil
}

func (e *end) LocalAddr() net.Addr  { return &net.UnixAddr{Net: "unix"} }
func (e *end) RemoteAddr() net.Addr { return &net.UnixAddr{Net: "unix"} }

// writes returns how often this end has written.
func (e *end) writes() int {
	e.out.mu.Lock()
	defer e.out.mu.Unlock()
	return e.out.count
}

// queue is one direction.
type queue struct {
	mu      sync.Mutex
	moved   *sync.Cond
	buf     []byte
	room    int
	count   int
	closed  bool
	readBy  deadline
	writeBy deadline
}

func newQueue(room int) *queue {
	q := &queue{room: room}
	q.moved = sync.NewCond(&q.mu)
	return q
}

func (q *queue) read(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(q.buf) > 0:
			n := copy(b, q.buf)
			q.buf = q.buf[n:]
			q.moved.Broadcast()
			return n, nil
		case q.closed:
			return 0, io.EOF
		}
		q.moved.Wait()
	}
}

func (q *queue) write(b []byte) (n int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count++
	for {
		switch {
		case q.closed:
			return n, syscall.EPIPE
		case q.writeBy.passed():
			return n, os.ErrDeadlineExceeded
		}
		step := len(b) - n
		if q.room > 0 {
			step = min(step, q.room-len(q.buf))
		}
		q.buf = append(q.buf, b[n:n+step]...)
		n += step
		q.moved.Broadcast()
		if n == len(b) {
			return n, nil
		}
		q.moved.Wait()
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.moved.Broadcast()
}

// deadline is guarded by its queue's mutex.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) set(q *queue, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = at
	if !at.IsZero() {
		d.timer = time.AfterFunc(time.Until(at), func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.moved.Broadcast()
		})
	}
	q.moved.Broadcast()
}

var _ net.Conn = (*end)(nil)

// The pipe itself must behave like a socket, or the tests on it prove nothing.
func TestPipeBehavesLikeASocket(t *testing.T) {
	a, b := pipe(0)
	if _, err := a.Write([]byte("xy")); err != nil {
		t.Fatal(err)
	}
	a.Close()
	got, err := io.ReadAll(b)
	if err != nil || string(got) != "xy" {
		t.Errorf("after close: got %q, %v, expected what was written before", got, err)
	}
	if _, err := b.Write([]byte("z")); err == nil {
		t.Error("write to a closed peer: expected an error")
	}
}
