// Package h2 is HTTP/2 with prior knowledge on a plain listener, as nginx takes it
// where `http2 on` is set. net/http's server does frames, flow control and HPACK; this
// package turns its requests into the heads of package h1, by nginx's rules.
//
// What shows that it is not nginx: the order of different header names is lost, in and
// out, and what net/http calls malformed (a header of a connection, a control byte in a
// value, a :path that is no URI) ends as a reset of the stream or as its own 400, a
// header beyond a megabyte as its own 431. Trailers of requests go nowhere, as in nginx.
//
// Start at Server.Serve, then Head.
package h2

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Preface is what a client's connection starts with (RFC 9113, 3.4).
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// maxStreams is nginx's http2_max_concurrent_streams.
const maxStreams = 128

// maxHeaderBytes bounds a header before Head looks at it; net/http counts 32 bytes more
// for each field than nginx does.
const maxHeaderBytes = 1 << 20

// Server serves HTTP/2 connections.
type Server struct {
	srv   *http.Server
	conns handover
}

// Handler answers one request. It may panic with http.ErrAbortHandler to reset the
// stream.
type Handler func(c *Conn, w http.ResponseWriter, r *http.Request)

// connKey is the context key of a request's *Conn.
type connKey struct{}

// NewServer returns a server whose connections may be without a request for idle.
// Headers of up to header bytes reach the handlers. Close it.
func NewServer(idle time.Duration, header int) *Server {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	s := &Server{conns: handover{conns: make(chan net.Conn), closed: make(chan struct{})}}
	s.srv = &http.Server{
		Protocols: protocols, IdleTimeout: idle, MaxHeaderBytes: max(maxHeaderBytes, 2*header),
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
		Handler: http.HandlerFunc(serveStream),
	}
	go func() { _ = s.srv.Serve(&s.conns) }() // its error is that the server was closed
	return s
}

func serveStream(w http.ResponseWriter, r *http.Request) {
	c, ok := r.Context().Value(connKey{}).(*Conn)
	if !ok || !c.begin() {
		panic(http.ErrAbortHandler)
	}
	defer c.end()
	c.handle(c, w, r)
}

// Serve answers the requests of a connection that goes on with Preface, and returns
// when the connection is closed and every handler has ended. rd reads the connection.
func (s *Server) Serve(c net.Conn, rd io.Reader, handle Handler) {
	conn := &Conn{Conn: c, rd: rd, handle: handle, done: make(chan struct{})}
	select {
	case s.conns.conns <- conn:
		<-conn.done
	case <-s.conns.closed:
	}
}

// Drain tells clients to go away (GOAWAY); their requests in flight finish. It returns
// at once.
func (s *Server) Drain() { go func() { _ = s.srv.Shutdown(context.Background()) }() }

// Close drops every connection.
func (s *Server) Close() { _ = s.srv.Close() }

var _ net.Listener = (*handover)(nil)

// handover is the listener that net/http gets its connections from.
type handover struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Accept implements net.Listener.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements net.Listener.
func (h *handover) Addr() net.Addr { return &net.TCPAddr{} }
