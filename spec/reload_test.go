//go:build spec

package spec

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// realms is a configuration of routes that differ in the plugin's realm,
// which a bare challenge shows: who answers is visible in the answer.
func realms(names ...string) func([]byte, *rig.Rig) []byte {
	return func(_ []byte, r *rig.Rig) []byte {
		var services []rig.Service
		for _, name := range names {
			services = append(services, rig.Service{Name: name, Config: "realm: " + name})
		}
		return r.Declare(services...)
	}
}

// half is a request whose head is sent but for its last line.
type half struct {
	conn net.Conn
	name string
}

func open(t *testing.T, r *rig.Rig, name string) half {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.Proxy, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n", name); err != nil {
		t.Fatal(err)
	}
	return half{conn, name}
}

// finish sends the rest and returns the realm that answered.
func (h half) finish(t *testing.T) (status int, realm string) {
	t.Helper()
	if _, err := h.conn.Write([]byte("\r\n")); err != nil {
		return 0, ""
	}
	h.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(h.conn), nil)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	_, rest, _ := strings.Cut(resp.Header.Get("Www-Authenticate"), `realm="`)
	realm, _, _ = strings.Cut(rest, `"`)
	return resp.StatusCode, realm
}

// TestHalfSentRequestsRunTheirOwnRoute opens requests, reloads the gateway with
// one route less, and finishes them on the old workers, which speak to the new
// plugin process with the old instance ids. No request may be judged by another
// route's configuration.
func TestHalfSentRequestsRunTheirOwnRoute(t *testing.T) {
	names := []string{"a", "b", "c"}
	r := start(t, rig.Options{Config: realms(names...)})
	awaitStatus(t, r, "/a", 401)
	for range 8 { // every worker has its instances: each of these has a connection of its own
		for _, name := range names {
			if status, realm := open(t, r, name).finish(t); status != 401 || realm != name {
				t.Fatalf("/%s: %d of %q", name, status, realm)
			}
		}
	}
	var waiting []half
	for range 8 {
		for _, name := range names {
			waiting = append(waiting, open(t, r, name))
		}
	}
	if err := r.SetConfig(realms("b", "c")(nil, r)); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	reloaded(t, r)
	for range 8 { // the new workers start theirs
		for _, name := range []string{"b", "c"} {
			get(t, r, r.Proxy+"/"+name, "")
		}
	}
	answered := 0
	for _, h := range waiting {
		switch status, realm := h.finish(t); {
		case status == 401 && realm != h.name:
			t.Errorf("a request for /%s was judged as one for /%s", h.name, realm)
		case status == 401:
			answered++
		}
	}
	if answered == 0 {
		t.Error("no half-sent request was answered: nothing was tested")
	}
	for _, name := range []string{"b", "c"} {
		for range 8 {
			resp := get(t, r, r.Proxy+"/"+name, "")
			if got := resp.Header.Get("Www-Authenticate"); got != `Bearer realm="`+name+`"` {
				t.Errorf("after the reload /%s is judged as %s", name, got)
			}
		}
	}
}

