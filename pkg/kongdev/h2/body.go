package h2

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Body is the body of a request. Each read may take the given time.
type Body struct {
	src   io.Reader
	limit time.Duration
	done  atomic.Bool

	mu  sync.Mutex
	ctl *http.ResponseController // nil once the handler is about to end
}

// NewBody returns the body of r, which w answers. empty says that there is none.
func NewBody(w http.ResponseWriter, r *http.Request, empty bool, limit time.Duration) *Body {
	b := &Body{src: r.Body, limit: limit, ctl: http.NewResponseController(w)}
	b.done.Store(empty)
	return b
}

// Done reports whether the body has been read to its end.
func (b *Body) Done() bool { return b.done.Load() }

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) {
	if err := b.extend(); err != nil {
		return 0, err
	}
	n, err := b.src.Read(p)
	if errors.Is(err, io.EOF) {
		b.done.Store(true)
	}
	return n, err
}

func (b *Body) extend() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctl == nil {
		return net.ErrClosed
	}
	return b.ctl.SetReadDeadline(time.Now().Add(b.limit))
}

// Detach ends the use of the response: an upstream may still be reading the body when
// its answer has been sent, and net/http allows that no longer.
func (b *Body) Detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ctl = nil
}
