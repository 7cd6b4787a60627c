package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// adminTime is for a request and, again, for its answer.
	adminTime = 5 * time.Second
	// adminAsk is for the head of a request: who is silent holds up others.
	adminAsk = time.Second
	// adminConns bounds the connections that are served at a time; more of them wait.
	adminConns = 64
	adminHead  = 8 << 10 // bytes of a request
)

// page is what a path has to say.
type page struct {
	status      int
	contentType string
	body        []byte
}

func textPage(status int, text string) page {
	return page{status, "text/plain; charset=utf-8", append([]byte(text), '\n')}
}

// serve answers until ctx ends. A connection has one request: nobody keeps one of the
// few for the next scrape.
func (a *admin) serve(ctx context.Context, ln net.Listener) {
	s := &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: adminAsk,
		ReadTimeout:       adminTime,
		WriteTimeout:      adminTime,
		MaxHeaderBytes:    adminHead,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	s.SetKeepAlivesEnabled(false)
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	_ = s.Serve(&bounded{ln, make(chan struct{}, adminConns)}) // until it is closed
}

func (a *admin) handler() http.Handler {
	mux := http.NewServeMux()
	for path, make := range a.pages {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			p := make()
			w.Header().Set("Content-Type", p.contentType)
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(p.status)
			_, _ = w.Write(p.body)
		})
	}
	return mux
}

// bounded is a listener with room for so many connections.
type bounded struct {
	net.Listener
	room chan struct{}
}

// Accept implements net.Listener. It waits for room first.
func (b *bounded) Accept() (net.Conn, error) {
	b.room <- struct{}{}
	nc, err := b.Listener.Accept()
	if err != nil {
		<-b.room
		return nil, err
	}
	return &lodger{nc, sync.OnceFunc(func() { <-b.room })}, nil
}

// lodger is a connection that takes up room until it is closed.
type lodger struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (l *lodger) Close() error {
	defer l.leave()
	return l.Conn.Close()
}
