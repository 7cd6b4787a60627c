package jwks_test

import (
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kong-plugin-auth-diagnosis/pkg/jwks"
)

// host is a machine on which processes keep their key sets, one after another.
type host struct {
	*network
	t      *testing.T
	path   string
	offset time.Duration // by which its clock was set

	mu     sync.Mutex
	faults []string // what the present process said about the directory
}

func newHost(t *testing.T) *host {
	t.Helper()
	return &host{network: newNetwork(t), t: t, path: filepath.Join(t.TempDir(), "state")}
}

// boot starts a process. Its clock has no monotonic reading once it was set, as
// times on disk have none.
func (h *host) boot() *jwks.Store {
	h.t.Helper()
	dir, err := jwks.OpenStateDir(h.path)
	if err != nil {
		h.t.Fatal(err)
	}
	h.said()
	return h.open(h.t, jwks.WithStateDir(dir),
		jwks.WithClock(func() time.Time { return time.Now().Add(h.offset) }),
		jwks.WithObserver(func(e jwks.Event) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if e.StateFault != "" {
				h.faults = append(h.faults, e.StateFault)
			}
		}))
}

// said returns what the process said about the directory since it was asked.
func (h *host) said() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	faults := h.faults
	h.faults = nil
	return faults
}

// down has the issuer go away.
func (h *host) down() { h.set(setURL, answer{hang: true}) }

// load lets a process fetch a set once and ends it.
func (h *host) load(src jwks.Source, keys ...string) {
	h.t.Helper()
	h.set(setURL, answer{body: set(keys...)})
	s := h.boot()
	s.Set(src)
	synctest.Wait()
	s.Close()
}

func (h *host) files() []string {
	h.t.Helper()
	names, err := filepath.Glob(filepath.Join(h.path, "*"))
	if err != nil {
		h.t.Fatal(err)
	}
	return names
}
