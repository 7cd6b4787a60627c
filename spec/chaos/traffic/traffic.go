// Package traffic sends good and hostile requests to a gateway without pause and
// holds each answer against the only right one.
//
// [Start] is the way in; [Traffic.Stop] gives the [Tally]. While [Traffic.Gap] is
// open, a request may be answered with a 5xx: what a fault costs is told, not
// hidden. Nothing excuses a hostile request that is let through.
package traffic

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// Options say what to send where.
type Options struct {
	// Good and Hostile are URLs of a route that judges alike. Nobody else should
	// send to the second: what arrives behind it was let through.
	Good, Hostile string
	Issuer        *ping.Issuer
	Clients       int           // that send at the same time; 4 when zero
	Pause         time.Duration // of each between two requests; 4 ms when zero
}

// Traffic is running traffic.
type Traffic struct {
	o       Options
	http    *http.Client
	forger  *forger
	cancel  context.CancelFunc
	clients sync.WaitGroup
	epoch   atomic.Int64 // moves with every Forget

	mu     sync.Mutex
	gap    *Gap // nil while none is open
	tally  Tally
	served chan struct{} // closed and made anew with every answer
}

// Start starts the clients. They begin at once: the gateway should have keys.
func Start(o Options) (*Traffic, error) {
	t, err := newTraffic(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	for n := range t.o.Clients {
		t.clients.Go(func() { t.client(ctx, n) })
	}
	return t, nil
}

func newTraffic(o Options) (*Traffic, error) {
	o.Clients, o.Pause = cmp.Or(o.Clients, 4), cmp.Or(o.Pause, 4*time.Millisecond)
	f, err := newForger(o.Issuer)
	if err != nil {
		return nil, err
	}
	return &Traffic{
		o: o, forger: f, served: make(chan struct{}),
		http: &http.Client{
			Timeout:       30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{MaxIdleConnsPerHost: o.Clients, DisableCompression: true},
		},
	}, nil
}

// client sends by turns a new good token, a known one, and two hostile requests.
func (t *Traffic) client(ctx context.Context, first int) {
	pause := time.NewTicker(t.o.Pause)
	defer pause.Stop()
	forgeries, bad := t.forger.all(), first
	known, epoch := "", int64(-1)
	for n := 0; ctx.Err() == nil; n++ {
		if now := t.epoch.Load(); n%256 == 0 || now != epoch {
			known, epoch = t.forger.good(), now
		}
		switch n % 4 {
		case 0:
			t.send(t.o.Good, request{token: t.forger.good(), good: true, what: "a new token"})
		case 1:
			t.send(t.o.Good, request{token: known, good: true, what: "a known token"})
		default:
			f := forgeries[bad%len(forgeries)]
			bad++
			t.send(t.o.Hostile, request{token: f.make(known), what: f.what, codes: f.codes})
		}
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
	}
}

// request is what is sent, and what the right answer is.
type request struct {
	what  string
	token string
	good  bool
	codes []string // diagnoses of which a hostile request must get one
}

func (t *Traffic) send(url string, r request) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err) // a URL that the caller put together
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	begun, gap := time.Now(), t.open()
	resp, err := t.http.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	t.note(r, resp, err, begun, gap)
}

// Forget has the clients drop the tokens that they have: what they send from now on is
// signed by the keys that the issuer signs with now.
func (t *Traffic) Forget() { t.epoch.Add(1) }

// Pass waits until n requests have been answered that ended after the call.
func (t *Traffic) Pass(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	t.mu.Lock()
	until := t.tally.Answers() + n
	t.mu.Unlock()
	for {
		t.mu.Lock()
		got, served := t.tally.Answers(), t.served
		t.mu.Unlock()
		if got >= until {
			return nil
		}
		select {
		case <-served:
		case <-ctx.Done():
			return fmt.Errorf("the traffic stands still: %d answers, expected %d", got, until)
		}
	}
}

// Tally returns what has come of the requests so far.
func (t *Traffic) Tally() Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tally.clone()
}

// Stop ends the traffic, when the last request has its answer.
func (t *Traffic) Stop() Tally {
	t.cancel()
	t.clients.Wait()
	t.http.CloseIdleConnections()
	return t.Tally()
}
