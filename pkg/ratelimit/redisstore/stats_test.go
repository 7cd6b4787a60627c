package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
)

func TestStatsFollowTheStore(t *testing.T) {
	server := miniredis.RunT(t)
	s, err := redisstore.Open(redisstore.Options{Host: server.Host(), Port: server.Server().Addr().Port}, redisstore.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	if got := s.Stats(); got != (redisstore.Stats{}) {
		t.Errorf("before any view: %+v", got)
	}
	tier, calendar := ratelimit.Tier{Name: "a", Day: 1000}, ratelimit.NewCalendar(time.UTC)
	strict, async := s.Limiter(redisstore.View{SyncRate: -1}), s.Limiter(redisstore.View{})
	allow := func(l ratelimit.Limiter, name string) {
		l.Allow(time.Now(), ratelimit.ByClaim("n", "i", "sub", name), tier, calendar)
	}
	allow(strict, "alice")
	allow(strict, "bob")
	allow(async, "alice")
	if got := s.Stats(); got.Keys != 3 || got.Degraded {
		t.Errorf("got %+v, expected 2 keys of one view and 1 of the other", got)
	}
	server.Close()
	for range 10 { // more than the breaker needs
		allow(strict, "bob")
	}
	if got := s.Stats(); !got.Degraded {
		t.Errorf("got %+v, expected a store that decides without Redis", got)
	}
}
