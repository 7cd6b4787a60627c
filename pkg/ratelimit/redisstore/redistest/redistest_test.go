package redistest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

func TestServerIsPausedKilledAndStartedAgain(t *testing.T) {
	s := redistest.Start(t, redistest.Options{})
	set := func() error { return s.Client().Set(t.Context(), "k", "v", 0).Err() }
	get := func() error { return s.Client().Get(t.Context(), "k").Err() }
	if err := errors.Join(set(), get()); err != nil {
		t.Fatal(err)
	}
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Client().Ping(ctx).Err(); err == nil {
		t.Error("paused: expected no answer, got one")
	}
	s.Resume()
	if err := get(); err != nil {
		t.Errorf("resumed: %v", err)
	}
	s.Flush()
	if err := get(); !errors.Is(err, redis.Nil) {
		t.Errorf("flushed: expected no key, got %v", err)
	}
	if err := set(); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := get(); err == nil || errors.Is(err, redis.Nil) {
		t.Errorf("killed: expected an error of the network, got %v", err)
	}
	s.Restart()
	if keys := s.Keys(); len(keys) != 0 {
		t.Errorf("after a restart: expected no keys, got %q", keys)
	}
}

func TestCallsAreCounted(t *testing.T) {
	s := redistest.Start(t, redistest.Options{})
	s.ResetCalls()
	for range 3 {
		if err := s.Client().Eval(t.Context(), "return redis.call('INCR', KEYS[1])", []string{"k"}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if calls := s.Calls(); calls["eval"] != 3 || calls["incr"] != 3 {
		t.Errorf("expected three of eval and incr, got %v", calls)
	}
	s.ResetCalls()
	if n := s.Calls()["eval"]; n != 0 {
		t.Errorf("after a reset: expected 0, got %d", n)
	}
}

func TestServerWithTLSAndUsers(t *testing.T) {
	s := redistest.Start(t, redistest.Options{TLS: true, Password: "admin-pw", Users: []string{"reader on >reader-pw ~* +get +ping"}, Databases: 2})
	if err := s.Client().Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(s.CAFile()); err != nil || len(text) == 0 {
		t.Errorf("CAFile: %d bytes, %v", len(text), err)
	}
	reader := redis.NewClient(&redis.Options{
		Addr: s.Addr, Username: "reader", Password: "reader-pw", DisableIdentity: true, Protocol: 2, MaxRetries: -1,
		TLSConfig: &tls.Config{RootCAs: s.RootCAs(), ServerName: redistest.ServerName},
	})
	defer reader.Close()
	if v, err := reader.Get(t.Context(), "k").Result(); err != nil || v != "v" {
		t.Errorf("a user's read: %q, %v", v, err)
	}
	if err := reader.Set(t.Context(), "k", "w", 0).Err(); !redis.HasErrorPrefix(err, "NOPERM") {
		t.Errorf("a write without the right: expected NOPERM, got %v", err)
	}
	byAddress := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialerRetries: 1, TLSConfig: &tls.Config{RootCAs: s.RootCAs()}})
	defer byAddress.Close()
	if err := byAddress.Ping(t.Context()).Err(); err == nil {
		t.Error("verified by the address: expected an error, got none")
	}
}

func TestClusterSharesTheSlots(t *testing.T) {
	c := redistest.StartCluster(t)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs()[:1], DisableIdentity: true})
	defer client.Close()
	for _, key := range []string{"{a}", "{b}", "{c}", "{d}", "{e}", "{f}"} {
		if err := client.Set(t.Context(), key, "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range c.Nodes {
		if len(node.Keys()) == 0 {
			t.Errorf("node %s has no key", node.Addr)
		}
	}
}

func TestSentinelsFailOver(t *testing.T) {
	s := redistest.StartSentinel(t)
	client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: redistest.MasterName, SentinelAddrs: s.Addrs, DisableIdentity: true})
	defer client.Close()
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	first := s.Master.Addr
	s.Failover()
	if s.Master.Addr == first {
		t.Fatalf("expected another master than %s", first)
	}
	if v, err := client.Get(t.Context(), "k").Result(); err != nil || v != "v" {
		t.Errorf("from the new master: %q, %v", v, err)
	}
}
