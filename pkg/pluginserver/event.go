package pluginserver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	pdk "github.com/Kong/go-pdk"
)

// Errors of an Event's methods. After any of them the event has ended, and the handler
// should return.
var (
	ErrOver   = errors.New("event is over")
	ErrGone   = errors.New("gateway closed the connection")
	ErrMethod = errors.New("empty method name")
)

// exitMethod is the PDK call that answers the client. It never gets a reply: Kong yields
// the request's coroutine for good and drops the socket.
const exitMethod = "kong.response.exit"

// Bounds of what waits to be sent or answered. Each unread answer occupies two buffers
// of the socket on Kong's side; far more of them, with us blocked in a write, would be a
// deadlock.
const (
	maxOwed     = 64
	maxBuffered = 32 << 10
)

// Event is one phase of one request, while Kong waits for it. Its methods are for the
// handler's goroutine, and so is what they return. Once the event is over (Exit, a
// fault, or the handler has returned) they do nothing and return ErrOver.
type Event struct {
	c       *conn
	phase   string
	handler Handler
	until   time.Time

	// Guarded by c.mu, like everything that a watchdog may look at.
	deadline     time.Time
	over         bool
	calls, waits int
	hint         string

	pdk *pdk.PDK
}

// Ask makes a PDK call and waits for Kong's reply, a protobuf message that pdkwire
// decodes. The reply is valid until the next call on this event. Everything told before
// is sent in the same write.
//
// A reply over the limit and a missed deadline end the event as a fault.
func (e *Event) Ask(method string, args []byte) ([]byte, error) {
	if method == exitMethod {
		return nil, errors.Join(e.Exit(args), ErrOver)
	}
	if err := e.enter(method); err != nil {
		return nil, err
	}
	e.waits++
	reply, err := e.c.exchange(method, args)
	e.c.mu.Unlock()
	if err != nil {
		return nil, e.broken(err)
	}
	return reply, nil
}

// Tell makes a PDK call whose reply carries nothing, without waiting for it: it leaves
// with the next Ask, with Exit, or when the handler returns. args is copied. What Kong
// replies is thrown away.
func (e *Event) Tell(method string, args []byte) error {
	if method == exitMethod {
		return e.Exit(args)
	}
	if err := e.enter(method); err != nil {
		return err
	}
	err := e.c.post(method, args)
	e.c.mu.Unlock()
	if err != nil {
		return e.broken(err)
	}
	return nil
}

// Exit answers the client with kong.response.exit (args as pdkwire.AppendExit makes
// them) after everything told before, in one write. The event is over then.
func (e *Event) Exit(args []byte) error {
	if err := e.enter(exitMethod); err != nil {
		return err
	}
	e.c.conclude(e)
	e.c.mu.Unlock()
	e.c.out.call(exitMethod, args)
	if err := e.c.last(); err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return nil
}

// Fail ends the event as a fault, for instance FaultReply when a reply does not decode:
// the unsent calls are dropped and the plugin's Fault words the answer. It always
// returns an error, ErrOver.
func (e *Event) Fail(kind FaultKind) error {
	e.c.fail(e, kind, false)
	return fmt.Errorf("%w: fault %q", ErrOver, kind)
}

// PDK returns go-pdk's own PDK over this event. Its void functions are pipelined as Tell
// is, its others wait as Ask does, and both may be mixed with Ask and Tell. Mind that
// go-pdk refuses strings that are not UTF-8, in both directions.
func (e *Event) PDK() *pdk.PDK {
	if e.pdk == nil {
		e.pdk = pdk.Init(&pdkConn{ev: e})
	}
	return e.pdk
}

// Phase returns Kong's name of the phase.
func (e *Event) Phase() string { return e.phase }

// Deadline returns when the server will end the event.
func (e *Event) Deadline() time.Time { return e.until }

// SetHint keeps a short text, such as the request id, for the answer to a later fault.
func (e *Event) SetHint(hint string) {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	e.hint = hint
}

// Calls returns the number of PDK calls made so far.
func (e *Event) Calls() int {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	return e.calls
}

// Waits returns how many of the calls were waited for.
func (e *Event) Waits() int {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	return e.waits
}

// enter locks the connection for one call of an open event.
func (e *Event) enter(method string) error {
	if method == "" {
		return ErrMethod // its frame would be the mark that ends the event
	}
	e.c.mu.Lock()
	if e.over {
		e.c.mu.Unlock()
		return ErrOver
	}
	e.calls++
	return nil
}

// broken ends the event after a failed read or write and says what the handler sees.
func (e *Event) broken(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && e.c.srv.draining.Load():
		return e.Fail(FaultShutdown)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return e.Fail(FaultDeadline)
	case errors.Is(err, errOversized):
		return e.Fail(FaultReply)
	}
	// Kong has dropped the request (a Lua error in a PDK call does that, or its end). There
	// is nobody to tell.
	e.c.mu.Lock()
	e.over = true
	e.c.mu.Unlock()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrGone
	}
	return fmt.Errorf("%w: %w", ErrGone, err)
}
