package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// stage is how far a request got. net/http gives many failures no type; where
// they happened still tells them apart.
type stage int32

const (
	stageDial stage = iota
	stageConnected
	stageHandshake
	stageHandshakeFailed
	stageSent
	stageBody
)

// duringStage completes "timed out …".
var duringStage = [...]string{
	stageDial:            "while connecting",
	stageConnected:       "while connecting",
	stageHandshake:       "in the TLS handshake",
	stageHandshakeFailed: "in the TLS handshake",
	stageSent:            "waiting for the answer",
	stageBody:            "reading the answer",
}

// progress records the furthest stage of one request. The transport may still
// report to it after the request has failed.
type progress struct{ at atomic.Int32 }

func (p *progress) reached() stage { return stage(p.at.Load()) }

func (p *progress) advance(s stage) {
	for {
		old := p.at.Load()
		if old >= int32(s) || p.at.CompareAndSwap(old, int32(s)) {
			return
		}
	}
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				p.advance(stageConnected)
			}
		},
		TLSHandshakeStart: func() { p.advance(stageHandshake) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err != nil {
				p.advance(stageHandshakeFailed)
			}
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { p.advance(stageSent) },
	}
}

// classify turns a failed request into the class that its repair depends on.
// proxied says that the one TCP connection made is to the proxy.
func classify(err error, at stage, proxied bool) *fault {
	if f := classifyProxy(err, at, proxied); f != nil {
		return f
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return &fault{code: diagnosis.JWKSDNS, detail: dnsDetail(e)}
	}
	if timedOut(err) {
		return faultf(diagnosis.JWKSTimeout, "timed out %s", duringStage[at])
	}
	if f := classifyTLS(err, at); f != nil {
		return f
	}
	switch at {
	case stageBody:
		return faultf(diagnosis.JWKSNotJSON, "the answer was cut off")
	case stageSent:
		if !lostConnection(err) {
			return faultf(diagnosis.JWKSNotJSON, "the answer is not HTTP")
		}
	}
	return &fault{code: diagnosis.JWKSConnect, detail: connectDetail(err)}
}

// classifyProxy returns nil when the proxy is not to blame, as far as can be
// told: once the tunnel stands, failures are the key server's.
func classifyProxy(err error, at stage, proxied bool) *fault {
	if !proxied {
		return nil
	}
	if errors.Is(err, errProxyURL) {
		return faultf(diagnosis.JWKSProxy, "http_proxy is not a URL")
	}
	if e, ok := errors.AsType[*connectRefused](err); ok {
		return faultf(diagnosis.JWKSProxy, "the proxy answered CONNECT with HTTP status %d", e.status)
	}
	// Both ends of a proxied request are past the proxy once it is sent or TLS
	// has begun; an https:// proxy's own handshake is a proxyconnect error.
	if e, ok := errors.AsType[*net.OpError](err); at >= stageHandshake && (!ok || e.Op != "proxyconnect") {
		return nil
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return faultf(diagnosis.JWKSProxy, "the proxy's %s", dnsDetail(e))
	}
	if timedOut(err) {
		return faultf(diagnosis.JWKSProxy, "the proxy opened no connection in time")
	}
	return faultf(diagnosis.JWKSProxy, "the proxy: %s", connectDetail(err))
}

// classifyTLS returns nil when the failure has nothing to do with TLS.
func classifyTLS(err error, at stage) *fault {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return faultf(diagnosis.JWKSTLSHostname, "the certificate is for another host")
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired {
			return faultf(diagnosis.JWKSTLSExpired, "the certificate is expired or not yet valid")
		}
		return faultf(diagnosis.JWKSTLSUntrusted, "the certificate may not be used for this")
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return faultf(diagnosis.JWKSTLSUntrusted, "the certificate is signed by an unknown authority")
	}
	// Whatever else verification finds, such as no system pool at all.
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return faultf(diagnosis.JWKSTLSUntrusted, "the certificate could not be verified")
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return faultf(diagnosis.JWKSTLSHandshake, "the server speaks http, not https")
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return faultf(diagnosis.JWKSTLSHandshake, "the server does not speak TLS")
	}
	// An alert from the server. With TLS 1.3 it may come after the request was
	// sent, as when the server wants a client certificate.
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "remote error" {
		return faultf(diagnosis.JWKSTLSHandshake, "the server refused the handshake")
	}
	if at == stageHandshakeFailed || at == stageHandshake {
		return faultf(diagnosis.JWKSTLSHandshake, "the handshake was not completed")
	}
	return nil
}

func timedOut(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func dnsDetail(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return "host name does not exist"
	case e.IsTimeout:
		return "name servers did not answer in time"
	}
	return "host name could not be resolved"
}

// lostConnection reports whether the connection ended, as opposed to bytes that
// made no sense having come over it.
func lostConnection(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func connectDetail(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to the host"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed without an answer"
	}
	return "no connection"
}
