package edge

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what edge to start. Only Target is required.
type Options struct {
	Addr   string // TCP address to listen on; "127.0.0.1:0" when empty
	Target string // host:port that requests are forwarded to
	Rules  []Rule

	Proto       string // of X-Forwarded-Proto: "http" when empty, "https" for an edge that ends TLS
	NoForwarded bool   // add no X-Forwarded-For and leave X-Forwarded-Proto alone

	// CookiePool is the pool name of BIG-IP's persistence cookie (BIGipServerPOOL),
	// which is set on answers to requests that do not carry it; off when empty.
	CookiePool string
}

// Edge is a running edge. All methods are safe for concurrent use.
type Edge struct {
	options  Options
	listener net.Listener
	rules    atomic.Pointer[[]Rule]
	requests atomic.Int64

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
	group  sync.WaitGroup
}

// Start listens on o.Addr and forwards until Close. The error names every option that
// is wrong, or says why the address cannot be listened on.
func Start(o Options) (*Edge, error) {
	o.Addr, o.Proto = cmp.Or(o.Addr, "127.0.0.1:0"), cmp.Or(o.Proto, "http")
	e := &Edge{options: o, open: map[net.Conn]struct{}{}}
	if err := errors.Join(o.check(), e.SetRules(o.Rules...)); err != nil {
		return nil, fmt.Errorf("edge stand-in: %w", err)
	}
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("edge stand-in: %w", err)
	}
	e.listener = listener
	e.group.Go(e.accept)
	return e, nil
}

func (o Options) check() error {
	var errs []error
	if _, _, err := net.SplitHostPort(o.Target); err != nil {
		errs = append(errs, fmt.Errorf("expected target host:port, got %q", o.Target))
	}
	if o.Proto != "http" && o.Proto != "https" {
		errs = append(errs, fmt.Errorf("expected proto %q or %q, got %q", "http", "https", o.Proto))
	}
	if strings.ContainsAny(o.CookiePool, "=;, \t\r\n") {
		errs = append(errs, fmt.Errorf("expected a cookie pool fit for a cookie name, got %q", o.CookiePool))
	}
	return errors.Join(errs...)
}

// SetRules replaces the rules for requests that arrive from now on.
func (e *Edge) SetRules(rules ...Rule) error {
	var errs []error
	for n, rule := range rules {
		if err := rule.check(); err != nil {
			errs = append(errs, fmt.Errorf("rule %d: %w", n+1, err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	rules = slices.Clone(rules)
	e.rules.Store(&rules)
	return nil
}

// Addr is the TCP address listened on.
func (e *Edge) Addr() string { return e.listener.Addr().String() }

// URL is Addr as an http URL, without a slash at the end.
func (e *Edge) URL() string { return "http://" + e.Addr() }

// Requests returns how many requests have been forwarded or refused.
func (e *Edge) Requests() int64 { return e.requests.Load() }

// Close stops listening, drops every connection and waits until all is quiet.
func (e *Edge) Close() error {
	err := e.listener.Close()
	e.mu.Lock()
	e.closed = true
	for c := range e.open {
		c.Close()
	}
	e.mu.Unlock()
	e.group.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (e *Edge) accept() {
	for {
		client, err := e.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(acceptPause) // out of descriptors, say: do not spin
			continue
		}
		if e.track(client) {
			e.group.Go(func() { e.serve(client) })
		}
	}
}

// track lets Close drop the connection. It closes it and reports false when Close has
// been called already.
func (e *Edge) track(c net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		c.Close()
		return false
	}
	e.open[c] = struct{}{}
	return true
}

// drop closes the connection and forgets it.
func (e *Edge) drop(c net.Conn) {
	e.mu.Lock()
	delete(e.open, c)
	e.mu.Unlock()
	c.Close()
}
