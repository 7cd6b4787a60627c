//go:build spec

package chaos

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// stateRig keeps keys in a folder below dir, and asks for new ones every second.
func stateRig(t *testing.T, dir string) *rig.Rig {
	t.Helper()
	return start(t, rig.Options{Config: routes(route{name: "a", extra: eager}), Args: "-state-dir " + dir})
}

// saved returns the saved key sets below dir, without those that are being written.
func saved(dir string) []byte {
	names, _ := filepath.Glob(filepath.Join(dir, "*", "jwks-*"))
	var all []byte
	for _, name := range names {
		if strings.HasSuffix(name, ".tmp") {
			continue
		}
		text, _ := os.ReadFile(name)
		all = append(all, text...)
	}
	return all
}

// awaitSaved waits until other keys are saved than those before.
func awaitSaved(t *testing.T, dir string, before []byte) {
	t.Helper()
	until(t, func() error {
		if now := saved(dir); len(now) == 0 || bytes.Equal(now, before) {
			return fmt.Errorf("no new keys in %s", dir)
		}
		return nil
	})
}

// TestStateDiskIsFull rotates keys while nothing can be written: the new ones serve
// all the same. When there is room again they are saved, and outlive the process.
func TestStateDiskIsFull(t *testing.T) {
	dir := rig.Dir(t)
	r := stateRig(t, dir)
	awaitSaved(t, dir, nil)
	l := under(t, r)
	release := exhaust(t, r, dir)
	before := saved(dir)
	rotate(t, r, l)
	l.pass(100)
	if !bytes.Equal(saved(dir), before) {
		t.Error("keys were saved on a full disk: nothing was tested")
	}
	release()
	rotate(t, r, l)
	awaitSaved(t, dir, before)
	killWithoutIssuer(t, r, l)
	l.end()
}

// exhaust leaves no room for the files of the plugin process, until release: a limit
// on their size (setrlimit(2)), which unlike a small disk needs no right to mount one.
func exhaust(t *testing.T, r *rig.Rig, dir string) (release func()) {
	t.Helper()
	limit := func(most string) {
		out, err := exec.Command("prlimit", "--pid", fmt.Sprint(pid(t, r)), "--fsize="+most).CombinedOutput()
		if err != nil {
			t.Fatalf("prlimit: %v: %s", err, out)
		}
	}
	limit("16:unlimited")
	return func() { limit("unlimited:unlimited") }
}

// TestStateIsTakenAway replaces the folder of the saved keys by a file, and then by
// nothing, under load.
func TestStateIsTakenAway(t *testing.T) {
	dir := rig.Dir(t)
	r := stateRig(t, dir)
	awaitSaved(t, dir, nil)
	l := under(t, r)
	own := filepath.Join(dir, "auth-diagnosis-state")
	if err := os.Rename(own, own+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	rotate(t, r, l)
	l.pass(100)
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(own + ".away"); err != nil {
		t.Fatal(err)
	}
	rotate(t, r, l)
	awaitSaved(t, dir, nil)
	killWithoutIssuer(t, r, l)
	l.end()
}

// killWithoutIssuer ends the process while nobody gives out keys: its successor has
// those that are saved, and is felt no more than any other.
func killWithoutIssuer(t *testing.T, r *rig.Rig, l *load) {
	t.Helper()
	if err := r.PingFederate.Refuse(); err != nil {
		t.Fatal(err)
	}
	n := pid(t, r)
	l.gap(killedGap(), func() {
		if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, func() error {
			if now, err := r.PluginPid(); err != nil || now == n {
				return fmt.Errorf("process %d is now %d, %v", n, now, err)
			}
			return nil
		})
		await(t, r, "/a", 200)
	})
	l.pass(100)
}
