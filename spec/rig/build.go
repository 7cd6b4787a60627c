package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// Root returns the project's folder: the nearest one above the working
// directory that has a go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = parent
	}
}

// Binaries are the programs that a rig runs.
type Binaries struct {
	Plugin string
	Kong   string // the embedded gateway
}

// Build compiles the plugin and the embedded gateway, once per process, into a
// folder that any user may enter: Kong's workers drop their privileges.
var Build = sync.OnceValues(func() (Binaries, error) {
	root, err := Root()
	if err != nil {
		return Binaries{}, err
	}
	dir, err := openDir("auth-diagnosis-bin")
	if err != nil {
		return Binaries{}, err
	}
	b := Binaries{
		Plugin: filepath.Join(dir, "auth-diagnosis"),
		Kong:   filepath.Join(dir, "kongdev"),
	}
	return b, build(root, dir, "", "./plugins/auth-diagnosis", "./cmd/kongdev")
})

// BuildClock compiles the plugin as specs need it, once per process: the only
// one whose clock can be moved (-clock-offset).
var BuildClock = sync.OnceValues(func() (string, error) {
	bins, err := Build()
	if err != nil {
		return "", err
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(filepath.Dir(bins.Plugin), "spec")
	return filepath.Join(dir, "auth-diagnosis"), build(root, dir, "spec", "./plugins/auth-diagnosis")
})

// build puts programs, built with tags, into a folder. They are linked in another,
// which stays, so that go build sees when there is nothing to do: each package of
// specs builds them anew. What runs is a copy, which the next build leaves alone.
func build(root, dir, tags string, packages ...string) error {
	kept := filepath.Join(root, "bin", "spec", tags)
	if err := errors.Join(os.MkdirAll(kept, 0o755), os.MkdirAll(dir, 0o755)); err != nil {
		return fmt.Errorf("building: %w", err)
	}
	release, err := lock(filepath.Join(kept, ".lock"))
	if err != nil {
		return fmt.Errorf("building: %w", err)
	}
	defer release()
	// As in `make build`, but for what it leaves out and names when it links: the
	// compiled packages are the same. The commit would be asked of git, which refuses
	// a work tree of another user's: that is what a container's root often has.
	cmd := exec.Command("go", append([]string{"build", "-trimpath", "-buildvcs=false", "-tags", tags, "-o", kept + "/"}, packages...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building: %w\n%s", err, out)
	}
	for _, p := range packages {
		program, err := os.ReadFile(filepath.Join(kept, filepath.Base(p)))
		if err != nil {
			return fmt.Errorf("building: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(p)), program, 0o755); err != nil {
			return fmt.Errorf("building: %w", err)
		}
	}
	return nil
}

// lock waits until nobody else has locked a file (flock(2)).
func lock(name string) (release func() error, err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// Clean removes what Build made.
func Clean() {
	if b, err := Build(); err == nil {
		os.RemoveAll(filepath.Dir(b.Plugin))
	}
}

// openDir makes a temporary folder with a short name (unix socket paths end at
// about 100 bytes) that every user may use.
func openDir(name string) (string, error) {
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o777)
}
