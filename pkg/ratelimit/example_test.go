package ratelimit_test

import (
	"fmt"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

func Example() {
	now := time.Date(2026, 5, 4, 18, 0, 0, 0, time.UTC)
	limiter := memory.New(now, memory.Options{MaxKeys: 1000})
	days := ratelimit.NewCalendar(time.UTC)

	tier := ratelimit.Tier{Name: "trial", Second: 2, Day: 100}
	key := ratelimit.ByClaim("orders", "https://idp.example", "client_id", "alice")
	for range 3 {
		d := limiter.Allow(now, key, tier, days)
		fmt.Println(d.Allowed, d.Window, d.RetryAfter)
		if !d.Allowed {
			for _, h := range ratelimit.AppendHeaders(nil, d) {
				fmt.Printf("%s: %s\n", h.Name, h.Value)
			}
		}
	}
	// Output:
	// true none 0s
	// true none 0s
	// false second 500ms
	// X-RateLimit-Limit-Second: 2
	// X-RateLimit-Remaining-Second: 0
	// X-RateLimit-Limit-Day: 100
	// X-RateLimit-Remaining-Day: 98
	// RateLimit-Limit: 2
	// RateLimit-Remaining: 0
	// RateLimit-Reset: 1
	// Retry-After: 1
}
