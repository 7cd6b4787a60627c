package files_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

const (
	plugin    = "auth-diagnosis"
	installed = "/usr/local/bin/" + plugin
)

// binaries is the folder of the programs that build makes; TestMain owns it.
var binaries string

func TestMain(m *testing.M) {
	var err error
	if binaries, err = os.MkdirTemp("", "files"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(binaries)
	os.Exit(code)
}

// build makes the plugin and the stand-ins as the image does, once.
var build = sync.OnceValue(func() error {
	root, err := rig.Root()
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-o", binaries+"/", "./plugins/"+plugin, "./cmd/standin")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building: %w\n%s", err, out)
	}
	return nil
})

// program returns the path of a program built from this tree.
func program(t *testing.T, name string) string {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(binaries, name)
}

// awaitDial waits until somebody listens at an address, and returns why nobody
// does otherwise.
func awaitDial(t *testing.T, network, address string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return rig.Until(ctx, func() error {
		c, err := net.Dial(network, address)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// inRoot returns the path of a file of the project.
func inRoot(t *testing.T, name string) string {
	t.Helper()
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, filepath.FromSlash(name))
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(inRoot(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func exists(t *testing.T, name string) bool {
	t.Helper()
	_, err := os.Stat(inRoot(t, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// under lists the files below a folder of the project that end in one of exts,
// as slash-separated paths from the root.
func under(t *testing.T, folder string, exts ...string) (names []string) {
	t.Helper()
	root := inRoot(t, "")
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, ext := range exts {
			if strings.HasSuffix(path, ext) {
				name, err := filepath.Rel(root, path)
				names = append(names, filepath.ToSlash(name))
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatalf("%s: expected files that end in %q, got none", folder, exts)
	}
	return names
}

// run runs a program in dir and returns what it prints and its exit code.
func run(t *testing.T, dir, name string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
