package ratelimit_test

import (
	"net/netip"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

func TestKeyIsTheSameInEveryProcess(t *testing.T) {
	// Pinned: counters may be kept outside the process under this name.
	const expected = "20b2fad090a16abd5e2c791ef3cb851a"
	if got := ratelimit.ByClaim("ns", "https://idp.example", "client_id", "alice").String(); got != expected {
		t.Errorf("expected %s, got %s", expected, got)
	}
}

func TestConsumerIsOneKeyInItsNamespace(t *testing.T) {
	const id = "3f0c1f9e-0000-4000-8000-000000000001"
	k := ratelimit.ByConsumer("ns", id)
	if k != ratelimit.ByConsumer("ns", id) || k.Fallback() {
		t.Errorf("expected one key that stands for itself, got %v", k)
	}
	for name, other := range map[string]ratelimit.Key{
		"namespace": ratelimit.ByConsumer("n", "s"+id),
		"claim":     ratelimit.ByClaim("ns", "", "", id),
		"nobody":    ratelimit.ByConsumer("ns", ""),
	} {
		if k == other {
			t.Errorf("%s: expected another key than %v", name, k)
		}
	}
}

func TestAddressKeyIgnoresFormAndZone(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"fe80::1%eth0", "fe80::1%eth1", true},
		{"2001:db8::1", "2001:0db8:0::0:1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::2", false},
	} {
		a := ratelimit.ByAddress("ns", netip.MustParseAddr(c.a))
		b := ratelimit.ByAddress("ns", netip.MustParseAddr(c.b))
		if (a == b) != c.same {
			t.Errorf("%s and %s: expected the same key: %v", c.a, c.b, c.same)
		}
	}
}

func TestFallbackIsAnotherKeyOfTheSameAddress(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.1")
	own, fallback := ratelimit.ByAddress("ns", addr), ratelimit.FallbackAddress("ns", addr)
	if own.Fallback() || !fallback.Fallback() || own == fallback {
		t.Errorf("expected a fallback key apart from %v, got %v", own, fallback)
	}
	if invalid := ratelimit.FallbackAddress("ns", netip.Addr{}); invalid == fallback {
		t.Error("no address: expected a key of its own")
	}
}

func TestKeyOfUsualPartsAllocatesNothing(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.1")
	var k ratelimit.Key
	if n := testing.AllocsPerRun(100, func() {
		k = ratelimit.ByClaim("5c0a9a3e-9c2a-4d5c-8d55-2d8f5d2a7c11", "https://idp.example.com/as", "client_id", "alice@example.com")
		k = ratelimit.FallbackAddress("global", addr)
	}); n != 0 {
		t.Errorf("expected no allocation, got %v (last key %v)", n, k)
	}
}

// FuzzByClaim moves bytes between neighbouring parts: no two ways of cutting the
// same text may be one key.
func FuzzByClaim(f *testing.F) {
	f.Add("ns", "https://idp.example", "client_id", "alice", uint8(1))
	f.Add("", "", "", "", uint8(0))
	f.Add("a", "b", "c", strings.Repeat("x", 300), uint8(200))
	f.Fuzz(func(t *testing.T, namespace, issuer, claim, value string, cut uint8) {
		k := ratelimit.ByClaim(namespace, issuer, claim, value)
		if k != ratelimit.ByClaim(namespace, issuer, claim, value) {
			t.Fatal("the same parts gave two keys")
		}
		n := int(cut)
		if n == 0 || n > len(value) {
			return
		}
		if k == ratelimit.ByClaim(namespace, issuer, claim+value[:n], value[n:]) {
			t.Fatalf("%q and %q are one key with %d bytes moved", claim, value, n)
		}
	})
}
