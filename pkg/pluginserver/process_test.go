package pluginserver_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// childEnv makes this test binary a plugin process.
const childEnv = "PLUGINSERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if prefix := os.Getenv(childEnv); prefix != "" {
		os.Args = []string{"probe", "-kong-prefix", prefix}
		os.Exit(pluginserver.Main(pluginserver.Program{Plugin: probe(func(_ string, ev *event) {
			if b, _ := ev.Ask("kong.request.get_path", nil); string(b) == "panic" {
				panic("asked for")
			}
		})}))
	}
	os.Exit(m.Run())
}

// child starts a plugin process and waits until it listens. lines are its log.
func child(t *testing.T) (cmd *exec.Cmd, path string, lines *os.File) {
	t.Helper()
	path = socketPath(t)
	cmd, lines = childAt(t, path)
	return cmd, path, lines
}

func childAt(t *testing.T, path string) (cmd *exec.Cmd, lines *os.File) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+filepath.Dir(path))
	lines, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		lines.Close()
	})
	first, err := bufio.NewReader(lines).ReadString('\n')
	if err != nil || !strings.Contains(first, "listening") {
		t.Fatalf("got %q, %v, expected the listening line", first, err)
	}
	return cmd, lines
}

func TestTerminationLetsARunningEventFinish(t *testing.T) {
	cmd, path, _ := child(t)
	k := dial(t, path)
	answered := make(chan struct{})
	k.reply = func(string, string) string { // the event is under way: now the signal
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		eventually(t, "the socket is gone", func() bool {
			_, err := os.Lstat(path)
			return os.IsNotExist(err)
		})
		close(answered)
		return ""
	}
	if got := k.event(k.start("{}"), "access"); got.ret == nil {
		t.Errorf("got %+v", got)
	}
	<-answered
	if err := k.eof(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
}

// The pipe that takes the log ends with the nginx worker that holds it.
func TestProcessOutlivesItsLog(t *testing.T) {
	_, path, lines := child(t)
	lines.Close()
	for _, answer := range []string{"panic", ""} {
		k := dial(t, path)
		k.reply = func(string, string) string { return answer }
		got := k.event(k.start("{}"), "access")
		if failed := got.exit != nil; got.err != nil || failed != (answer == "panic") {
			t.Errorf("answer %q: got %+v", answer, got)
		}
	}
}
