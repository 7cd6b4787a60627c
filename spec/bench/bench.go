//go:build spec

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"kong-plugin-auth-diagnosis/spec/bench/load"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// settings say how much is measured.
type settings struct {
	runs     int
	requests int           // of one measurement through a gateway
	loop     time.Duration // of one measurement without
	tokens   []int         // sizes of the growth by tokens
	crowds   []int         // the same for the verdict alone, as its benchmark has them
	routes   []int         // sizes of the growth by instances
	conns    []int         // sizes of the growth by connections
	kong     string        // the program of a Kong; "" for none
}

// usual takes some minutes. A measurement of 2000 requests takes about a quarter
// of a second of CPU time.
var usual = settings{
	runs:     7,
	requests: 2000,
	loop:     100 * time.Millisecond,
	tokens:   []int{10, 1000, 10_000, 100_000},
	crowds:   []int{10, 1000, 10_000, 100_000},
	routes:   []int{1, 10, 200},
	conns:    []int{1, 4, 16, 64},
}

// bench is what the groups share.
type bench struct {
	settings
	ctx      context.Context
	root     string // the project's folder
	dir      string // for what is built
	machine  string // at the start: what is written makes the folder differ from its commit
	proc     fs.FS
	upstream *load.Upstream
	built    bool // package rig has built the gateway and the plugin
}

func newBench(ctx context.Context, s settings) (*bench, error) {
	root, err := rig.Root()
	if err != nil {
		return nil, err
	}
	upstream, err := load.StartUpstream()
	if err != nil {
		return nil, err
	}
	dir, err := openDir()
	if err != nil {
		return nil, err
	}
	b := &bench{settings: s, ctx: ctx, root: root, dir: dir, proc: os.DirFS("/proc"), upstream: upstream}
	b.machine = b.setting()
	return b, nil
}

// close leaves nothing behind; what is left running at its end is not its own.
func (b *bench) close() {
	b.upstream.Close()
	os.RemoveAll(b.dir)
}

// openDir makes a folder that any user may enter: a Kong's workers drop their
// privileges.
func openDir() (string, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o777)
}

// The two plugins that run one handler on two servers.
const (
	own   = "bench-own"
	stock = "bench-stock"
)

// program builds one of the two plugins, and returns its path.
func (b *bench) program(name string) (string, error) {
	path := filepath.Join(b.dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	folder := filepath.Join(b.root, "spec", "bench", "plugin")
	args := []string{"build", "-buildvcs=false", "-tags", "spec", "-o", path}
	if name == stock {
		// A module of its own, for what only go-pdk's server needs.
		handler, module := filepath.Join(folder, "handler.go"), filepath.Join(b.root, "spec", "bench", "testdata", "gopdk")
		overlay, err := b.overlay(filepath.Join(module, "handler.go"), handler)
		if err != nil {
			return "", err
		}
		args, folder = append(args, "-overlay", overlay), module
	}
	return path, b.gotool(folder, append(args, ".")...)
}

// overlay writes a file for go build's -overlay that puts a file where there is
// none.
func (b *bench) overlay(missing, file string) (string, error) {
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{missing: file}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o644)
}

// gotool runs the go command in a folder.
func (b *bench) gotool(folder string, args ...string) error {
	cmd := exec.CommandContext(b.ctx, "go", args...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", args[0], err, out)
	}
	return nil
}
