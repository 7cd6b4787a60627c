package jwks_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/jwks"
)

// network is HTTP over in-memory pipes, for tests whose time is synthetic. Its
// handler answers for every host.
type network struct {
	conns chan net.Conn
	done  chan struct{}

	mu      sync.Mutex
	answers map[string]answer
	asked   []string
}

// answer is what the network says for one URL.
type answer struct {
	status int // 0 means 200
	body   string
	hang   bool // until the client goes away
	delay  time.Duration
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{conns: make(chan net.Conn), done: make(chan struct{}), answers: make(map[string]answer)}
	srv := &http.Server{Handler: n, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		srv.Serve(n)
	}()
	t.Cleanup(func() {
		srv.Close()
		<-served
	})
	return n
}

func (n *network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	url := "http://" + r.Host + r.URL.Path
	n.asked = append(n.asked, url)
	a, ok := n.answers[url]
	n.mu.Unlock()
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		return
	case a.hang:
		<-r.Context().Done()
		return
	}
	time.Sleep(a.delay) // in synthetic time
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	io.WriteString(w, a.body)
}

// set changes what a URL answers with.
func (n *network) set(url string, a answer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[url] = a
}

// fetches counts the requests so far.
func (n *network) fetches() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked)
}

func (n *network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { close(n.done); return nil }
func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "network", Net: "pipe"} }

var _ net.Listener = (*network)(nil)

// open returns a store on the network whose waits are exact.
func (n *network) open(t *testing.T, options ...jwks.StoreOption) *jwks.Store {
	t.Helper()
	options = append([]jwks.StoreOption{
		jwks.WithDial(n.Dial),
		jwks.WithJitter(func(d time.Duration) time.Duration { return d }),
	}, options...)
	s := jwks.NewStore(options...)
	t.Cleanup(s.Close)
	return s
}

// edKey makes an Ed25519 key that depends on the seed only.
func edKey(seed string) ed25519.PublicKey {
	b := bytes.Repeat([]byte(seed), ed25519.SeedSize)[:ed25519.SeedSize]
	return ed25519.NewKeyFromSeed(b).Public().(ed25519.PublicKey)
}

// jwk is the JSON of an Ed25519 key, its material made of its kid, with more
// members behind.
func jwk(kid string, more ...string) string {
	x := base64.RawURLEncoding.EncodeToString(edKey(kid))
	return fmt.Sprintf(`{"kid":%q,"kty":"OKP","crv":"Ed25519","x":%q%s}`, kid, x, strings.Join(append([]string{""}, more...), ","))
}

// set is the JSON of a key set.
func set(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// kids lists the kids of keys.
func kids(keys []jwks.Key) []string {
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids
}
