package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serving is an admin with these pages at a socket; end ends it.
func serving(t *testing.T, pages map[string]func() page) (address string, end func()) {
	t.Helper()
	at := endpoint{"unix", socketPath(t)}
	ln, err := at.listen()
	if err != nil {
		t.Fatal(err)
	}
	a := &admin{log: slog.New(slog.DiscardHandler), pages: pages}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); a.serve(ctx, ln) }()
	end = func() { cancel(); <-ended }
	t.Cleanup(end)
	return at.address, end
}

func dial(t *testing.T, address, text string) net.Conn {
	t.Helper()
	nc, err := net.Dial("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if _, err := io.WriteString(nc, text); err != nil {
		t.Fatal(err)
	}
	return nc
}

func TestAnswers(t *testing.T) {
	address, _ := serving(t, map[string]func() page{
		"/page":  func() page { return page{503, "application/json", []byte("{}")} },
		"/panic": func() page { panic("oh") },
	})
	for text, want := range map[string]string{
		"GET /page HTTP/1.1\r\nHost: a\r\n\r\n":                       `503 application/json "" "{}" close: true`,
		"GET /page?verbose HTTP/1.0\r\n\r\n":                          `503 application/json "" "{}" close: true`,
		"HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n":                      `503 application/json "" "" close: true`,
		"GET /other HTTP/1.1\r\nHost: a\r\n\r\n":                      `404 text/plain; charset=utf-8 "" "404 page not found\n" close: true`,
		"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n": `405 text/plain; charset=utf-8 "GET, HEAD" "Method Not Allowed\n" close: true`,
		"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n":                      `unexpected EOF`,
	} {
		if got := answer(dial(t, address, text), strings.SplitN(text, " ", 2)[0]); got != want {
			t.Errorf("%.40q:\ngot      %s\nexpected %s", text, got, want)
		}
	}
}

// answer reads the answer to a request with that method.
func answer(nc net.Conn, method string) string {
	resp, err := http.ReadResponse(bufio.NewReader(nc), &http.Request{Method: method})
	if err != nil {
		return err.Error()
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s %q %q close: %v", resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Allow"), body, resp.Close)
}

// TestConnectionsAreBounded fills the room with connections that say nothing; one more
// is served when one of them has gone.
func TestConnectionsAreBounded(t *testing.T) {
	served := make(chan struct{}, 1)
	address, end := serving(t, map[string]func() page{
		"/page": func() page { served <- struct{}{}; return textPage(200, "x") },
	})
	var silent []net.Conn
	for range adminConns {
		silent = append(silent, dial(t, address, "GET"))
	}
	dial(t, address, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
	select {
	case <-served:
		t.Errorf("more than %d connections are served", adminConns)
	case <-time.After(50 * time.Millisecond):
	}
	silent[0].Close()
	<-served
	end() // the others are cut off
}
