package pluginserver

import "sync/atomic"

// mostWaiting bounds the goroutines that wait for a connection.
const mostWaiting = 16

// workers run connections. Kong drops the connection with every rejection and makes
// another: a goroutine that has ended one waits for the next, because its stack has
// grown to what an event needs.
type workers struct {
	next    chan *conn
	waiting atomic.Int64
	done    chan struct{}
}

func newWorkers() *workers {
	return &workers{next: make(chan *conn), done: make(chan struct{})}
}

// serve runs c on a goroutine that waits, or else on a new one.
func (w *workers) serve(c *conn) {
	select {
	case w.next <- c:
	default:
		go w.run(c)
	}
}

// run serves connections, c first, until enough others wait. A handler that ends its
// goroutine (runtime.Goexit) ends it here too.
func (w *workers) run(c *conn) {
	for {
		c.serve()
		if w.waiting.Add(1) > mostWaiting {
			w.waiting.Add(-1)
			return
		}
		select {
		case c = <-w.next:
			w.waiting.Add(-1)
		case <-w.done:
			return
		}
	}
}

// end lets those go that wait. Nothing is served after it.
func (w *workers) end() { close(w.done) }
