package edge

import (
	"net/netip"
	"testing"
)

func TestPersistenceCookieValue(t *testing.T) {
	tests := map[string]string{
		"10.1.1.100:8080":      "1677787402.36895.0000", // F5's own example
		"127.0.0.1:80":         "16777343.20480.0000",
		"[::ffff:10.0.0.1]:80": "16777226.20480.0000",
		"[2001:112::30]:80":    "vi20010112000000000000000000000030.20480", // F5's own example
	}
	for member, want := range tests {
		if got := persistence(netip.MustParseAddrPort(member)); got != want {
			t.Errorf("%s: got %q, want %q", member, got, want)
		}
	}
}
