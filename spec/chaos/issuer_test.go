//go:build spec

package chaos

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

const keysPath = "/pf/JWKS"

// TestIssuerMisbehaves has an issuer that is asked for its keys every second fail in
// one way after the other. What it has said before holds; what it says badly, or
// somebody else in its place, does not.
func TestIssuerMisbehaves(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Options{Config: routes(route{name: "a", extra: eager})})
	l := lightly(t, r)
	mallory, err := ping.Start(ping.Options{Product: ping.PingFederate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mallory.Close() })
	for _, tt := range []struct {
		name    string
		failure ping.Failure
	}{
		{"hangs up", ping.Hangup()},
		{"hangs", ping.Hang()},
		{"drips", ping.Drip(50 * time.Millisecond)},
		{"floods", ping.Flood(64 << 20)},
		{"fails", ping.Status(http.StatusInternalServerError)},
		{"asks to log in", ping.LoginPage()},
		{"has no keys", ping.EmptyKeys()},
		{"sends garbage", ping.Garbage()},
		{"points elsewhere", ping.Redirect(mallory.JWKSURL())},
		{"points to itself", ping.Redirect(r.PingFederate.JWKSURL())},
	} {
		r.PingFederate.Break(tt.failure)
		asked(t, r, 1)
		l.pass(40)
		for _, forged := range []string{
			mallory.Token(ping.IssuedBy(r.PingFederate.IssuerURL())),
			mallory.Token(),
		} {
			got, err := diagnosed(r, "/a/mallory", forged)
			if err != nil || got[0] != '4' && got != "503 kid_unknown_throttled" {
				t.Errorf("%s: a token of somebody else's: %q, %v", tt.name, got, err)
			}
		}
		if err := r.PingFederate.Restore(); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.Upstream.RequestsTo("/a/mallory"); n != 0 {
		t.Errorf("%d of mallory's requests reached the service", n)
	}
	rotate(t, r, l)
	l.pass(100)
	l.end()
}

// asked waits until the issuer has been asked for keys n more times.
func asked(t *testing.T, r *rig.Rig, n int) {
	t.Helper()
	target := r.PingFederate.Requests(keysPath) + n
	until(t, func() error {
		if got := r.PingFederate.Requests(keysPath); got < target {
			return fmt.Errorf("%d fetches of keys, expected %d", got, target)
		}
		return nil
	})
}

// rotate has the issuer publish new keys, and sign with them once they were fetched.
// The old ones are withdrawn when the traffic has no tokens of theirs any more.
func rotate(t *testing.T, r *rig.Rig, l *load) {
	t.Helper()
	keys := r.PingFederate.Keys()
	if err := keys.Rotate(ping.PublishFirst); err != nil {
		t.Fatal(err)
	}
	asked(t, r, 2) // the first of them may have begun before
	if err := keys.Promote(); err != nil {
		t.Fatal(err)
	}
	l.Forget()
	l.pass(20) // more than can be under way
	if err := keys.Retire(); err != nil {
		t.Fatal(err)
	}
}
