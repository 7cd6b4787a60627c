package rig

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// KillPlugin ends the gateway's plugin process with SIGKILL: the one that
// listens, as after a reload the one before lives on for a while.
func (g *Gateway) KillPlugin() error {
	pid, err := g.PluginPid()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// processes are the gateway's own and its plugin's, as far as they run.
func (g *Gateway) processes() (pids []int) {
	if text, err := os.ReadFile(filepath.Join(g.Prefix, "pids", "nginx.pid")); err == nil {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			pids = append(pids, pid)
		}
	}
	if pid, err := g.PluginPid(); err == nil {
		pids = append(pids, pid)
	}
	return pids
}

// awaitEnd waits until none of the processes runs any more.
func awaitEnd(pids []int) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return Until(ctx, func() error {
		for _, pid := range pids {
			if runs(pid) {
				return fmt.Errorf("process %d does not end", pid)
			}
		}
		return nil
	})
}

// runs reports whether a process has not ended. One that nobody has waited for
// has (proc(5): state Z).
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return !bytes.HasPrefix(state, []byte("Z"))
}
