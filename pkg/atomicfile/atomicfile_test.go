package atomicfile_test

import (
	"bytes"
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

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/atomicfile"
)

func openRoot(t *testing.T) (*os.Root, string) {
	t.Helper()
	path := t.TempDir()
	dir, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir, path
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// list returns the names in a directory, those of temporary files cut before
// what is random.
func list(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if atomicfile.IsTemp(name) {
			name, _, _ = strings.Cut(name, ".")
			name += " temp"
		}
		names = append(names, name)
	}
	return names
}

func TestWriteReplacesWhateverHadTheName(t *testing.T) {
	for name, before := range map[string]func(path string) error{
		"nothing":                    func(string) error { return nil },
		"a file":                     func(path string) error { return os.WriteFile(path, []byte("the old, longer content"), 0o600) },
		"a file that all may use":    func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o666)) },
		"a file that nobody may use": func(path string) error { return os.WriteFile(path, nil, 0) },
		"a pipe":                     func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link":                     func(path string) error { return os.Symlink("bystander", path) },
		"a link to outside":          func(path string) error { return os.Symlink("/etc/hostname", path) },
		"a link to nothing":          func(path string) error { return os.Symlink("nothing", path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := openRoot(t)
			file, bystander := filepath.Join(path, "state"), filepath.Join(path, "bystander")
			if err := errors.Join(os.WriteFile(bystander, []byte("own"), 0o644), before(file)); err != nil {
				t.Fatal(err)
			}
			if err := atomicfile.Write(dir, "state", text("new")); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Lstat(file); err != nil || info.Mode() != 0o600 {
				t.Errorf("expected a plain file with mode 0600, got %v, %v", info, err)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != "new" {
				t.Errorf("expected the new content, got %q, %v", got, err)
			}
			if got, err := os.ReadFile(bystander); err != nil || string(got) != "own" {
				t.Errorf("expected the file beside it as it was, got %q, %v", got, err)
			}
			if diff := cmp.Diff([]string{"bystander", "state"}, list(t, path)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailedWriteChangesNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		name string // of the file; "state" has content, "taken" is a directory
		fill func(io.Writer) error
		want error // nil for any
	}{
		"disk full at once":            {"state", func(io.Writer) error { return syscall.ENOSPC }, syscall.ENOSPC},
		"disk full half way":           {"state", func(w io.Writer) error { return errors.Join(text("ne")(w), syscall.ENOSPC) }, syscall.ENOSPC},
		"disk full, of a new file":     {"other", func(w io.Writer) error { return errors.Join(text("ne")(w), syscall.ENOSPC) }, syscall.ENOSPC},
		"closed before it was synced":  {"state", func(w io.Writer) error { return errors.Join(text("new")(w), w.(io.Closer).Close()) }, fs.ErrClosed},
		"the name of a directory":      {"taken", text("new"), nil},
		"a name outside the directory": {"../state", text("new"), nil},
		"no name":                      {"", text("new"), nil},
		"a name that is too long":      {strings.Repeat("x", 250), text("new"), syscall.ENAMETOOLONG},
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := openRoot(t)
			if err := errors.Join(os.WriteFile(filepath.Join(path, "state"), []byte("old"), 0o640), os.Mkdir(filepath.Join(path, "taken"), 0o700)); err != nil {
				t.Fatal(err)
			}
			err := atomicfile.Write(dir, tt.name, tt.fill)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("expected %v, got %v", tt.want, err)
			}
			if got, err := os.ReadFile(filepath.Join(path, "state")); err != nil || string(got) != "old" {
				t.Errorf("expected the old content, got %q, %v", got, err)
			}
			if info, err := os.Stat(filepath.Join(path, "state")); err != nil || info.Mode() != 0o640 {
				t.Errorf("expected the old mode, got %v, %v", info.Mode(), err)
			}
			if diff := cmp.Diff([]string{"state", "taken"}, list(t, path)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDirectoryThatGoesAway(t *testing.T) {
	dir, path := openRoot(t)
	err := atomicfile.Write(dir, "state", func(io.Writer) error { return os.RemoveAll(path) })
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("expected %v, got %v", fs.ErrNotExist, err)
	}
	if err := atomicfile.Prune(dir, "state.", time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing to look at: expected %v, got %v", fs.ErrNotExist, err)
	}
}

// Readers meet one whole content or another, however many write.
func TestWritesBesideEachOther(t *testing.T) {
	const writers, each, size = 4, 10, 64 << 10
	dir, path := openRoot(t)
	if err := atomicfile.Write(dir, "state", text(strings.Repeat("a", size))); err != nil {
		t.Fatal(err)
	}
	var writes, reads sync.WaitGroup
	stop := make(chan struct{})
	reads.Go(func() {
		for {
			got, err := os.ReadFile(filepath.Join(path, "state"))
			if err != nil || len(got) != size || bytes.Count(got, got[:1]) != size {
				t.Errorf("expected %d bytes of one kind, got %d, %v", size, len(got), err)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for w := range writers {
		writes.Go(func() {
			for range each {
				if err := atomicfile.Write(dir, "state", text(strings.Repeat(string(rune('a'+w)), size))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writes.Wait()
	close(stop)
	reads.Wait()
	if diff := cmp.Diff([]string{"state"}, list(t, path)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestPruneRemovesOldTemporaryFilesOnly(t *testing.T) {
	dir, path := openRoot(t)
	now := time.Now()
	for name, age := range map[string]time.Duration{
		"state.1-a.tmp": time.Hour + time.Second,
		"state.1-b.tmp": time.Hour - time.Second,
		"state.1-c.tmp": -time.Hour, // the clock was put back
		"state.txt":     2 * time.Hour,
		"state":         2 * time.Hour,
		"other.1-a.tmp": 2 * time.Hour,
	} {
		file := filepath.Join(path, name)
		if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chtimes(file, now, now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(path, "state.d.tmp")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Chtimes(folder, now, now.Add(-2*time.Hour))); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Prune(dir, "state.", now); err != nil {
		t.Fatal(err)
	}
	left, err := fs.Glob(os.DirFS(path), "*")
	if diff := cmp.Diff(strings.Fields("other.1-a.tmp state state.1-b.tmp state.1-c.tmp state.d.tmp state.txt"), left); diff != "" || err != nil {
		t.Errorf("%v, files (-want +got):\n%s", err, diff)
	}
}
