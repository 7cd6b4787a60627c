//go:build spec

package chaos

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// What docs/RATE-LIMITING.md promises of two nodes that share a Redis, when the
// exchanges take until a Redis that does not answer is given up: a second of failures,
// in tries of 100 ms at most that are up to 880 ms apart.
const (
	perSecond, perDay = 20, 120
	part              = perSecond / 2
	apart             = 0.1 + 1 + 0.1 + 0.88 // in seconds
	unseen            = part + 2*perSecond*apart
)

// TestNodesLoseTheirRedis has a client ask two gateways for more than its day has,
// while their Redis comes and goes: stopped, and later killed, to be back empty.
func TestNodesLoseTheirRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	r := start(t, rig.Options{Config: routes(route{name: "a"}, route{
		name: "day", extra: "diagnosis: {on_accept: true}",
		counting: fmt.Sprintf("policy: redis, nodes: 2, day_timezone: %s, redis: {host: %s, port: %d}, ", calm(), s.Host, s.Port),
		tier:     fmt.Sprintf("second: %d, day: %d", perSecond, perDay),
	})})
	other, err := rig.StartGateway(t.Context(), rig.GatewayOptions{
		Bin: os.Getenv("KONG_BIN"), Config: r.Config(), Conf: map[string]string{"log_level": "warn"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Stop() })
	d := &demand{r: r, token: r.PingFederate.Token(ping.ForClient("spender"))}
	proxies := []string{r.Proxy, other.Proxy}
	// told waits until a node tells another client that it goes on without Redis, or
	// with it.
	told := func(degraded bool) {
		t.Helper()
		for _, proxy := range proxies {
			until(t, func() error {
				resp, err := r.Get(proxy+"/day", r.PingFederate.Token(ping.ForClient("watcher")))
				if err != nil {
					return err
				}
				diagnosis := resp.Header.Get("X-Auth-Diagnosis")
				if strings.Contains(diagnosis, "limiter=degraded") != degraded || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusTooManyRequests {
					return fmt.Errorf("%s tells %d %q", proxy, resp.StatusCode, diagnosis)
				}
				return nil
			})
		}
	}
	told(false)
	var group sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for _, proxy := range proxies {
		group.Go(func() { d.run(ctx, proxy+"/day") })
	}
	t.Cleanup(group.Wait)
	t.Cleanup(cancel)
	for _, fault := range []struct{ strike, heal func() }{{s.Pause, s.Resume}, {s.Kill, s.Restart}} {
		d.more(t, 10)
		fault.strike()
		told(true)
		d.more(t, 5)
		fault.heal()
		told(false)
	}
	until(t, func() error { return d.spent(2 * perSecond) })
	cancel()
	group.Wait()
	if len(d.other) > 0 {
		t.Errorf("%d answers are neither 200 nor 429, the first is %s", len(d.other), d.other[0])
	}
	t.Logf("%d requests passed in a day of %d, bound %.0f", d.passed, perDay, perDay+unseen)
	if d.passed < perDay || float64(d.passed) > perDay+unseen {
		t.Errorf("%d requests passed in a day, expected %d to %.0f", d.passed, perDay, perDay+unseen)
	}
}

// demand is a client that goes on asking, whatever it is told.
type demand struct {
	r     *rig.Rig
	token string

	mu     sync.Mutex
	passed int
	denied int // since the last that passed, for the day
	other  []string
}

// run asks one node twice as fast as the whole rate.
func (d *demand) run(ctx context.Context, url string) {
	tick := time.NewTicker(time.Second / (2 * perSecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			resp, err := d.r.Get(url, d.token)
			d.note(resp, err)
		}
	}
}

func (d *demand) note(resp *http.Response, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err != nil:
		d.other = append(d.other, err.Error())
	case resp.StatusCode == http.StatusOK:
		d.passed, d.denied = d.passed+1, 0
	case resp.StatusCode != http.StatusTooManyRequests:
		d.other = append(d.other, fmt.Sprintf("%d %s", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis")))
	case strings.HasPrefix(resp.Header.Get("X-Auth-Diagnosis"), "quota_exceeded"):
		d.denied++
	}
}

// more waits until n more requests have passed, or the day is used up.
func (d *demand) more(t *testing.T, n int) {
	t.Helper()
	d.mu.Lock()
	target := d.passed + n
	d.mu.Unlock()
	until(t, func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.passed < target && d.denied < perSecond {
			return fmt.Errorf("%d requests passed, expected %d", d.passed, target)
		}
		return nil
	})
}

// spent reports as an error that fewer than n requests were denied one after the other.
func (d *demand) spent(n int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.denied < n {
		return fmt.Errorf("the day lasts: %d passed, %d denied since", d.passed, d.denied)
	}
	return nil
}
