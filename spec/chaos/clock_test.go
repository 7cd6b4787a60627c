//go:build spec

package chaos

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// TestClockSteps moves the plugin's clock to and fro, as a host does that has lost its
// time and finds it again. The traffic's tokens are good, or bad, by all these clocks.
// Ages are measured with the moved clock too: a host's steps leave those alone.
func TestClockSteps(t *testing.T) {
	movable, err := rig.BuildClock()
	if err != nil {
		t.Fatal(err)
	}
	clock := filepath.Join(rig.Dir(t), "clock")
	step := func(by string) {
		t.Helper()
		if err := os.WriteFile(clock+".next", []byte(by), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(clock+".next", clock); err != nil {
			t.Fatal(err)
		}
	}
	step("0s")
	r := start(t, rig.Options{Plugin: movable, Args: "-clock-file " + clock, Config: routes(route{name: "a", extra: eager})})
	l := under(t, r)
	hour := r.PingFederate.Token(ping.Expires(time.Now().Add(time.Hour)))
	for _, tt := range []struct{ by, want string }{
		{"0s", "200 "},
		{"2h", "401 token_expired"}, // though it was just found good
		{"12h", "401 token_expired"},
		{"-12h", "401 token_issued_in_future"},
		{"0s", "200 "},
		{"-1ms", "200 "},
		{"12h", "401 token_expired"},
		{"0s", "200 "},
	} {
		step(tt.by)
		l.pass(60)
		if got, err := diagnosed(r, "/a", hour); err != nil || got != tt.want {
			t.Errorf("at %s: got %q, %v, expected %q", tt.by, got, err, tt.want)
		}
	}
	rotate(t, r, l) // keys are still refreshed
	l.pass(100)
	l.end()
}
