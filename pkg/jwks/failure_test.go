package jwks_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
)

// TestEveryClassOfFailure makes each failure happen on real connections.
func TestEveryClassOfFailure(t *testing.T) {
	ca := newAuthority(t)
	good := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, set(jwk("a"))) })
	plain := httptest.NewServer(good)
	t.Cleanup(plain.Close)
	secure := func(leaf tls.Certificate) string { return tlsServer(t, good, leaf, 0) }

	tests := map[string]struct {
		src    func(*jwks.Source)
		dial   jwks.DialFunc
		code   diagnosis.Code
		status int64
		detail string
	}{
		"plain":        {src: uri(plain.URL)},
		"own CA":       {src: with(uri(secure(ca.leaf(t, "127.0.0.1"))), ca.trusted)},
		"not verified": {src: with(uri(secure(ca.leaf(t, "127.0.0.1"))), func(s *jwks.Source) { s.InsecureSkipVerify = true })},
		"own CA through a proxy": {
			src: with(uri(secure(ca.leaf(t, "127.0.0.1"))), ca.trusted, proxy(tunnel(t).URL)),
		},

		"no such host": {
			src: uri("http://keys.invalid"), dial: dialer(nameServer(t, nameError)).DialContext,
			code: diagnosis.JWKSDNS, detail: "host name does not exist",
		},
		"name server broken": {
			src: uri("http://keys.invalid"), dial: dialer(nameServer(t, serverFailure)).DialContext,
			code: diagnosis.JWKSDNS, detail: "host name could not be resolved",
		},
		"no route": {
			src: uri("http://127.0.0.1"), code: diagnosis.JWKSConnect, detail: "no route to the host",
			dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
			},
		},
		"refused": {
			src: uri("http://" + closedPort(t)), code: diagnosis.JWKSConnect, detail: "connection refused",
		},
		"reset": {
			src: uri(resettingServer(t)), code: diagnosis.JWKSConnect, detail: "connection reset",
		},
		"hangs up": {
			src: uri(rawServer(t, "")), code: diagnosis.JWKSConnect, detail: "connection closed without an answer",
		},
		"no answer": {
			src: with(uri(handler(t, hang)), quick), code: diagnosis.JWKSTimeout, detail: "timed out waiting for the answer",
		},
		"dripping": {
			src: with(uri(handler(t, drip)), quick), code: diagnosis.JWKSTimeout, detail: "timed out reading the answer",
		},
		"no TLS answer": {
			src: with(uri(silentServer(t, "https")), quick), code: diagnosis.JWKSTimeout, detail: "timed out in the TLS handshake",
		},
		"unknown authority": {
			src: uri(secure(ca.leaf(t, "127.0.0.1"))), code: diagnosis.JWKSTLSUntrusted, detail: "the certificate is signed by an unknown authority",
		},
		"certificate for clients only": {
			src: with(uri(secure(ca.clientLeaf(t))), ca.trusted), code: diagnosis.JWKSTLSUntrusted, detail: "the certificate may not be used for this",
		},
		"other host": {
			src: with(uri(secure(ca.leaf(t, "127.0.0.9"))), ca.trusted), code: diagnosis.JWKSTLSHostname, detail: "the certificate is for another host",
		},
		"expired": {
			src: with(uri(secure(ca.expiredLeaf(t))), ca.trusted), code: diagnosis.JWKSTLSExpired, detail: "the certificate is expired or not yet valid",
		},
		"http on an https port": {
			src: uri(strings.Replace(plain.URL, "http:", "https:", 1)), code: diagnosis.JWKSTLSHandshake, detail: "the server speaks http, not https",
		},
		"old TLS": {
			src:  with(uri(tlsServer(t, good, ca.leaf(t, "127.0.0.1"), tls.VersionTLS11)), ca.trusted),
			code: diagnosis.JWKSTLSHandshake, detail: "the server refused the handshake",
		},
		"wants a client certificate": {
			src:  with(uri(tlsServer(t, good, ca.leaf(t, "127.0.0.1"), 0, requireClient)), ca.trusted),
			code: diagnosis.JWKSTLSHandshake, detail: "the server refused the handshake",
		},
		"hangs up on TLS": {
			src: uri(strings.Replace(rawServer(t, ""), "http:", "https:", 1)), code: diagnosis.JWKSTLSHandshake, detail: "the handshake was not completed",
		},
		"proxy away": {
			src: with(uri(plain.URL), proxy("http://"+closedPort(t))), code: diagnosis.JWKSProxy, detail: "the proxy: connection refused",
		},
		"proxy unknown": {
			src: with(uri(plain.URL), proxy("http://proxy.invalid:3128")), dial: dialer(nameServer(t, nameError)).DialContext,
			code: diagnosis.JWKSProxy, detail: "the proxy's host name does not exist",
		},
		"proxy refuses": {
			src:  with(uri("https://127.0.0.1:1"), proxy(status(t, http.StatusForbidden))),
			code: diagnosis.JWKSProxy, detail: "the proxy answered CONNECT with HTTP status 403",
		},
		"proxy wants a password": {
			src:  with(uri("http://127.0.0.1:1"), proxy(status(t, http.StatusProxyAuthRequired))),
			code: diagnosis.JWKSProxy, detail: "the proxy wants a password",
		},
		"proxy hangs": {
			src:  with(uri("https://127.0.0.1:1"), proxy(silentServer(t, "http")), quick),
			code: diagnosis.JWKSProxy, detail: "the proxy opened no connection in time",
		},
		"proxy is no URL": {
			src: with(uri(plain.URL), proxy("://user:secret@")), code: diagnosis.JWKSProxy, detail: "http_proxy is not a URL",
		},
		"unknown authority through a proxy": {
			src:  with(uri(secure(ca.leaf(t, "127.0.0.1"))), proxy(tunnel(t).URL)),
			code: diagnosis.JWKSTLSUntrusted, detail: "the certificate is signed by an unknown authority",
		},
		"error": {
			src: uri(status(t, http.StatusInternalServerError)), code: diagnosis.JWKSStatus, status: 500, detail: "HTTP status 500",
		},
		"no content": {
			src: uri(status(t, http.StatusNoContent)), code: diagnosis.JWKSStatus, status: 204, detail: "HTTP status 204",
		},
		"redirect": {
			src:  uri(handler(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL, http.StatusFound) })),
			code: diagnosis.JWKSRedirect, status: 302, detail: "HTTP status 302",
		},
		"login page": {
			src: uri(body(t, "<!doctype html><title>Sign in</title>")), code: diagnosis.JWKSNotJSON, detail: "the answer looks like HTML or XML",
		},
		"cut off": {
			src:  uri(rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"keys\"")),
			code: diagnosis.JWKSNotJSON, detail: "the answer was cut off",
		},
		"not HTTP": {
			src: uri(rawServer(t, "SSH-2.0-OpenSSH_9.2p1\r\n")), code: diagnosis.JWKSNotJSON, detail: "the answer is not HTTP",
		},
		"another document": {
			src: uri(body(t, `{"issuer":"x"}`)), code: diagnosis.JWKSInvalid, detail: "the answer has no array named keys",
		},
		"no keys": {
			src: uri(body(t, set())), code: diagnosis.JWKSEmpty, detail: "the key set is empty",
		},
		"too large": {
			src: uri(body(t, strings.Repeat(" ", 2<<20))), code: diagnosis.JWKSTooLarge, detail: "more than 1048576 bytes",
		},
		"too many keys": {
			src: uri(body(t, set(manyKeys(513)...))), code: diagnosis.JWKSTooLarge, detail: "513 keys, at most 512 are read",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := source()
			src.Timeout = 10 * time.Second
			tt.src(&src)
			done := make(chan jwks.Event, 1)
			s := jwks.NewStore(jwks.WithDial(tt.dial), jwks.WithObserver(func(e jwks.Event) {
				select {
				case done <- e:
				default:
				}
			}))
			t.Cleanup(s.Close)
			k := s.Set(src)
			e := <-done
			a := k.Lookup("a")
			if a.Code != tt.code || a.Detail != tt.detail || a.By != tt.status {
				t.Errorf("code %q by %d detail %q,\nexpected %q by %d detail %q", a.Code, a.By, a.Detail, tt.code, tt.status, tt.detail)
			}
			if (a.Status == jwks.Found) != (tt.code == "") {
				t.Errorf("status %d with code %q", a.Status, a.Code)
			}
			if tt.code != "" && (a.RetryAfter < time.Second || a.RetryAfter > 30*time.Second) {
				t.Errorf("retry after %v, expected the wait for the next attempt", a.RetryAfter)
			}
			if e.Code != tt.code || e.Detail != tt.detail {
				t.Errorf("event %q %q, expected what the answer says", e.Code, e.Detail)
			}
		})
	}
}

func uri(u string) func(*jwks.Source) { return func(s *jwks.Source) { s.URIs = []string{u} } }

func proxy(u string) func(*jwks.Source) { return func(s *jwks.Source) { s.HTTPProxy = u } }

func quick(s *jwks.Source) { s.Timeout = 1500 * time.Millisecond }

func with(parts ...func(*jwks.Source)) func(*jwks.Source) {
	return func(s *jwks.Source) {
		for _, p := range parts {
			p(s)
		}
	}
}
