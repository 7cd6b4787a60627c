//go:build spec

package spec

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// TestIssuerDownIsNobodysBadToken has an issuer that is away from the start,
// comes, and goes again: a 503 with the reason, then good keys that outlive it.
func TestIssuerDownIsNobodysBadToken(t *testing.T) {
	r := start(t, rig.Options{Config: func(_ []byte, r *rig.Rig) []byte {
		if err := r.PingFederate.Refuse(); err != nil {
			t.Fatal(err)
		}
		return realms("a")(nil, r)
	}})
	good := r.PingFederate.Token()
	awaitStatus(t, r, "/a", 401)
	resp := get(t, r, r.Proxy+"/a", good)
	if v := diagnosisOf(t, resp); resp.StatusCode != 503 || v.code != "jwks_connect" && v.code != "jwks_never_loaded" {
		t.Errorf("got %d %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
	}
	if resp.Header.Get("Retry-After") == "" || resp.Header.Get("Www-Authenticate") != "" {
		t.Errorf("a 503 must say when to come back and challenge nobody: %v", resp.Header)
	}
	if err := r.PingFederate.Restore(); err != nil {
		t.Fatal(err)
	}
	awaitKeys(t, r, "/a", good)
	if err := r.PingFederate.Refuse(); err != nil {
		t.Fatal(err)
	}
	if resp := get(t, r, r.Proxy+"/a", r.PingFederate.Token()); resp.StatusCode != 200 {
		t.Errorf("a known key does not outlive its issuer: %d %s", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
	}
}

// TestRotationRefusesNoGoodToken rotates the keys of an issuer that publishes
// them before it signs, for longer than a refresh takes, under load: no good
// token is refused, and one of the key that was withdrawn is told so.
func TestRotationRefusesNoGoodToken(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Options{Config: func(_ []byte, r *rig.Rig) []byte {
		return r.Declare(rig.Service{Name: "a", Config: "realm: a, jwks: {refresh_interval: 1}"})
	}})
	keys := r.PingFederate.Keys()
	load := newLoad(t, r, "/a")
	before := r.PingFederate.Token()
	if err := keys.Rotate(ping.PublishFirst); err != nil {
		t.Fatal(err)
	}
	fetched(t, r, 2) // the first of them may have begun before
	load.pass(t, 50)
	if err := keys.Promote(); err != nil {
		t.Fatal(err)
	}
	load.pass(t, 50)
	if resp := get(t, r, r.Proxy+"/a", before); resp.StatusCode != 200 {
		t.Errorf("a token of the old key: %d %s", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
	}
	if err := keys.Retire(); err != nil {
		t.Fatal(err)
	}
	fetched(t, r, 2)
	load.pass(t, 50)
	load.stop(t)
	resp := get(t, r, r.Proxy+"/a", before)
	if v := diagnosisOf(t, resp); resp.StatusCode != 401 || v.code != "kid_retired" {
		t.Errorf("a token of a withdrawn key: %d %s", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
	}
}

// fetched waits until the keys were fetched n more times.
func fetched(t *testing.T, r *rig.Rig, n int) {
	t.Helper()
	const path = "/pf/JWKS"
	until := r.PingFederate.Requests(path) + n
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rig.Until(ctx, func() error {
		if got := r.PingFederate.Requests(path); got < until {
			return fmt.Errorf("%d fetches of %s, want %d", got, path, until)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestUnknownKidsCostOneFetch floods with tokens that name keys nobody has: no
// request waits for a fetch, and the issuer sees none while its set is recent.
func TestUnknownKidsCostOneFetch(t *testing.T) {
	r := start(t, rig.Options{Config: realms("a")})
	awaitKeys(t, r, "/a", r.PingFederate.Token())
	before := r.PingFederate.Requests("/pf/JWKS")
	for n := range 200 {
		resp := get(t, r, r.Proxy+"/a", r.PingFederate.Token(ping.KeyID(fmt.Sprint("nobody-", n))))
		if v := diagnosisOf(t, resp); resp.StatusCode != 401 || v.code != "kid_unknown" {
			t.Fatalf("got %d %s", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
		}
	}
	if got := r.PingFederate.Requests("/pf/JWKS") - before; got > 1 {
		t.Errorf("200 unknown kids cost %d fetches, want at most 1", got)
	}
}

// TestKeysOutliveTheProcess restarts the plugin while its issuer is down: the
// keys on disk serve, until they are older than max_stale.
func TestKeysOutliveTheProcess(t *testing.T) {
	state := rig.Dir(t)
	r := start(t, rig.Options{Config: realms("a"), Args: "-state-dir " + state})
	good := r.PingFederate.Token(ping.Expires(time.Now().Add(100 * time.Hour)))
	awaitKeys(t, r, "/a", good)
	if err := r.PingFederate.Refuse(); err != nil {
		t.Fatal(err)
	}
	movable, err := rig.BuildClock()
	if err != nil {
		t.Fatal(err)
	}
	// In this order: a file from the future is not used.
	for _, tt := range []struct {
		name, plugin, args string
		status             int
		code               string
	}{
		{"restarted at once", "", "", 200, ""},
		{"restarted a day later", movable, " -clock-offset 25h", 503, "jwks_stale_expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := rig.StartGateway(t.Context(), rig.GatewayOptions{
				Bin: os.Getenv("KONG_BIN"), Config: r.Config(), Plugin: tt.plugin, Args: "-state-dir " + state + tt.args,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { g.Stop() })
			again := &rig.Rig{Gateway: g}
			awaitStatus(t, again, "/a", 401)
			resp := get(t, again, again.Proxy+"/a", good)
			if v := diagnosisOf(t, resp); resp.StatusCode != tt.status || v.code != tt.code {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"), tt.status, tt.code)
			}
		})
	}
}
