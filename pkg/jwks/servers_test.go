package jwks_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/jwks"
)

func handler(t *testing.T, h http.HandlerFunc) string {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func status(t *testing.T, code int) string {
	return handler(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

func body(t *testing.T, text string) string {
	return handler(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// drip sends a byte at a time and never ends.
func drip(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).Flush()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			io.WriteString(w, " ")
			http.NewResponseController(w).Flush()
		}
	}
}

func manyKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = jwk(fmt.Sprint(i))
	}
	return keys
}

// rawServer reads a request's first bytes, writes text and hangs up.
func rawServer(t *testing.T, text string) string {
	return serveRaw(t, "http", func(c net.Conn) {
		c.Read(make([]byte, 4096))
		io.WriteString(c, text)
		c.Close()
	})
}

// resettingServer aborts each connection once something came.
func resettingServer(t *testing.T) string {
	return serveRaw(t, "http", func(c net.Conn) {
		c.Read(make([]byte, 1))
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	})
}

// silentServer accepts connections and never says anything.
func silentServer(t *testing.T, scheme string) string {
	return serveRaw(t, scheme, func(c net.Conn) {
		io.Copy(io.Discard, c)
		c.Close()
	})
}

func serveRaw(t *testing.T, scheme string, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return scheme + "://" + l.Addr().String()
}

// closedPort is an address that refuses connections: its port is bound, so that
// nobody else gets it, but not listened on.
func closedPort(t *testing.T) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}

// tunnel is a proxy that opens what CONNECT asks for.
func tunnel(t *testing.T) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		up, err := net.Dial("tcp", r.Host)
		if r.Method != http.MethodConnect || err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer up.Close()
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		down, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer down.Close()
		go func() {
			io.Copy(up, buf)
			up.Close()
		}()
		io.Copy(down, up)
	}))
	t.Cleanup(srv.Close)
	return srv
}

// Response codes of RFC 1035 section 4.1.1.
const (
	serverFailure = 2
	nameError     = 3
)

// nameServer answers every DNS question with a response code and returns its
// address.
func nameServer(t *testing.T, code byte) string {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if end := bytes.IndexByte(buf[12:n], 0); end >= 0 {
				n = 12 + end + 5 // header, name, type and class
				// A response with recursion, to one question, with no records.
				copy(buf[2:12], []byte{0x81, 0x80 | code, 0, 1, 0, 0, 0, 0, 0, 0})
				c.WriteTo(buf[:n], from)
			}
		}
	}()
	return c.LocalAddr().String()
}

func dialer(names string) *net.Dialer {
	return &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", names)
	}}}
}

// tlsServer serves with a certificate, up to a TLS version (0: any).
func tlsServer(t *testing.T, h http.Handler, leaf tls.Certificate, highest uint16, more ...func(*tls.Config)) string {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS10, MaxVersion: highest}
	for _, m := range more {
		m(srv.TLS)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	u, _ := url.Parse(srv.URL)
	return "https://127.0.0.1:" + u.Port()
}

func requireClient(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }

func (a *authority) trusted(s *jwks.Source) {
	s.CACertificates = []string{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))}
}
