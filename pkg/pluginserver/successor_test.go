//go:build linux

package pluginserver_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// asking is a plugin whose every event asks Kong for something.
var asking = probe(func(_ string, ev *event) { _, _ = ev.Ask("kong.request.get_path", nil) })

// closedBefore reports whether an event ended as Kong repeats one: without a PDK call.
func closedBefore(o outcome) bool { return errors.Is(o.err, io.EOF) && len(o.calls) == 0 }

// awaitSuccession sends events on a connection until one is closed.
func awaitSuccession(t *testing.T, k *kong) {
	t.Helper()
	eventually(t, "the superseded process takes no events", func() bool {
		return closedBefore(k.event(k.start("{}"), "access"))
	})
}

func dialAll(t *testing.T, path string, n int) (ks []*kong) {
	t.Helper()
	for range n {
		ks = append(ks, dial(t, path))
	}
	return ks
}

// What Kong has kept of the old process at a reload, it uses up without a failure.
func TestSupersededProcessTakesNoNewEvents(t *testing.T) {
	path := socketPath(t)
	defer running(t, asking, path)()
	busy, pooled := dial(t, path), dialAll(t, path, 5)
	id := busy.start("{}")
	successor := make(chan struct{})
	busy.reply = func(string, string) string {
		childAt(t, path)
		close(successor)
		return ""
	}
	if got := busy.event(id, "access"); got.ret == nil {
		t.Errorf("the event that was under way: got %+v", got)
	}
	<-successor
	awaitSuccession(t, pooled[0])
	for n, k := range pooled[1:] {
		if got := k.event(k.start("{}"), "access"); !closedBefore(got) {
			t.Errorf("connection %d: got %+v, expected it to be closed before any call", n, got)
		}
	}
	if got := busy.event(id, "access"); !closedBefore(got) {
		t.Errorf("the next event of the first instance: got %+v", got)
	}
	k := dial(t, path)
	if got := k.event(k.start("{}"), "access"); got.ret == nil {
		t.Errorf("the successor: got %+v", got)
	}
}

// When the successor goes and leaves the path free, the process is back.
func TestProcessIsBackWhenItsSuccessorEnds(t *testing.T) {
	path := socketPath(t)
	defer running(t, asking, path)()
	k := dial(t, path)
	cmd, _ := childAt(t, path)
	awaitSuccession(t, k)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process takes events again", func() bool {
		nc, err := net.Dial("unix", path)
		if err != nil {
			return false
		}
		defer nc.Close()
		k := &kong{t: t, nc: nc}
		return k.event(k.start("{}"), "access").ret != nil
	})
}

// A successor that was killed leaves its socket behind. Until Kong has made another
// process, this one serves those that are connected.
func TestProcessServesOnWhenItsSuccessorIsKilled(t *testing.T) {
	path := socketPath(t)
	defer running(t, asking, path)()
	ks := dialAll(t, path, 200)
	cmd, _ := childAt(t, path)
	awaitSuccession(t, ks[0])
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, k := range ks[1:] { // each that is refused is closed
		if k.event(k.start("{}"), "access").ret != nil {
			return
		}
		<-tick.C
	}
	t.Error("no event is taken")
}

// Each of these would have Kong repeat events in circles.
func TestWhatIsNoSuccessor(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, path string){
		"no file": func(*testing.T, string) {},
		"a plain file": func(t *testing.T, path string) {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"the socket of a process that has ended": func(t *testing.T, path string) {
			l := listenAt(t, path)
			l.SetUnlinkOnClose(false)
			l.Close()
		},
		"another socket of this process": func(t *testing.T, path string) { listenAt(t, path) },
	} {
		t.Run(name, func(t *testing.T) {
			path := socketPath(t)
			ln, err := pluginserver.KeepListening(path, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			if ln.Superseded() {
				t.Error("superseded by itself")
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			replace(t, path)
			if ln.Superseded() {
				t.Error("expected that not to count as a successor")
			}
		})
	}
}

func listenAt(t *testing.T, path string) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestOrphanEndsAfterAWhile(t *testing.T) {
	path := socketPath(t)
	ended, told := make(chan error, 1), 0
	go func() {
		ended <- pluginserver.Serve(t.Context(), asking, pluginserver.Options{
			SocketPath: path, Orphaned: time.Nanosecond, Superseded: func(bool) { told++ },
		})
	}()
	eventually(t, "the socket is there", func() bool { _, err := os.Lstat(path); return err == nil })
	childAt(t, path)
	if err := <-ended; err != nil || told != 1 {
		t.Errorf("ended with %v, told %d times of its successor, expected once", err, told)
	}
	k := dial(t, path) // the successor's socket is left alone
	if got := k.event(k.start("{}"), "access"); got.ret == nil {
		t.Errorf("the successor: got %+v", got)
	}
}

func TestWhoIsAnOrphan(t *testing.T) {
	begin := time.Unix(1000, 0)
	over := pluginserver.Orphan(time.Minute)
	for _, step := range []struct {
		after       time.Duration
		superseded  bool
		connections int
		want        bool
	}{
		{0, false, 0, false},
		{time.Hour, false, 0, false},
		{2 * time.Hour, true, 1, false},
		{3 * time.Hour, true, 0, false}, // counts from here
		{3*time.Hour + 59*time.Second, true, 0, false},
		{3*time.Hour + 60*time.Second, true, 1, false},
		{4 * time.Hour, true, 0, false}, // and from here
		{4*time.Hour + 30*time.Second, false, 0, false},
		{5 * time.Hour, true, 0, false}, // and from here
		{5*time.Hour + 60*time.Second, true, 0, true},
	} {
		if got := over(begin.Add(step.after), step.superseded, step.connections); got != step.want {
			t.Errorf("%+v: got %t", step, got)
		}
	}
}
