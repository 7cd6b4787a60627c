package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// The free tier of the reference configuration.
const (
	freeBurst  = 20
	freeSecond = 20
)

// burst sends until the limit denies: the first twenty must pass, and in t
// seconds no more than 20 + 20·t may, one more for the request under way.
func burst(r *rig.Rig, x *row) *row {
	x.via = direct
	x.url = r.Proxy + "/orders"
	one := *x
	x.send = func(ctx context.Context) (*http.Response, error) { return sendBurst(ctx, &one) }
	return x
}

func sendBurst(ctx context.Context, x *row) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := time.Now()
	for n := range freeBurst {
		resp, err := x.request(ctx)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK {
			return resp, fmt.Errorf("expected the first %d to pass, number %d got %d", freeBurst, n+1, resp.StatusCode)
		}
	}
	passed, denied, err := hammer(ctx, x)
	if err != nil {
		return nil, err
	}
	t := time.Since(start).Seconds()
	if most := freeBurst + int(math.Ceil(freeSecond*t)) + 1; freeBurst+passed > most {
		return denied, fmt.Errorf("expected at most %d to pass in %.2f s, %d did", most, t, freeBurst+passed)
	}
	return denied, nil
}

// hammer sends from eight connections until one is denied, and returns how many
// passed meanwhile and the denial.
func hammer(ctx context.Context, x *row) (passed int, denied *http.Response, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for ctx.Err() == nil {
				resp, e := x.request(context.WithoutCancel(ctx))
				mu.Lock()
				switch {
				case e != nil:
					err = e
				case resp.StatusCode == http.StatusOK:
					passed++
				case denied == nil:
					denied = resp
				}
				done := err != nil || denied != nil
				mu.Unlock()
				if done {
					stop()
					return
				}
			}
		})
	}
	group.Wait()
	if err == nil && denied == nil {
		err = fmt.Errorf("expected a denial within %s, %d passed", patience, passed)
	}
	return passed, denied, err
}