// reloaded waits until the new configuration answers: /a is gone.
func reloaded(t *testing.T, r *rig.Rig) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rig.Until(ctx, func() error {
		for range 8 {
			resp, err := r.Get(r.Proxy+"/a", "")
			if err != nil {
				return err
			}
			if resp.StatusCode != http.StatusNotFound {
				return fmt.Errorf("/a answers %d", resp.StatusCode)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestConfigurationsUnderLoadFailNoRequest posts configurations while clients send
// good and bad tokens.
func TestConfigurationsUnderLoadFailNoRequest(t *testing.T) {
	r := start(t, rig.Options{Config: realms("a", "b")})
	load := newLoad(t, r, "/a")
	for n := range 4 {
		post(t, r, realms("a", []string{"b", "c"}[n%2])(nil, r))
		load.pass(t, 50)
	}
	load.stop(t)
}

// TestReloadsLoseNoRequest reloads under load, and each time sees the old plugin
// process off. That one is killed with the old worker 0, so by then the new workers,
// who had it serve their first requests, must have left it.
func TestReloadsLoseNoRequest(t *testing.T) {
	t.Setenv("KONGDEV_LOG_READ", "2s") // or its old worker 0 takes up to ten, as Kong's
	r := start(t, rig.Options{Config: realms("a"), Plugin: late(t)})
	awaitKeys(t, r, "/a", r.PingFederate.Token())
	stop := strangers(t, r, "/a")
	for range 2 {
		old, err := r.PluginPid()
		if err != nil {
			t.Fatal(err)
		}
		var waiting []half // keep the old workers, and with them the old process
		for range 8 {
			waiting = append(waiting, open(t, r, "a"))
		}
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() error {
			now, err := r.PluginPid()
			if err != nil || now == old {
				return fmt.Errorf("plugin process %d is now %d, %v", old, now, err)
			}
			return nil
		})
		eventually(t, func() error {
			if n, err := r.PluginConnections(old); err != nil || n > 0 {
				return fmt.Errorf("%d connections to the old plugin process, %v", n, err)
			}
			return nil
		})
		for _, h := range waiting {
			if status, realm := h.finish(t); status != 401 || realm != "a" {
				t.Errorf("a request of an old worker: %d of %q", status, realm)
			}
		}
		eventually(t, func() error {
			if _, err := os.Stat(fmt.Sprintf("/proc/%d", old)); err == nil {
				return fmt.Errorf("the old plugin process %d is still there", old)
			}
			return nil
		})
	}
	stop()
}

// late returns a program that becomes the plugin after a while: on a busy machine the
// new workers are there first.
func late(t *testing.T) string {
	t.Helper()
	bins, err := rig.Build()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(rig.Dir(t), "late")
	if err := os.WriteFile(path, []byte("#!/bin/sh\ncase \"$*\" in *-dump*) ;; *) sleep 0.3 ;; esac\nexec "+bins.Plugin+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// strangers are four clients with good tokens that connect anew for each request: the
// new workers have them from their first moment on. (A rejection would have Kong drop its
// connection to the plugin process, and leave the old one sooner.) stop ends them and
// says what went wrong.
func strangers(t *testing.T, r *rig.Rig, path string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	l := &load{cancel: cancel, status: map[int]int{401: 1}}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	token := r.PingFederate.Token()
	for range 4 {
		l.group.Go(func() {
			for ctx.Err() == nil {
				req, err := http.NewRequest(http.MethodGet, r.Proxy+path, nil)
				if err != nil {
					l.note(nil, err, 200)
					return
				}
				req.Header.Set("Authorization", "Bearer "+token)
				resp, err := client.Do(req)
				if err == nil {
					resp.Body.Close()
				}
				l.note(resp, err, 200)
			}
		})
	}
	return func() { l.stop(t) }
}

// eventually waits for what a reload brings about.
func eventually(t *testing.T, ok func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := rig.Until(ctx, ok); err != nil {
		t.Fatal(err)
	}
}

// load sends requests from several clients until it is stopped.
type load struct {
	cancel context.CancelFunc
	group  sync.WaitGroup
	sent   atomic.Int64
	// gap allows 5xx answers: the plugin process is away.
	gap atomic.Bool

	mu     sync.Mutex
	wrong  []string
	status map[int]int
}

// newLoad waits for the keys and starts four clients: every other request has a
// good token, made anew. What is neither let through nor refused as it must be is
// wrong.
func newLoad(t *testing.T, r *rig.Rig, path string) *load {
	t.Helper()
	awaitKeys(t, r, path, r.PingFederate.Token())
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel, status: map[int]int{}}
	t.Cleanup(cancel)
	for range 4 {
		l.group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				token, want := "", 401
				if n%2 == 0 {
					token, want = r.PingFederate.Token(), 200
				}
				resp, err := r.Get(r.Proxy+path, token)
				l.note(resp, err, want)
			}
		})
	}
	return l
}

func (l *load) note(resp *http.Response, err error, want int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.wrong = append(l.wrong, err.Error())
	case resp.StatusCode >= 500 && l.gap.Load():
		l.status[resp.StatusCode]++
	case resp.StatusCode != want:
		l.wrong = append(l.wrong, fmt.Sprintf("%d %s, want %d", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"), want))
	default:
		l.status[want]++
	}
	l.sent.Add(1)
}

// pass waits until n more requests are through.
func (l *load) pass(t *testing.T, n int64) {
	t.Helper()
	until := l.sent.Load() + n
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rig.Until(ctx, func() error {
		if l.sent.Load() < until {
			return fmt.Errorf("the load stands still at %d requests", l.sent.Load())
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func (l *load) stop(t *testing.T) {
	t.Helper()
	l.cancel()
	l.group.Wait()
	if len(l.wrong) > 0 {
		t.Errorf("%d of %d requests went wrong, the first: %s", len(l.wrong), l.sent.Load(), l.wrong[0])
	}
	if l.status[200] == 0 || l.status[401] == 0 {
		t.Errorf("nothing was tested: %v", l.status)
	}
}

// awaitKeys sends a good token until it passes.
func awaitKeys(t *testing.T, r *rig.Rig, path, token string) {
	t.Helper()
	await(t, r, path, token, 200)
}

// awaitStatus sends no token until a path answers so: a gateway answers 500
// while its plugin process starts.
func awaitStatus(t *testing.T, r *rig.Rig, path string, status int) {
	t.Helper()
	await(t, r, path, "", status)
}

func await(t *testing.T, r *rig.Rig, path, token string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rig.Until(ctx, func() error {
		resp, err := r.Get(r.Proxy+path, token)
		if err != nil {
			return err
		}
		if resp.StatusCode != status {
			return fmt.Errorf("%s answers %d %s", path, resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
