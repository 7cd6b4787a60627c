package rig

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// KillPlugin ends the gateway's plugin process with SIGKILL, found by the
// prefix on its command line.
func (g *Gateway) KillPlugin() error {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil {
			continue
		}
		args := bytes.Split(bytes.TrimRight(line, "\x00"), []byte{0})
		if len(args) < 3 || filepath.Base(string(args[0])) != "auth-diagnosis" || string(args[2]) != g.Prefix {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	}
	return fmt.Errorf("no plugin process with prefix %q", g.Prefix)
}
