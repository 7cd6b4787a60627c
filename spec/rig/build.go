package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
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
	return b, build(root, dir+"/", "./plugins/auth-diagnosis", "./cmd/kongdev")
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
	program := filepath.Join(filepath.Dir(bins.Plugin), "spec", "auth-diagnosis")
	return program, build(root, program, "-tags", "spec", "./plugins/auth-diagnosis")
})

func build(root, to string, args ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-o", to}, args...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building: %w\n%s", err, out)
	}
	return nil
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
