package rig

import (
	"os"
	"testing"
)

// Dir makes a folder that any user may read and write, until the test ends: Kong's
// workers, and the plugin with them, drop their privileges, and the parents of a test's
// own temporary folder are the test's alone.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "spec")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}
