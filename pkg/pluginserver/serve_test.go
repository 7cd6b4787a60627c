package pluginserver_test

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// socketPath returns a path short enough for a unix socket.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "x")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "probe.socket")
}

// running starts Serve and returns a function that ends it.
func running(t *testing.T, p pluginserver.Plugin, path string) (stop func()) {
	t.Helper()
	before, _ := os.Lstat(path)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- pluginserver.Serve(ctx, p, pluginserver.Options{SocketPath: path}) }()
	eventually(t, "socket is there", func() bool {
		now, err := os.Lstat(path)
		return err == nil && !os.SameFile(before, now)
	})
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out: %s", what)
		}
	}
}

func dial(t *testing.T, path string) *kong {
	t.Helper()
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &kong{t: t, nc: nc}
}

func TestServeOnASocket(t *testing.T) {
	path := socketPath(t)
	stop := running(t, probe(func(_ string, ev *event) {
		_, _ = ev.Ask("kong.request.get_headers", nil)
		_ = ev.Tell("kong.response.set_header", nil)
	}), path)
	defer stop()

	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 || info.Mode().Perm() != 0o660 {
		t.Errorf("got mode %v, %v, expected a socket with 0660", info.Mode(), err)
	}
	if names := list(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("more than the socket is left: %q", names)
	}
	var workers sync.WaitGroup
	for range 4 {
		k := dial(t, path)
		workers.Go(func() {
			id := k.start("{}")
			for range 50 {
				if got := k.event(id, "access"); got.ret == nil || len(got.calls) != 2 {
					t.Errorf("got %+v", got)
					return
				}
			}
		})
	}
	workers.Wait()
	stop()
	if names := list(t, filepath.Dir(path)); len(names) != 0 {
		t.Errorf("left behind: %q", names)
	}
	eventually(t, "all goroutines of the server have ended", func() bool {
		buf := make([]byte, 1<<20)
		return !strings.Contains(string(buf[:runtime.Stack(buf, true)]), "pluginserver.(*")
	})
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// At a Kong reload the new process listens while the old one still drains.
func TestSuccessorKeepsThePath(t *testing.T) {
	path := socketPath(t)
	stopFirst := running(t, probe(func(_ string, ev *event) { _ = ev.Tell("first", nil) }), path)
	old := dial(t, path)
	oldID := old.start("{}")

	stopSecond := running(t, probe(func(_ string, ev *event) { _ = ev.Tell("second", nil) }), path)
	defer stopSecond()
	if got := old.event(oldID, "access"); len(got.calls) != 1 || got.calls[0] != "first" {
		t.Errorf("connection to the predecessor: got %+v", got)
	}
	stopFirst()
	k := dial(t, path)
	if got := k.event(oldID, "access"); got.err == nil {
		t.Errorf("the predecessor's id: got %+v, expected a close", got)
	}
	k = dial(t, path)
	if got := k.event(k.start("{}"), "access"); len(got.calls) != 1 || got.calls[0] != "second" {
		t.Errorf("connection to the successor: got %+v", got)
	}
}

// While a successor takes the path over, every connect succeeds.
func TestTakeoverLeavesNoGap(t *testing.T) {
	path := socketPath(t)
	stop := running(t, probe(func(string, *event) {}), path)
	defer stop()
	done := make(chan struct{})
	var dials sync.WaitGroup
	dials.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			nc, err := net.Dial("unix", path)
			if err != nil {
				t.Errorf("connect during a takeover: %v", err)
				return
			}
			nc.Close()
		}
	})
	for range 5 {
		next := running(t, probe(func(string, *event) {}), path)
		defer next()
	}
	close(done)
	dials.Wait()
}

func TestListenRefuses(t *testing.T) {
	dir := filepath.Dir(socketPath(t))
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a file that is no socket": file,
		"a missing directory":      filepath.Join(dir, "no", "x.socket"),
		"a path that is too long":  filepath.Join(dir, strings.Repeat("x", 120)),
	} {
		t.Run(name, func(t *testing.T) {
			err := pluginserver.Serve(t.Context(), probe(func(string, *event) {}), pluginserver.Options{SocketPath: path})
			if err == nil {
				t.Error("expected an error")
			}
		})
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file has changed: %q, %v", b, err)
	}
}

func TestListenReplacesAStaleSocket(t *testing.T) {
	path := socketPath(t)
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	stop := running(t, probe(func(string, *event) {}), path)
	defer stop()
	if got := dial(t, path).start("{}"); got <= 0 {
		t.Errorf("got id %d", got)
	}
}

// A path that leaves no room for a second name beside it is bound directly.
func TestListenOnTheLongestPath(t *testing.T) {
	dir := filepath.Dir(socketPath(t))
	path := filepath.Join(dir, strings.Repeat("x", 106-len(dir)))
	for range 2 {
		l, err := pluginserver.Listen(path, 0o600)
		if err != nil {
			t.Fatalf("path of %d bytes: %v", len(path), err)
		}
		defer l.Close()
	}
}

func TestServeRefusesAnUnusablePlugin(t *testing.T) {
	whole := probe(func(string, *event) {})
	for name, spoil := range map[string]func(*pluginserver.Plugin){
		"no name":  func(p *pluginserver.Plugin) { p.Name = "" },
		"no start": func(p *pluginserver.Plugin) { p.Start = nil },
		"no phase": func(p *pluginserver.Plugin) { p.Phases = nil },
	} {
		t.Run(name, func(t *testing.T) {
			p := whole
			spoil(&p)
			if err := pluginserver.Serve(t.Context(), p, pluginserver.Options{SocketPath: socketPath(t)}); err == nil {
				t.Error("expected an error")
			}
		})
	}
}
