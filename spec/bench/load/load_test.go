package load_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"kong-plugin-auth-diagnosis/spec/bench/load"
)

func get(int) []byte { return []byte("GET / HTTP/1.1\r\nHost: bench\r\n\r\n") }

func dialed(t *testing.T, addr string, conns int) *load.Client {
	t.Helper()
	c, err := load.Dial(addr, conns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestEveryRequestOfAJobIsSentOnce(t *testing.T) {
	u, err := load.StartUpstream()
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	var sent [100]atomic.Int32
	taken, err := dialed(t, u.URL()[len("http://"):], 7).Do(load.Job{Count: len(sent), Status: 200, Request: func(i int) []byte {
		sent[i].Add(1)
		return get(i)
	}})
	if err != nil || len(taken) != len(sent) {
		t.Fatalf("got %d times, %v", len(taken), err)
	}
	for i := range sent {
		if n := sent[i].Load(); n != 1 {
			t.Errorf("request %d was sent %d times", i, n)
		}
		if i > 0 && taken[i] < taken[i-1] || taken[i] <= 0 {
			t.Errorf("time %d is %v, after %v", i, taken[i], taken[max(i-1, 0)])
		}
	}
}

func TestAnotherStatusEndsTheJob(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, err := dialed(t, s.Listener.Addr().String(), 2).Do(load.Job{Count: 10, Status: 200, Request: get})
	if !errors.Is(err, load.ErrStatus) {
		t.Errorf("got %v, expected %v", err, load.ErrStatus)
	}
}

// nginx ends a connection after keepalive_requests, with a word of warning.
func TestAConnectionThatEndsIsReplaced(t *testing.T) {
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	if _, err := dialed(t, s.Listener.Addr().String(), 1).Do(load.Job{Count: 3, Status: 200, Request: get}); err != nil {
		t.Fatal(err)
	}
	if n := opened.Load(); n < 3 {
		t.Errorf("got %d connections for 3 requests", n)
	}
}

func TestNobodyThereIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := load.Dial(l.Addr().String(), 2); err == nil {
		t.Error("expected an error")
	}
}
