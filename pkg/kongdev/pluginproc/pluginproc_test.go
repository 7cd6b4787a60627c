package pluginproc_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pluginproc"
)

const good = `{"Protocol":"ProtoBuf:1","SocketPath":"/x","Plugins":[{"Name":"p","Version":"1.2.3","Priority":7,` +
	`"Phases":["access"],"Schema":{"name":"p","fields":[{"config":{"type":"record","fields":[]}}]}}]}`

// printing is a command that prints a text.
func printing(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dump")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "cat " + path
}

func TestQuery(t *testing.T) {
	info, err := pluginproc.Query("srv", printing(t, good))
	if err != nil || info.Name != "p" || info.Version != "1.2.3" || info.Priority != 7 || len(info.Phases) != 1 || info.Schema == nil {
		t.Errorf("got %+v %v", info, err)
	}
	for name, c := range map[string]struct{ command, want string }{
		"no command":     {"", "no info query for srv"},
		"no output":      {"true", "failed decoding plugin info"},
		"failing":        {"exit 3", "exit status 3"},
		"other protocol": {printing(t, strings.Replace(good, "ProtoBuf:1", "MsgPack:1", 1)), `expected "ProtoBuf:1", got "MsgPack:1"`},
		"no plugin":      {printing(t, `{"Protocol":"ProtoBuf:1"}`), "no plugin"},
		"bad schema":     {printing(t, strings.Replace(good, `"record"`, `"map"`, 1)), "must declare"},
	} {
		if _, err := pluginproc.Query("srv", c.command); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: expected %q, got %v", name, c.want, err)
		}
	}
	if _, err := pluginproc.Query("srv", printing(t, strings.Replace(good, "ProtoBuf:1", "", 1))); !errors.Is(err, pluginproc.ErrProtocol) {
		t.Errorf("no protocol: got %v", err)
	}
}

// lines is a log that can be waited on.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) has(want string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), want)
}

func (l *lines) await(t *testing.T, want string, n int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		l.mu.Lock()
		got := strings.Count(l.text.String(), want)
		l.mu.Unlock()
		if got >= n {
			return
		}
	}
	t.Fatalf("waited for %q %d times in %s", want, n, l.text.String())
}

func TestProcessIsLoggedRespawnedAndStopped(t *testing.T) {
	log := &lines{}
	p := pluginproc.Start(pluginproc.Options{Name: "srv", Env: []string{"A=b"}, Respawn: time.Millisecond,
		Command: `sh -c 'echo out $A; echo err >&2; trap "exit 0" TERM; while :; do sleep 0.02; done'`,
		Log:     errlog.New(log, errlog.Info, time.Now)})
	log.await(t, "] out b", 1)
	log.await(t, "] err", 1)
	first := p.Pid()
	if !log.has(fmt.Sprintf("[srv:%d] out b", first)) {
		t.Errorf("expected the name and pid %d in front of the output", first)
	}
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	log.await(t, "] out b", 2)
	log.await(t, "terminated: signal: killed", 1)
	second := p.Pid()
	p.Stop()
	p.Stop() // a second time does nothing
	if second == first || p.Pid() != 0 || syscall.Kill(second, 0) == nil {
		t.Errorf("after Stop: first %d, second %d, still %d", first, second, p.Pid())
	}
}

// TestStopLeavesNoTime: whoever wants to write something down has to have done so.
func TestStopLeavesNoTime(t *testing.T) {
	log, file := &lines{}, filepath.Join(t.TempDir(), "last words")
	script := `trap 'sleep 0.2; echo late >"$FILE"; exit 0' TERM; echo ready; while :; do sleep 0.02; done`
	p := pluginproc.Start(pluginproc.Options{Name: "srv", Command: `sh -c "$SCRIPT"`, Respawn: time.Millisecond,
		Env: []string{"PATH=" + os.Getenv("PATH"), "FILE=" + file, "SCRIPT=" + script},
		Log: errlog.New(log, errlog.Info, time.Now)})
	log.await(t, "] ready", 1)
	p.Stop()
	log.await(t, "terminated: signal: killed", 1)
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the process had time to write %s: %v", file, err)
	}
}

// TestRespawnAtOnce: a second must lie between two starts, not between an end and
// the next start.
func TestRespawnAtOnce(t *testing.T) {
	const pause = 400 * time.Millisecond
	log := &lines{}
	begun := time.Now()
	p := pluginproc.Start(pluginproc.Options{Name: "srv", Command: "sleep 60", Respawn: pause,
		Log: errlog.New(log, errlog.Notice, time.Now)})
	defer p.Stop()
	kill := func(n int) (back time.Duration) {
		log.await(t, "started, pid", n)
		for p.Pid() == 0 {
			time.Sleep(time.Millisecond)
		}
		if n == 1 {
			time.Sleep(time.Until(begun.Add(pause)))
		}
		if err := syscall.Kill(p.Pid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		log.await(t, "started, pid", n+1)
		return time.Since(killed)
	}
	if back := kill(1); back > pause/2 {
		t.Errorf("a process of some age came back after %s, expected at once", back)
	}
	if back := kill(2); back < pause/2 {
		t.Errorf("a process that had just started came back after %s, expected nearly %s", back, pause)
	}
}

// TestReadsKeepAWorker: a worker that is to exit waits for a read that brings nothing.
func TestReadsKeepAWorker(t *testing.T) {
	awaited := func(command string, timeout time.Duration, cancel <-chan struct{}) (p *pluginproc.Proc, log *lines, done chan struct{}) {
		log, done = &lines{}, make(chan struct{})
		p = pluginproc.Start(pluginproc.Options{Name: "srv", Command: command, Respawn: time.Minute, ReadTimeout: timeout,
			Log: errlog.New(log, errlog.Info, time.Now)})
		t.Cleanup(p.Stop)
		log.await(t, "started, pid", 1)
		go func() {
			p.AwaitRead(cancel)
			close(done)
		}()
		return p, log, done
	}
	_, _, done := awaited("sleep 60", 10*time.Millisecond, nil)
	<-done

	cancel := make(chan struct{})
	_, _, done = awaited("sleep 60", time.Hour, cancel)
	close(cancel)
	<-done

	const talk = `sh -c 'trap "exit 0" TERM; while :; do echo word; sleep 0.01; done'`
	p, log, done := awaited(talk, time.Second, nil)
	log.await(t, "] word", 120) // more than a second's
	select {
	case <-done:
		t.Error("expected each line to begin another read")
	default:
	}
	p.Stop()
	<-done
}
