//go:build spec

package chaos

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// TestKilled ends the process three times, the last two as soon as it is back.
func TestKilled(t *testing.T) {
	r := start(t, rig.Options{})
	l := under(t, r)
	for range 3 {
		before := pid(t, r)
		l.gap(killedGap(), func() {
			if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			until(t, func() error {
				now, err := r.PluginPid()
				if err != nil || now == before {
					return fmt.Errorf("process %d is now %d, %v", before, now, err)
				}
				return nil
			})
			await(t, r, "/a", 200)
		})
	}
	l.pass(100)
	if tally := l.end(); tally.Excused == 0 {
		t.Error("nobody noticed: nothing was tested")
	}
}

// TestStopped halts the process for a while. Requests wait, and get the right answer
// when it goes on.
func TestStopped(t *testing.T) {
	const halt = 2 * time.Second
	r := start(t, rig.Options{})
	l := under(t, r)
	n := pid(t, r)
	if err := syscall.Kill(n, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	<-time.After(halt)
	if err := syscall.Kill(n, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	l.pass(100)
	// Who came into the halt first came some time after its start: half of it is proof.
	if tally := l.end(); tally.Slowest < halt/2 {
		t.Errorf("no request waited for longer than %s: nothing was tested", tally.Slowest)
	}
	if now := pid(t, r); now != n {
		t.Errorf("process %d has become %d", n, now)
	}
}

// TestSocketRemoved takes away the socket's name, as a clean-up of the prefix does.
// Connections that Kong has go on, new ones fail until the plugin listens anew.
func TestSocketRemoved(t *testing.T) {
	r := start(t, rig.Options{})
	l := under(t, r)
	n := pid(t, r)
	for range 2 {
		l.gap(socketGap, func() {
			if err := os.Remove(r.Socket()); err != nil {
				t.Fatal(err)
			}
			until(t, func() error {
				_, err := os.Lstat(r.Socket())
				return err
			})
		})
		l.pass(100)
	}
	if tally := l.end(); tally.Excused == 0 {
		t.Error("nobody noticed: nothing was tested")
	}
	if now := pid(t, r); now != n {
		t.Errorf("process %d has become %d", n, now)
	}
}
