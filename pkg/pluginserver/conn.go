package pluginserver

import (
	"bufio"
	"io"
	"net"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

// buffers are what a connection needs while it lives. Kong drops the connection with
// every rejection, so they are pooled.
type buffers struct {
	in  frameReader
	out outbox
	tmp []byte
}

// keepBuffer is the size above which a buffer is not kept for other events.
const keepBuffer = 64 << 10

var pool = sync.Pool{New: func() any {
	return &buffers{in: frameReader{br: bufio.NewReaderSize(nil, 4<<10)}}
}}

// conn is one of Kong's connections. It carries one command at a time, and while an
// event is open both sides' PDK frames.
type conn struct {
	srv *server
	nc  net.Conn
	*buffers
	watchdog *time.Timer
	until    time.Time // when the command that is being served must have ended

	// mu guards the rest, and the buffers while an event is open: the watchdog may end an
	// event at any moment between two calls of its handler.
	mu     sync.Mutex
	open   *Event // the event whose handler runs
	owed   int    // replies of void calls not read yet
	exited bool   // kong.response.exit was written: Kong will drop the socket
	taken  bool   // the watchdog has ended the event and closes the connection

	// idling guards idle. It is not mu, which a handler holds while it waits for Kong: the
	// end of the process must not wait with it.
	idling sync.Mutex
	idle   bool // waiting for a command, nothing owed: may be closed
}

func newConn(s *server, nc net.Conn) *conn {
	c := &conn{srv: s, nc: nc, buffers: pool.Get().(*buffers)}
	c.in.br.Reset(nc)
	return c
}

// serve runs commands until Kong or the server's end closes the connection.
func (c *conn) serve() {
	defer c.finish()
	for {
		payload, err := c.command()
		if err != nil {
			c.refuse(err)
			return
		}
		if call, ok := readEvent(payload, c.srv.plugin.Phases); ok {
			if !c.event(call) {
				return
			}
			continue
		}
		var call pb.RpcCall
		if err := proto.Unmarshal(payload, &call); err != nil {
			c.refuse(errCommand)
			return
		}
		if !c.dispatch(&call) {
			return
		}
	}
}

// command waits for the next command. The replies that the last event still owes come
// first: Kong wrote them before it took up our return.
func (c *conn) command() ([]byte, error) {
	if err := c.nc.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	for c.owed > 0 {
		if err := c.in.skip(noLimit); err != nil {
			return nil, err
		}
		c.owed--
	}
	if !c.enterIdle() {
		return nil, net.ErrClosed
	}
	_, err := c.in.br.Peek(1)
	c.leaveIdle()
	if err != nil {
		return nil, err
	}
	// From the first byte on Kong is waiting: the deadline covers the frame and the event.
	c.until = time.Now().Add(c.srv.opts.Deadline)
	if err := c.nc.SetDeadline(c.until); err != nil {
		return nil, err
	}
	return c.in.next(c.srv.opts.Limits.Command)
}

// enterIdle says that the connection may be closed, and reports whether it should stay.
func (c *conn) enterIdle() bool {
	c.idling.Lock()
	defer c.idling.Unlock()
	c.idle = true
	return !c.srv.draining.Load()
}

func (c *conn) leaveIdle() {
	c.idling.Lock()
	defer c.idling.Unlock()
	c.idle = false
}

// exchange sends everything and waits for the reply of this call. mu is held.
func (c *conn) exchange(method string, args []byte) ([]byte, error) {
	c.out.call(method, args)
	if err := c.catchUp(); err != nil {
		return nil, err
	}
	return c.in.next(c.srv.opts.Limits.Reply)
}

// post queues a void call. mu is held.
func (c *conn) post(method string, args []byte) error {
	c.out.call(method, args)
	c.owed++
	if c.owed < maxOwed && len(c.out.buf) < maxBuffered {
		return nil
	}
	return c.catchUp()
}

// catchUp sends what is queued and reads every reply that is owed. mu is held.
func (c *conn) catchUp() error {
	if err := c.out.flush(c.nc); err != nil {
		return err
	}
	for c.owed > 0 {
		if err := c.in.skip(c.srv.opts.Limits.Reply); err != nil {
			return err
		}
		c.owed--
	}
	return nil
}

// conclude marks an open event as over because of an exit that is about to be written.
// From here on nobody but the caller uses the buffers, so that it writes without the
// lock; the watchdog closes the connection when that, and Kong's taking it, takes too
// long. mu is held.
func (c *conn) conclude(ev *Event) {
	ev.over, c.exited = true, true
	ev.deadline = time.Now().Add(c.srv.opts.Linger)
	if c.watchdog != nil {
		c.watchdog.Reset(c.srv.opts.Linger)
	}
}

// last sends the final frames of an event, with time of its own: half an answer would be
// worse than a late one.
func (c *conn) last() error {
	if err := c.nc.SetWriteDeadline(time.Now().Add(c.srv.opts.Linger)); err != nil {
		return err
	}
	return c.out.flush(c.nc)
}

// fail ends an open event as a fault and reports whether it was this call that did. With
// take the caller is not the handler's goroutine, and the connection is its to close.
func (c *conn) fail(ev *Event, kind FaultKind, take bool) bool {
	c.mu.Lock()
	if ev.over {
		c.mu.Unlock()
		return false
	}
	c.conclude(ev)
	c.taken = take
	f := Fault{Kind: kind, Phase: ev.phase, Handler: ev.handler, Hint: ev.hint}
	c.mu.Unlock()

	c.srv.report(f)
	exit := c.srv.plugin.answer(f)
	c.out.cut()
	c.tmp = pdkwire.AppendExit(c.tmp[:0], exit.Status, exit.Body, exit.Headers)
	c.out.call(exitMethod, c.tmp)
	_ = c.last() // if Kong has gone, linger notices
	return true
}

// expire is the watchdog: it ends an event that is over time, and closes a connection
// whose handler does not return although its event is over.
func (c *conn) expire() {
	c.mu.Lock()
	ev := c.open
	if ev == nil || time.Now().Before(ev.deadline) {
		c.mu.Unlock()
		return // fired for an event that has ended meanwhile
	}
	over := ev.over
	c.mu.Unlock()
	if over {
		c.close()
		return
	}
	c.takeOver(ev, FaultDeadline)
}

// takeOver ends the event from outside its goroutine and closes the connection.
func (c *conn) takeOver(ev *Event, kind FaultKind) {
	if !c.fail(ev, kind, true) {
		return
	}
	c.linger()
	c.close()
}

// linger waits until Kong, having read the exit, drops the socket. Closing earlier could
// make Kong's write of an owed reply fail, and with it the answer.
func (c *conn) linger() {
	if c.nc.SetReadDeadline(time.Now().Add(c.srv.opts.Linger)) == nil {
		_, _ = io.Copy(io.Discard, c.nc)
	}
}

// finish ends the connection, unless the watchdog has it. It also runs when a handler
// ended its goroutine (runtime.Goexit).
func (c *conn) finish() {
	c.mu.Lock()
	taken, exited := c.taken, c.exited
	c.mu.Unlock()
	if taken {
		return // the buffers stay with whoever still writes from them
	}
	if c.watchdog != nil {
		c.watchdog.Stop()
	}
	if exited {
		c.linger()
	}
	c.close()
	c.recycle()
}

func (c *conn) close() {
	c.nc.Close()
	c.srv.forget(c)
}

// recycle returns the buffers to the pool. No event can reach them any more.
func (c *conn) recycle() {
	b := c.buffers
	c.buffers = nil
	b.out.reset()
	b.in.br.Reset(nil)
	if cap(b.in.buf)+cap(b.out.buf)+cap(b.tmp) <= keepBuffer {
		pool.Put(b)
	}
}
