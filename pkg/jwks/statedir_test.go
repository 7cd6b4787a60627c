package jwks

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func openState(t *testing.T) *StateDir {
	t.Helper()
	d, err := OpenStateDir(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestStateDirIsMadeForItsUserAlone(t *testing.T) {
	d := openState(t)
	now := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := d.write("jwks-a", []byte("text"), now); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{d.path: fs.ModeDir | 0o700, filepath.Join(d.path, "jwks-a"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, expected mode %v", path, info.Mode(), err, want)
		}
	}
	data, seen, err := d.read("jwks-a")
	if err != nil || string(data) != "text" || !seen.Equal(now) {
		t.Errorf("read %q, %v, %v", data, seen, err)
	}
	if _, _, err := d.read("jwks-b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if left, _ := os.ReadDir(d.path); len(left) != 1 {
		t.Errorf("%d files, expected 1", len(left))
	}
}

func TestUnsafeDirectoryIsNotUsed(t *testing.T) {
	mkdir := func(mode fs.FileMode) func(string) error {
		return func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, mode)) }
	}
	tests := map[string]struct {
		make func(path string) error
		want error
	}{
		"anybody's":        {mkdir(0o777), errMode},
		"sticky":           {mkdir(0o777 | fs.ModeSticky), errMode},
		"the group's":      {mkdir(0o770), errMode},
		"readable by all":  {mkdir(0o755), nil},
		"a file":           {func(path string) error { return os.WriteFile(path, nil, 0o600) }, syscall.ENOTDIR},
		"without a parent": {func(path string) error { return os.Remove(filepath.Dir(path)) }, syscall.ENOENT},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "parent", "state")
			if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), tt.make(path)); err != nil {
				t.Fatal(err)
			}
			d, err := OpenStateDir(path)
			// Not every error of package os can be told by its value.
			if (err == nil) != (tt.want == nil) || err != nil && !strings.Contains(err.Error(), tt.want.Error()) || (d == nil) != (err != nil) {
				t.Errorf("got %v, %v; expected %v", d, err, tt.want)
			}
		})
	}
}

func TestDirectoryIsLookedAtEachTime(t *testing.T) {
	d := openState(t)
	if err := d.write("jwks-a", nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	refused := func(want error) {
		t.Helper()
		_, _, read := d.read("jwks-a")
		for what, err := range map[string]error{"read": read, "write": d.write("jwks-a", nil, time.Now()), "touch": d.touch("jwks-a", time.Now())} {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, expected %v", what, err, want)
			}
		}
	}
	if err := os.Chmod(d.path, 0o702); err != nil {
		t.Fatal(err)
	}
	refused(errMode)
	if err := os.Chmod(d.path, 0o700); err != nil {
		t.Fatal(err)
	}
	d.uid++ // as if the directory were another user's
	refused(errOwner)
	d.uid--
	// Taken away, it is made again.
	if err := os.RemoveAll(d.path); err != nil {
		t.Fatal(err)
	}
	if err := d.write("jwks-a", nil, time.Now()); err != nil {
		t.Error(err)
	}
}

func TestUnsafeFileIsNotRead(t *testing.T) {
	tests := map[string]struct {
		make func(d *StateDir, path string) error
		want error
	}{
		"readable by others": {func(_ *StateDir, path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o604))
		}, errFileMode},
		"too large": {func(d *StateDir, path string) error {
			d.limit = 3
			return os.WriteFile(path, []byte("four"), 0o600)
		}, errTooLong},
		"a pipe":      {func(_ *StateDir, path string) error { return syscall.Mkfifo(path, 0o600) }, errNoFile},
		"a directory": {func(_ *StateDir, path string) error { return os.Mkdir(path, 0o700) }, errNoFile},
		"a link":      {func(_ *StateDir, path string) error { return os.Symlink("/etc/hostname", path) }, errNoFile},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := openState(t)
			if err := tt.make(d, filepath.Join(d.path, "jwks-a")); err != nil {
				t.Fatal(err)
			}
			if data, _, err := d.read("jwks-a"); !errors.Is(err, tt.want) || data != nil {
				t.Errorf("got %q, %v; expected %v", data, err, tt.want)
			}
		})
	}
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	d := openState(t)
	if err := d.write("jwks-a", []byte("old"), time.Now()); err != nil {
		t.Fatal(err)
	}
	d.limit = 3
	if err := d.write("jwks-a", []byte("longer"), time.Now()); !errors.Is(err, errTooLong) {
		t.Errorf("got %v, expected %v", err, errTooLong)
	}
	// A rename that fails: what was written by then goes.
	if err := os.Mkdir(filepath.Join(d.path, "jwks-b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.write("jwks-b", []byte("new"), time.Now()); err == nil {
		t.Error("a directory was replaced")
	}
	entries, err := os.ReadDir(d.path)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v; expected the file and the directory", entries, err)
	}
	if data, _, err := d.read("jwks-a"); string(data) != "old" {
		t.Errorf("read %q, %v", data, err)
	}
}

func TestTouchOnlyMovesForward(t *testing.T) {
	d := openState(t)
	start := time.Now().Truncate(time.Second)
	if err := errors.Join(d.touch("jwks-a", start), d.write("jwks-a", nil, start)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ to, want time.Duration }{{time.Minute, time.Minute}, {-time.Hour, time.Minute}} {
		if err := d.touch("jwks-a", start.Add(tt.to)); err != nil {
			t.Fatal(err)
		}
		if _, seen, _ := d.read("jwks-a"); !seen.Equal(start.Add(tt.want)) {
			t.Errorf("touched at %v: seen at %v, expected %v", tt.to, seen.Sub(start), tt.want)
		}
	}
}

func TestOldFilesAreRemoved(t *testing.T) {
	d := openState(t)
	now := time.Now()
	age := func(name string, age time.Duration) {
		t.Helper()
		path := filepath.Join(d.path, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, now, now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	age("jwks-a.1-f.tmp", 2*time.Hour)
	age("jwks-b.1-f.tmp", time.Minute)
	age("counters", 10_000*time.Hour)
	for i := range maxFiles + 3 {
		age("jwks-"+strings.Repeat("x", i%60)+string(rune('a'+i/60)), time.Duration(i)*time.Minute)
	}
	if _, err := OpenStateDir(d.path); err != nil {
		t.Fatal(err)
	}
	gone := []string{"jwks-a.1-f.tmp"}
	for i := maxFiles; i < maxFiles+3; i++ {
		gone = append(gone, "jwks-"+strings.Repeat("x", i%60)+string(rune('a'+i/60)))
	}
	var still []string
	for _, name := range gone {
		if _, err := os.Stat(filepath.Join(d.path, name)); !errors.Is(err, fs.ErrNotExist) {
			still = append(still, name)
		}
	}
	entries, err := os.ReadDir(d.path)
	if diff := cmp.Diff([]string(nil), still); diff != "" || err != nil || len(entries) != maxFiles+2 {
		t.Errorf("%d entries, %v; not removed (-want +got):\n%s", len(entries), err, diff)
	}
}
