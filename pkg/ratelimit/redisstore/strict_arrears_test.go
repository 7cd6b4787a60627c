package redisstore_test

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

// TestDayCountsWhatPassedWithoutRedis: two nodes lose Redis and go on; when it is
// back, the day has all that they admitted meanwhile.
func TestDayCountsWhatPassedWithoutRedis(t *testing.T) {
	t.Parallel()
	tier := ratelimit.Tier{Name: "t", Day: 1000}
	for _, c := range []struct {
		name       string
		away, back func(t *testing.T, s *redistest.Server)
		kept       int64 // of what Redis had counted
	}{
		{"refusing us", setUser("-evalsha"), setUser("+evalsha"), 20},
		{"killed, and empty when it is back", func(_ *testing.T, s *redistest.Server) { s.Kill() }, func(_ *testing.T, s *redistest.Server) { s.Restart() }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{Users: []string{"counter on >pw ~* +@all"}})
			o := options(server.Addr)
			o.Username, o.Password = "counter", "pw"
			var nodes []ratelimit.Limiter
			for range 2 {
				nodes = append(nodes, open(t, o, redisstore.Hooks{}).Limiter(redisstore.View{SyncRate: -1, Nodes: 2}))
			}
			alone := int64(0)
			for _, l := range nodes {
				burst(l, tier, 10)
			}
			c.away(t, server)
			for _, l := range nodes {
				passed, d := burst(l, tier, 50)
				if !d.Degraded {
					t.Fatalf("expected a decision without redis, got %+v", d)
				}
				alone += int64(passed)
			}
			c.back(t, server)
			asked := int64(0)
			for _, l := range nodes {
				d := waitServed(t, l, tier, &alone)
				asked++
				if l == nodes[0] {
					continue // the other node has not told yet
				}
				if expected := tier.Day - c.kept - alone - asked; d.Day.Remaining != expected {
					t.Errorf("%d counted by redis, %d without it and %d after: expected %d left, got %+v", c.kept, alone, asked, expected, d)
				}
			}
			// Nothing is told twice.
			for range 5 {
				for _, l := range nodes {
					asked++
					if d := send(l, tier); d.Day.Remaining != tier.Day-c.kept-alone-asked {
						t.Errorf("later: expected %d left, got %+v", tier.Day-c.kept-alone-asked, d)
					}
				}
			}
		})
	}
}

func setUser(rule string) func(*testing.T, *redistest.Server) {
	return func(t *testing.T, s *redistest.Server) {
		t.Helper()
		if err := s.Client().Do(t.Context(), "ACL", "SETUSER", "counter", "on", ">pw", "~*", "+@all", rule).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// waitServed sends until Redis decides, and counts what passes before.
func waitServed(t *testing.T, l ratelimit.Limiter, tier ratelimit.Tier, alone *int64) ratelimit.Decision {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * patience); time.Now().Before(deadline); <-tick.C {
		d := send(l, tier)
		if !d.Degraded {
			return d
		}
		if d.Allowed {
			*alone++
		}
	}
	t.Fatal("redis is back and not asked")
	return ratelimit.Decision{}
}

// TestArrearsCountOnce tells Redis the same more than once, as after a reply
// that was lost, and of days that are over.
func TestArrearsCountOnce(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	var (
		tier      = ratelimit.Tier{Name: "t", Day: 1000}
		now       = time.Now()
		yesterday = ratelimit.Day{Number: 19_999, End: now.Add(-time.Hour).Unix()}
		today     = ratelimit.Day{Number: 20_000, End: now.Add(10 * time.Hour).Unix()}
		used      = int64(0)
	)
	for i, c := range []struct {
		process string
		count   uint32
		of      ratelimit.Day
		more    int64 // counted of it
	}{
		{"", 0, ratelimit.Day{}, 0},
		{"a", 5, today, 5},
		{"a", 5, today, 0},
		{"a", 8, today, 3},
		{"a", 5, today, 0}, // overtaken
		{"b", 8, today, 8},
		{"b", 8, yesterday, 0},
		{"", 0, ratelimit.Day{}, 0},
	} {
		r, err := redisstore.RunStrictOwing(t.Context(), server.Client(), alice, tier, today, c.process, c.count, c.of)
		if err != nil {
			t.Fatal(err)
		}
		if used += c.more; r.State.Used != used || !r.Admitted {
			t.Errorf("step %d: expected %d used before an admission, got %+v", i, used, r)
		}
		used++
	}
	for _, key := range server.Keys() {
		ttl, err := server.Client().TTL(t.Context(), key).Result()
		if err != nil || ttl <= 9*time.Hour || ttl > 10*time.Hour+11*time.Minute {
			t.Errorf("%s: expected to live to the end of the day and a little longer, got %v, %v", key, ttl, err)
		}
	}
}

// TestArrearsMayUseUpTheDay: a request is denied for what others have told, and
// what it tells itself is kept all the same.
func TestArrearsMayUseUpTheDay(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	tier := ratelimit.Tier{Name: "t", Second: 10, Day: 10}
	today := ratelimit.Day{Number: 20_000, End: time.Now().Add(10 * time.Hour).Unix()}
	r, err := redisstore.RunStrictOwing(t.Context(), server.Client(), alice, tier, today, "a", 12, today)
	if err != nil || r.Admitted || r.State.Used != 12 || r.State.DayEnd != today.End {
		t.Errorf("expected a denial with 12 used, got %+v, %v", r, err)
	}
	if ttl, err := server.Client().TTL(t.Context(), redisstore.StrictKey(alice)).Result(); err != nil || ttl <= 0 {
		t.Errorf("expected a time to live, got %v, %v", ttl, err)
	}
}
