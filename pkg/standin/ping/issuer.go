package ping

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Issuer is a running stand-in. All methods are safe for concurrent use.
type Issuer struct {
	options  Options
	layout   layout
	base     string
	address  string // as bound, to listen on again after Refuse
	keys     *KeySet
	managers map[string]*KeySet

	mu       sync.Mutex
	server   *http.Server // nil while connections are refused
	listener net.Listener // of server
	failures map[string]Failure
	repaired chan struct{} // closed when failing handlers are to give up
	requests map[string]int
	closed   bool
}

// Start listens on o.Addr, makes the keys and serves until Close. The error tells
// what is wrong with the options, or why the address cannot be listened on.
func Start(o Options) (*Issuer, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("ping stand-in: %w", err)
	}
	i := &Issuer{
		options:  o,
		layout:   o.layout(),
		managers: map[string]*KeySet{},
		failures: map[string]Failure{},
		repaired: make(chan struct{}),
		requests: map[string]int{},
	}
	if err := i.start(); err != nil {
		i.Close()
		return nil, fmt.Errorf("ping stand-in: %w", err)
	}
	return i, nil
}

func (i *Issuer) start() error {
	var err error
	if i.keys, err = newKeySet(i.options.Product, ""); err != nil {
		return err
	}
	for _, m := range i.options.TokenManagers {
		if i.managers[m.ID], err = newKeySet(i.options.Product, m.KeyPrefix); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", i.options.Addr)
	if err != nil {
		return err
	}
	i.address = listener.Addr().String()
	scheme := "http://"
	if i.options.TLS != nil {
		scheme = "https://"
	}
	i.base = cmp.Or(i.options.PublicURL, scheme+i.address)
	ported, err := withPort(i.base)
	if err != nil {
		listener.Close()
		return err
	}
	if i.options.Product == PingAM {
		i.base = ported
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.serve(listener)
	return nil
}

// serve answers on the listener. The caller holds mu.
func (i *Issuer) serve(listener net.Listener) {
	i.listener = listener
	if i.options.TLS != nil {
		listener = tls.NewListener(listener, i.options.TLS)
	}
	i.server = &http.Server{
		Handler:           i.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are the point of a stand-in
	}
	go i.server.Serve(listener)
}

// stop drops the listener and every connection. The caller holds mu.
func (i *Issuer) stop() error {
	if i.server == nil {
		return nil
	}
	// The server knows its listener only once its goroutine runs; what must be free
	// when this returns is closed here.
	err := i.listener.Close()
	i.server.Close()
	i.server, i.listener = nil, nil
	return err
}

// Close stops listening, drops every connection and ends hanging answers.
func (i *Issuer) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return nil
	}
	i.closed = true
	close(i.repaired)
	err := i.stop()
	for _, keys := range i.managers {
		keys.close()
	}
	if i.keys != nil {
		i.keys.close()
	}
	return err
}

// BaseURL is scheme, host and port, without a slash at the end.
func (i *Issuer) BaseURL() string { return i.base }

// Addr is the TCP address listened on, which differs from BaseURL's behind a name.
func (i *Issuer) Addr() string { return i.address }

// IssuerURL is the iss of its tokens and the issuer of its discovery document.
func (i *Issuer) IssuerURL() string { return i.base + i.layout.issuer }

// JWKSURL is where the central keys are published.
func (i *Issuer) JWKSURL() string { return i.base + i.layout.jwks }

// TokenURL is the token endpoint (RFC 6749, 3.2).
func (i *Issuer) TokenURL() string { return i.base + i.layout.token }

// Keys is the central key set.
func (i *Issuer) Keys() *KeySet { return i.keys }

// Manager is the key set of a PingFederate access token manager, nil for an id that
// was not configured.
func (i *Issuer) Manager(id string) *KeySet { return i.managers[id] }

// ManagerURL is where that manager's keys are published, "" for an unknown id.
func (i *Issuer) ManagerURL(id string) string {
	for _, m := range i.options.TokenManagers {
		if m.ID == id {
			return i.base + m.Path
		}
	}
	return ""
}

// Requests returns how many requests arrived at a path since Start, answered or not.
// Paths that the product does not serve are counted together under "".
func (i *Issuer) Requests(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests[path]
}

func (i *Issuer) handler() http.Handler {
	mux := http.NewServeMux()
	i.route(mux, i.layout.issuer+"/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, i.discovery())
	})
	i.route(mux, i.layout.jwks, serveKeys(i.keys))
	for _, m := range i.options.TokenManagers {
		i.route(mux, m.Path, serveKeys(i.managers[m.ID]))
	}
	i.route(mux, i.layout.token, i.grant)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		i.answer("", http.NotFound, w, r)
	})
	return mux
}

// route serves one path exactly; "/{$}" cannot be one, so no path ends in a slash.
func (i *Issuer) route(mux *http.ServeMux, path string, serve http.HandlerFunc) {
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { i.answer(path, serve, w, r) })
}

// answer counts the request and lets the failure in force, if any, answer instead.
func (i *Issuer) answer(path string, serve http.HandlerFunc, w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.requests[path]++
	failure, failing := i.failures[path]
	if !failing {
		failure, failing = i.failures[everywhere]
	}
	repaired := i.repaired
	i.mu.Unlock()
	if failing {
		failure.serve(w, r, repaired)
		return
	}
	serve(w, r)
}

func serveKeys(keys *KeySet) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		document, err := keys.JWKS()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(document)
	}
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.Encode(value) // fails only when the client is gone
}
