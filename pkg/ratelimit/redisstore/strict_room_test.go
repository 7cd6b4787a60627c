package redisstore_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
)

// TestAddressesDoNotFillRedis: whoever needs no token may come from as many
// addresses as a network has. They take no more room in Redis than here, and
// those without room share one counter.
func TestAddressesDoNotFillRedis(t *testing.T) {
	mini := miniredis.RunT(t)
	s := open(t, options(mini.Addr()), redisstore.Hooks{})
	const room = 5
	l := s.Limiter(redisstore.View{SyncRate: -1, MaxKeys: 10 * room, Fault: redisstore.FaultDeny})
	tier := ratelimit.Tier{Name: "t", Day: 3}
	passed := 0
	for i := range 100 {
		addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		d := l.Allow(time.Now(), ratelimit.FallbackAddress("n", addr), tier, midday)
		if d.Allowed {
			passed++
		}
		if d.Degraded || d.Overflow != (i >= room) || d.Day.Limit != 3 {
			t.Fatalf("address %d: expected an ordinary decision, shared from the %dth on, got %+v", i, room, d)
		}
	}
	if passed != room+3 {
		t.Errorf("expected %d of their own and 3 together, got %d admissions", room, passed)
	}
	if n := len(mini.Keys()); n != room {
		t.Errorf("expected %d keys in redis, got %d", room, n)
	}
	// Identities have their own room, and those without any are in Redis all the same.
	for i := range 100 {
		if d := l.Allow(time.Now(), ratelimit.ByConsumer("n", string(rune('a'+i))), tier, midday); !d.Allowed || d.Overflow {
			t.Fatalf("consumer %d: expected a counter of its own, got %+v", i, d)
		}
	}
	if n := len(mini.Keys()); n != room+100 {
		t.Errorf("expected %d keys in redis, got %d", room+100, n)
	}
}
