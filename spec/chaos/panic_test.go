//go:build spec

package chaos

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// sabotaged are routes whose instances fail in the way of their realm, and what each
// request to them is answered with: with a good token and without one.
var sabotaged = map[string][2]string{
	"panic-start":   {"500 internal_error", "500 internal_error"},
	"panic-event":   {"500 internal_error", "500 internal_error"},
	"panic-reply":   {"500 internal_error", "500 internal_error"},
	"panic-told":    {"500 internal_error", "500 internal_error"},
	"end-goroutine": {"500 internal_error", "500 internal_error"},
	"panic-fault":   {"500 ", "500 "},
	"hang":          {"500 deadline_exceeded", "500 deadline_exceeded"},
	// The verdict is there: a rejection stands, and who was not let through yet stays out.
	"panic-after": {"500 internal_error", "401 credential_missing"},
}

// TestPanics has one route for each way to fail, in one process with one that works.
// Kong must get one answer per request: an event that is closed upon it replays.
func TestPanics(t *testing.T) {
	t.Parallel()
	movable, err := rig.BuildClock()
	if err != nil {
		t.Fatal(err)
	}
	list := []route{{name: "a"}}
	for realm := range sabotaged {
		list = append(list, route{name: realm, extra: "realm: " + realm})
	}
	r := start(t, rig.Options{Plugin: movable, Config: routes(list...)})
	l := lightly(t, r)
	n := pid(t, r)
	var asking sync.WaitGroup
	for realm, want := range sabotaged {
		requests := 20
		if realm == "hang" {
			requests = 1 // of ten seconds
		}
		for i, token := range []string{r.PingFederate.Token(), ""} {
			asking.Go(func() {
				for range requests {
					got, err := diagnosed(r, "/"+realm, token)
					if err != nil || got != want[i] {
						t.Errorf("%s: got %q, %v, expected %q", realm, got, err, want[i])
					}
				}
			})
		}
	}
	asking.Wait()
	l.pass(100)
	l.end()
	if now := pid(t, r); now != n {
		t.Errorf("process %d has become %d", n, now)
	}
	for realm := range sabotaged {
		if got := r.Upstream.RequestsTo("/" + realm); got != 0 {
			t.Errorf("%s: %d requests reached the service", realm, got)
		}
	}
}

// diagnosed returns the status and the diagnosis of a request, one way or the other.
func diagnosed(r *rig.Rig, path, token string) (string, error) {
	begun := time.Now()
	resp, err := r.Get(r.Proxy+path, token)
	if err != nil {
		return "", err
	}
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK && len(text) == 0 {
		return "", fmt.Errorf("%d without a body", resp.StatusCode)
	}
	if took := time.Since(begun); took > 15*time.Second {
		return "", fmt.Errorf("answered after %s", took)
	}
	code, _, _ := strings.Cut(resp.Header.Get("X-Auth-Diagnosis"), ";")
	return fmt.Sprintf("%d %s", resp.StatusCode, code), nil
}
