package memory_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

// childDir names, in the environment of a test's child process, where it is to
// save counters until it is killed.
const childDir = "SAVE_COUNTERS_UNTIL_KILLED"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		saveUntilKilled(filepath.Join(dir, "counters"))
	}
	os.Exit(m.Run())
}

func saveUntilKilled(path string) {
	generations := []*memory.Limiter{many(1000, 1), many(1000, 2)}
	for i := 0; ; i++ {
		if err := generations[i%2].Save(start, path); err != nil {
			panic(err)
		}
		if i == 1 {
			_, _ = os.Stdout.WriteString("saved\n")
		}
	}
}

// Whenever a process dies, the file is one whole save.
func TestProcessKilledWhileItSaves(t *testing.T) {
	for range 2 {
		dir := t.TempDir()
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Errorf("the child saved nothing: %v", err)
		}
		_ = child.Process.Kill()
		_ = child.Wait()

		l := memory.New(start, memory.Options{MaxKeys: 1000})
		if err := l.Load(start, filepath.Join(dir, "counters")); err != nil {
			t.Fatal(err)
		}
		if n := l.Stats().Keys; n != 1000 {
			t.Errorf("expected 1000 keys, got %d", n)
		}
		first := l.Allow(start, key(0), counting, utc).Day.Remaining
		for i := range 999 {
			if d := l.Allow(start, key(i+1), counting, utc); d.Day.Remaining != first {
				t.Fatalf("a mixture of two saves: %d left of one key, %d of another", first, d.Day.Remaining)
			}
		}
	}
}
