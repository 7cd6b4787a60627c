// Handshakes take most of the time, and the key exchange most of a handshake.
//
//go:debug tlsmlkem=0

package corpus_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/corpus"
)

// web is what the issuers of one case live on: HTTP and TLS over in-memory
// pipes, so that it runs in synthetic time and listens nowhere.
type web struct {
	documents map[string][]corpus.Answer
	now       func() time.Time
	conns     chan net.Conn
	done      chan struct{}
}

func newWeb(t *testing.T, documents map[string][]corpus.Answer, now func() time.Time) *web {
	w := &web{documents: documents, now: now, conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: w, ErrorLog: log.New(io.Discard, "", 0)}
	var served sync.WaitGroup
	served.Go(func() { srv.Serve(w) })
	t.Cleanup(func() {
		srv.Close()
		served.Wait()
		time.Sleep(10 * time.Second) // the deadlines of connections that nobody reads
	})
	return w
}

// answer returns what a URL answers with now, nil if there is nothing.
func (w *web) answer(url string) (now *corpus.Answer) {
	for i, a := range w.documents[url] {
		if !a.From.After(w.now()) {
			now = &w.documents[url][i]
		}
	}
	return now
}

// fault returns what happens to connections to a host.
func (w *web) fault(host string) corpus.Fault {
	for text := range w.documents {
		if u, err := url.Parse(text); err == nil && address(u) == host {
			if a := w.answer(text); a != nil && a.Fault != "" {
				return a.Fault
			}
		}
	}
	return ""
}

func address(u *url.URL) string {
	if u.Port() == "" {
		return u.Hostname() + map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
	}
	return u.Host
}

func (w *web) Dial(ctx context.Context, network, host string) (net.Conn, error) {
	f := w.fault(host)
	switch f {
	case corpus.DNS:
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	case corpus.Connect:
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	client, server := pipe()
	if f != corpus.TLSHandshake { // without TLS the handshake meets a web server
		server = abrupt{tls.Server(server, &tls.Config{Certificates: []tls.Certificate{certificates()[f]}, CurvePreferences: []tls.CurveID{tls.CurveP256}}), server}
	}
	select {
	case w.conns <- server:
		return client, nil
	case <-w.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pipe is net.Pipe with room on the server's side: two ends that write at once,
// as TLS does when it fails, must not wait for each other.
func pipe() (client, server net.Conn) {
	client, inner := net.Pipe()
	r := &roomy{Conn: inner, out: make(chan []byte, 1024), closed: make(chan struct{})}
	go r.drain()
	return client, r
}

type roomy struct {
	net.Conn
	out    chan []byte
	closed chan struct{}
	once   sync.Once
}

func (r *roomy) Write(b []byte) (int, error) {
	select {
	case r.out <- bytes.Clone(b):
		return len(b), nil
	case <-r.closed:
		return 0, net.ErrClosed
	}
}

// Close lets what was written arrive, if the client still reads.
func (r *roomy) Close() error {
	r.once.Do(func() {
		r.SetWriteDeadline(time.Now().Add(time.Second))
		close(r.closed)
	})
	return nil
}

func (r *roomy) drain() {
	defer r.Conn.Close()
	for {
		select {
		case b := <-r.out:
			r.Conn.Write(b)
			continue
		default:
		}
		select {
		case b := <-r.out:
			r.Conn.Write(b)
		case <-r.closed:
			if len(r.out) == 0 {
				return
			}
		}
	}
}

// abrupt closes without a TLS alert, which the client would not read any more.
type abrupt struct {
	*tls.Conn
	inner net.Conn
}

func (a abrupt) Close() error { return a.inner.Close() }

func (w *web) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	a := w.answer("https://" + r.Host + r.URL.Path)
	switch {
	case a == nil:
		to.WriteHeader(http.StatusNotFound)
		return
	case a.Fault == corpus.Timeout:
		<-r.Context().Done()
		return
	}
	if a.Location != "" {
		to.Header().Set("Location", a.Location)
	}
	if a.Status != 0 {
		to.WriteHeader(a.Status)
	}
	to.Write(a.Body)
	io.WriteString(to, strings.Repeat(a.Text, max(a.Repeat, 1)))
}

func (w *web) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *web) Close() error   { close(w.done); return nil }
func (w *web) Addr() net.Addr { return &net.UnixAddr{Name: "corpus", Net: "pipe"} }

var _ net.Listener = (*web)(nil)

// authority is what the configurations trust. Synthetic time begins in 2000.
var authority = sync.OnceValue(func() tls.Certificate { return issue(nil, "corpus", 1990, 2100) })

// certificates are the servers', by the fault that they cause; "" is the good one.
var certificates = sync.OnceValue(func() map[corpus.Fault]tls.Certificate {
	ca, stranger := authority(), issue(nil, "stranger", 1990, 2100)
	const hosts = "*.example.com auth.pingone.eu"
	return map[corpus.Fault]tls.Certificate{
		"":                  issue(&ca, hosts, 1990, 2100),
		corpus.Timeout:      issue(&ca, hosts, 1990, 2100),
		corpus.TLSUntrusted: issue(&stranger, hosts, 1990, 2100),
		corpus.TLSHostname:  issue(&ca, "other.example.net", 1990, 2100),
		corpus.TLSExpired:   issue(&ca, hosts, 1990, 1999),
	}
})

// trusted is the authority as jwks.ca_certificates takes it.
func trusted() string {
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: authority().Certificate[0]})
	return b.String()
}

// issue makes a certificate for some names, valid from one year to another; its
// own authority without a parent.
func issue(parent *tls.Certificate, names string, from, to int) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(int64(from)*10000 + int64(to)), Subject: pkix.Name{CommonName: names},
		NotBefore: time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(to, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames: strings.Fields(names), BasicConstraintsValid: true, IsCA: parent == nil,
	}
	signer, by := c, any(key)
	if parent != nil {
		signer, by = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, signer, &key.PublicKey, by)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
