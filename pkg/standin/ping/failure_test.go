package ping_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

func TestFailuresThatAnswer(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingFederate})
	tests := map[string]struct {
		failure ping.Failure
		status  int
		body    string
	}{
		"status":     {ping.Status(500), 500, "internal server error"},
		"login page": {ping.LoginPage(), 200, "<html>"},
		"redirect":   {ping.Redirect("https://login.example.com/"), 302, "login.example.com"},
		"empty keys": {ping.EmptyKeys(), 200, `{"keys":[]}`},
		"garbage":    {ping.Garbage(), 200, `"n":"AQ`},
		"flood":      {ping.Flood(100_000), 200, strings.Repeat(" ", 100_000)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			iss.Break(tt.failure)
			for _, url := range []string{iss.JWKSURL(), iss.ManagerURL("5"), iss.IssuerURL() + "/.well-known/openid-configuration"} {
				if status, body := get(t, url); status != tt.status || !strings.Contains(body, tt.body) {
					t.Errorf("%s: got status %d and %.60q", url, status, body)
				}
			}
			if err := iss.Restore(); err != nil {
				t.Fatal(err)
			}
			if err := verify(t, iss.JWKSURL(), iss.Token()); err != nil {
				t.Errorf("restored: %v", err)
			}
		})
	}
}

func TestBreakOnePathOnly(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingFederate})
	iss.Break(ping.Status(503))
	iss.Break(ping.EmptyKeys(), "/pf/JWKS")
	for url, want := range map[string]int{iss.JWKSURL(): 200, iss.ManagerURL("5"): 503} {
		if status, _ := get(t, url); status != want {
			t.Errorf("%s: got status %d, want %d", url, status, want)
		}
	}
}

// fetch sends a GET on its own connection and returns what reading it all ended with.
func fetch(ctx context.Context, url string, answered chan<- struct{}) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if answered != nil {
		close(answered)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func TestHangup(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingOne})
	iss.Break(ping.Hangup())
	if err := fetch(t.Context(), iss.JWKSURL(), nil); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want %v", err, io.EOF)
	}
}

func TestHangEndsWithRestoreOrTheClient(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingOne})
	iss.Break(ping.Hang())
	ctx, cancel := context.WithCancel(t.Context())
	given, held := make(chan error, 1), make(chan error, 1)
	go func() { given <- fetch(ctx, iss.JWKSURL(), nil) }()
	go func() { held <- fetch(t.Context(), iss.JWKSURL(), nil) }()
	arrived(t, iss, 2)
	cancel()
	if err := <-given; !errors.Is(err, context.Canceled) {
		t.Errorf("client gave up: got %v", err)
	}
	if err := iss.Restore(); err != nil {
		t.Fatal(err)
	}
	if err := <-held; !errors.Is(err, io.EOF) {
		t.Errorf("restored: got %v, want %v", err, io.EOF)
	}
}

// arrived waits until n requests for keys have come in.
func arrived(t *testing.T, iss *ping.Issuer, n int) {
	t.Helper()
	path := strings.TrimPrefix(iss.JWKSURL(), iss.BaseURL())
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(5 * time.Second)
	for iss.Requests(path) < n {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("got %d requests, want %d", iss.Requests(path), n)
		}
	}
}

func TestDripSendsTheHeadAtOnceAndNeverEnds(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingOne})
	iss.Break(ping.Drip(time.Millisecond))
	answered, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- fetch(t.Context(), iss.JWKSURL(), answered) }()
	select {
	case <-answered:
	case err := <-ended:
		t.Fatalf("got %v before the head", err)
	}
	if err := iss.Restore(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("got a complete body, want one cut off")
	}
}

func TestRefuseAndRestore(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingAM})
	token, address := iss.Token(), iss.Addr()
	for range 2 {
		if err := iss.Refuse(); err != nil {
			t.Fatal(err)
		}
		if err := fetch(t.Context(), iss.JWKSURL(), nil); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("refused: got %v, want %v", err, syscall.ECONNREFUSED)
		}
		if err := iss.Restore(); err != nil {
			t.Fatal(err)
		}
		if err := verify(t, iss.JWKSURL(), token); err != nil || iss.Addr() != address {
			t.Errorf("restored at %s: %v", iss.Addr(), err)
		}
	}
	if err := iss.Close(); err != nil {
		t.Fatal(err)
	}
	if err := iss.Restore(); err == nil {
		t.Error("restore after close: got no error")
	}
}

func TestRequestsAreCountedByPath(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingFederate})
	get(t, iss.JWKSURL())
	iss.Break(ping.Status(500))
	get(t, iss.JWKSURL()+"?x=y")
	get(t, iss.BaseURL()+"/nowhere")
	get(t, iss.BaseURL()+"/pf/JWKS/")
	for path, want := range map[string]int{"/pf/JWKS": 2, "": 2, "/ext/oauth/jwks": 0} {
		if got := iss.Requests(path); got != want {
			t.Errorf("%q: got %d requests, want %d", path, got, want)
		}
	}
}
