package memory_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

// many returns a limiter of many keys, of each of which used is n.
func many(keys, n int) *memory.Limiter {
	l := memory.New(start, memory.Options{MaxKeys: keys})
	for i := range keys {
		for range n {
			l.Allow(start, key(i), counting, utc)
		}
	}
	return l
}

// A full disk, whenever it is noticed, leaves the file as it was and no other.
func TestFailedSaveKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "counters")
	if err := many(10, 1).Save(start, path); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"at once": func(io.Writer) error { return syscall.ENOSPC },
		"half way": func(w io.Writer) error {
			_, err := w.Write(before[:len(before)/2])
			return errors.Join(err, syscall.ENOSPC)
		},
	} {
		if err := memory.Replace(path, write); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: expected %v, got %v", name, syscall.ENOSPC, err)
		}
	}
	// What cannot be replaced is a directory that is not empty.
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := many(10, 2).Save(start, taken); err == nil {
		t.Error("a directory was replaced")
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the old file changed, %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("expected the file and the directory, got %v", files)
	}
}

func TestFileIsForItsUserAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counters")
	if err := many(1, 1).Save(start, path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("expected mode 0600, got %v, %v", info.Mode(), err)
	}
}

func TestLoadOfWhatIsNoFile(t *testing.T) {
	for name, c := range map[string]struct {
		make     func(path string) error
		expected error // nil for none
	}{
		"nothing":       {func(string) error { return nil }, nil},
		"no directory":  {func(path string) error { return os.Remove(filepath.Dir(path)) }, nil},
		"an empty file": {func(path string) error { return os.WriteFile(path, nil, 0o600) }, memory.ErrSnapshot},
		"a text":        {func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("text ", 100)), 0o600) }, memory.ErrSnapshot},
		"too large":     {func(path string) error { return os.WriteFile(path, make([]byte, 2000), 0o600) }, memory.ErrSnapshotSize},
		"a pipe":        {func(path string) error { return syscall.Mkfifo(path, 0o600) }, memory.ErrSnapshot},
		"a directory":   {func(path string) error { return os.Mkdir(path, 0o700) }, memory.ErrSnapshot},
		"a link":        {func(path string) error { return os.Symlink("/etc/hostname", path) }, memory.ErrSnapshot},
	} {
		path := filepath.Join(t.TempDir(), "state", "counters")
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), c.make(path)); err != nil {
			t.Fatal(err)
		}
		l := memory.New(start, memory.Options{MaxKeys: 10})
		l.SetMaxFile(1000)
		if err := l.Load(start, path); !errors.Is(err, c.expected) {
			t.Errorf("%s: expected %v, got %v", name, c.expected, err)
		}
		if n := l.Stats().Keys; n != 0 {
			t.Errorf("%s: expected no key, got %d", name, n)
		}
	}
}

func TestSaveAndLoadNeedADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, path := many(1, 1), filepath.Join(file, "counters")
	if err := l.Load(start, path); err == nil {
		t.Error("counters were loaded from a file for a directory")
	}
	if err := l.Save(start, path); err == nil {
		t.Error("counters were saved to a file for a directory")
	}
}

// Of more counters than fit some are saved, in a file that can be read.
func TestFileIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counters")
	l := many(1000, 1)
	l.SetMaxFile(10_000)
	if err := l.Save(start, path); !errors.Is(err, memory.ErrSnapshotSize) {
		t.Errorf("expected %v, got %v", memory.ErrSnapshotSize, err)
	}
	next := memory.New(start, memory.Options{MaxKeys: 1000})
	next.SetMaxFile(10_000)
	if err := next.Load(start, path); err != nil {
		t.Fatal(err)
	}
	if n := next.Stats().Keys; n < 250 || n >= 500 {
		t.Errorf("expected as many of 1000 keys as fit into 10,000 bytes, got %d", n)
	}
}

// A smaller max_keys gives up no counter of the day; new keys have to wait for
// room.
func TestLoadGivesUpNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counters")
	if err := many(100, 1).Save(start, path); err != nil {
		t.Fatal(err)
	}
	l := memory.New(start, memory.Options{MaxKeys: 10})
	if err := l.Load(start, path); err != nil {
		t.Fatal(err)
	}
	if d := l.Allow(start, key(1000), counting, utc); !d.Overflow {
		t.Errorf("a new key: expected a shared counter, got %+v", d)
	}
	for i := range 100 {
		if d := l.Allow(start, key(i), counting, utc); d.Overflow || d.Day.Remaining != 98 {
			t.Fatalf("key %d: expected its own counter, got %+v", i, d)
		}
	}
	// Loading once more changes nothing: what was counted since stays.
	if err := l.Load(start, path); err != nil {
		t.Fatal(err)
	}
	if d := l.Allow(start.Add(time.Second), key(0), counting, utc); d.Day.Remaining != 97 || l.Stats().Keys != 100 {
		t.Errorf("loaded twice: expected 97 left and 100 keys, got %+v, %+v", d, l.Stats())
	}
}

func TestLoadRemovesWhatCrashesLeft(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{"counters.1.tmp": 2 * time.Hour, "counters.2.tmp": 0, "other.tmp": 2 * time.Hour, "counters.txt": 2 * time.Hour} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, now.Add(-age), now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	if err := memory.New(now, memory.Options{}).Load(now, filepath.Join(dir, "counters")); err != nil {
		t.Fatal(err)
	}
	left, err := fs.Glob(os.DirFS(dir), "*")
	if got, expected := strings.Join(left, " "), "counters.2.tmp counters.txt other.tmp"; err != nil || got != expected {
		t.Errorf("expected %q, got %q, %v", expected, got, err)
	}
}

// Saving beside requests loses none of them in the end.
func TestSaveBesideRequests(t *testing.T) {
	const workers, each, keys = 8, 400, 50
	path := filepath.Join(t.TempDir(), "counters")
	l := memory.New(start, memory.Options{MaxKeys: 1000})
	tier := ratelimit.Tier{Name: "t", Day: workers * each * 2}
	known := make([]ratelimit.Key, keys)
	for i := range known {
		known[i] = key(i)
	}
	var requests, saves sync.WaitGroup
	stop := make(chan struct{})
	saves.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := l.Save(start, path); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range workers {
		requests.Go(func() {
			for i := range each {
				l.Allow(start, known[i%keys], tier, utc)
			}
		})
	}
	requests.Wait()
	close(stop)
	saves.Wait()
	next := restart(t, l, start)
	for i, k := range known {
		if d := next.Allow(start, k, tier, utc); d.Day.Remaining != tier.Day-workers*each/keys-1 {
			t.Errorf("key %d: expected %d used, got %+v", i, workers*each/keys, d)
		}
	}
}
