package atomicfile_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/atomicfile"
)

// In the environment of a test's child process: what becomes of it, and the
// directory that it writes to.
const (
	childFate = "ATOMICFILE_CHILD_FATE"
	childDir  = "ATOMICFILE_CHILD_DIR"
)

// fates are what a process has to go through that cannot be done to the test's.
var fates = map[string]func(*os.Root) error{
	// A full disk, as near as one comes to it without a disk.
	"runs into a limit": func(dir *os.Root) error {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1000, Max: 1000}); err != nil {
			return err
		}
		return atomicfile.Write(dir, "state", text(strings.Repeat("new ", 1000)))
	},
	// Nobody but root may write where it is not permitted.
	"has no permission": func(dir *os.Root) error {
		const nobody = 65534
		if os.Geteuid() == 0 {
			if err := syscall.Setuid(nobody); err != nil {
				return err
			}
		}
		return atomicfile.Write(dir, "state", text("new"))
	},
	"is killed": func(dir *os.Root) error {
		return atomicfile.Write(dir, "state", func(w io.Writer) error {
			err := text("ne")(w)
			fmt.Println("half way")
			_, end := io.Copy(io.Discard, os.Stdin) // until the test ends, at the latest
			return errors.Join(err, end)
		})
	},
}

func TestMain(m *testing.M) {
	if fate := os.Getenv(childFate); fate != "" {
		dir, err := os.OpenRoot(os.Getenv(childDir))
		if err == nil {
			err = fates[fate](dir)
		}
		fmt.Println(err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestProcessThatCannotWriteLeavesTheOldFile(t *testing.T) {
	for fate, tt := range map[string]struct {
		mode fs.FileMode // of the directory
		said string      // by the child
		kill bool        // once it has said so
		left []string    // in the directory
	}{
		"runs into a limit": {mode: 0o700, said: syscall.EFBIG.Error(), left: []string{"state"}},
		"has no permission": {mode: 0o500, said: syscall.EACCES.Error(), left: []string{"state"}},
		"is killed":         {mode: 0o700, said: "half way", kill: true, left: []string{"state", "state temp"}},
	} {
		t.Run(fate, func(t *testing.T) {
			dir, path := openRoot(t)
			if err := atomicfile.Write(dir, "state", text("old")); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			said := child(t, fate, path, tt.kill)
			if err := os.Chmod(path, 0o700); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(said, tt.said) {
				t.Errorf("expected %q, got %q", tt.said, said)
			}
			if got, err := os.ReadFile(filepath.Join(path, "state")); err != nil || string(got) != "old" {
				t.Errorf("expected the old content, got %q, %v", got, err)
			}
			if diff := cmp.Diff(tt.left, list(t, path)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			// What a crash left is kept for as long as it may be another's work.
			for _, later := range []struct {
				after time.Duration
				left  []string
			}{{0, tt.left}, {2 * time.Hour, []string{"state"}}} {
				if err := atomicfile.Prune(dir, "state.", time.Now().Add(later.after)); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(later.left, list(t, path)); diff != "" {
					t.Errorf("files after %v (-want +got):\n%s", later.after, diff)
				}
			}
		})
	}
}

// child runs this program for a fate, until its end or its first line, which it
// returns.
func child(t *testing.T, fate, dir string, kill bool) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFate+"="+fate, childDir+"="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Errorf("the child said nothing: %v", err)
	}
	if kill {
		_ = cmd.Process.Kill()
	}
	_ = cmd.Wait()
	return line
}
