package h2_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h2"
)

// serve runs a server on loopback. ended gets a value for each connection that Serve has
// come back from.
func serve(t *testing.T, handle h2.Handler) (s *h2.Server, url string, ended chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, ended = h2.NewServer(time.Minute, 32<<10), make(chan struct{}, 16)
	t.Cleanup(func() { l.Close(); s.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				rd := h1.NewReader(c, limits)
				if ok, err := rd.Starts(h2.Preface); ok && err == nil {
					s.Serve(c, rd, handle)
				}
				ended <- struct{}{}
			}()
		}
	}()
	return s, "http://" + l.Addr().String(), ended
}

// client speaks HTTP/2 with prior knowledge.
func client(t *testing.T) *http.Client {
	t.Helper()
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: p}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

func TestDrainLetsRequestsFinish(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	s, url, ended := serve(t, func(_ *h2.Conn, w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-release
		io.WriteString(w, r.Proto)
	})
	answer := make(chan string)
	go func() {
		resp, err := client(t).Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- string(body)
	}()
	<-asked
	s.Drain()
	select {
	case <-ended:
		t.Fatal("the connection ended before its request")
	default:
	}
	close(release)
	if got := <-answer; got != "HTTP/2.0" {
		t.Errorf("got %q", got)
	}
	<-ended
	if _, err := client(t).Get(url); err == nil {
		t.Error("expected a drained server to take no connection")
	}
}

// TestServeWaitsForHandlers: a handler may outlive its connection.
func TestServeWaitsForHandlers(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	var finished atomic.Bool
	s, url, ended := serve(t, func(_ *h2.Conn, _ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
		<-release
		finished.Store(true)
	})
	go func() {
		<-asked
		s.Close()
		close(release)
	}()
	if resp, err := client(t).Get(url); err == nil {
		resp.Body.Close()
		t.Error("expected no answer of a server that was closed")
	}
	<-ended
	if !finished.Load() {
		t.Error("Serve returned before its handler")
	}
}

// TestRefuseIsEnhanceYourCalm: also behind a frame that is being sent.
func TestRefuseIsEnhanceYourCalm(t *testing.T) {
	for name, body := range map[string]string{"at once": "", "after a part of the answer": strings.Repeat("x", 100_000)} {
		t.Run(name, func(t *testing.T) {
			_, url, ended := serve(t, func(c *h2.Conn, w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, body)
				c.Refuse()
				c.Refuse()
				panic(http.ErrAbortHandler)
			})
			resp, err := client(t).Get(url)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "ENHANCE_YOUR_CALM") {
				t.Errorf("expected ENHANCE_YOUR_CALM, got %v", err)
			}
			<-ended
		})
	}
}

// TestDetachedBodyLeavesTheResponseAlone: an upstream's transport reads on in its own
// time.
func TestDetachedBodyLeavesTheResponseAlone(t *testing.T) {
	bodies := make(chan *h2.Body, 1)
	_, url, _ := serve(t, func(_ *h2.Conn, w http.ResponseWriter, r *http.Request) {
		b := h2.NewBody(w, r, false, time.Minute)
		defer b.Detach()
		if _, err := b.Read(make([]byte, 3)); err != nil || b.Done() {
			t.Errorf("first read: got %v, done %v", err, b.Done())
		}
		bodies <- b
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rd, wr := io.Pipe()
	go func() { _, _ = io.WriteString(wr, "abcdef") }()
	defer rd.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, rd)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if n, err := (<-bodies).Read(make([]byte, 3)); n != 0 || err == nil {
		t.Errorf("read after the answer: expected an error, got %d bytes", n)
	}
}
