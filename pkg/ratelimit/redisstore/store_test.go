package redisstore_test

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

var (
	utc    = ratelimit.NewCalendar(time.UTC)
	midday = ratelimit.NewCalendar(noonZone(time.Now()))
	alice  = ratelimit.ByClaim("route", "https://idp.example", "client_id", "alice")
	free   = ratelimit.Tier{Name: "free", Second: 20, Day: 50_000}
)

// patience is the timeout of tests that are about something else.
const patience = 10 * time.Second

// noonZone is a zone in which it is noon: no day ends in the middle of a test.
func noonZone(now time.Time) *time.Location {
	return time.FixedZone("noon", (12-now.UTC().Hour())*60*60)
}

// options are those of a plain server at addr, host:port.
func options(addr string) redisstore.Options {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		panic(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		panic(err)
	}
	return redisstore.Options{Host: host, Port: n, Timeout: patience}
}

// open opens a store that the test closes.
func open(t testing.TB, o redisstore.Options, h redisstore.Hooks) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(o, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestClosedStoreStillLimits: the views of a closed store are in use until the
// last request of an old configuration is done.
func TestClosedStoreStillLimits(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	s, err := redisstore.Open(options(server.Addr), redisstore.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	l := s.Limiter(redisstore.View{SyncRate: -1})
	send(l, slow)
	if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if passed, d := burst(l, slow, 10); passed != 2 || !d.Degraded {
		t.Errorf("expected the other 2 of a burst of 3, got %d, at last %+v", passed, d)
	}
}

// TestViewAfterTheEndIsAlone: the first view of its kind comes after Close.
func TestViewAfterTheEndIsAlone(t *testing.T) {
	for _, rate := range []time.Duration{-1, 0} {
		s, err := redisstore.Open(options("127.0.0.1:1"), redisstore.Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		if d := send(s.Limiter(redisstore.View{SyncRate: rate, Fault: redisstore.FaultDeny}), free); d.Allowed || !d.Degraded {
			t.Errorf("rate %v: expected a denial, got %+v", rate, d)
		}
	}
}
