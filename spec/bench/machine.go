//go:build spec

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// setting says on what figures are measured, and what is.
func (b *bench) setting() string {
	return fmt.Sprintf("%d × %s, Linux %s, %s, revision %s", runtime.NumCPU(), cpuModel(), kernel(), runtime.Version(), b.revision())
}

// revision is the commit of the project's folder, "-dirty" if files differ.
func (b *bench) revision() string {
	cmd := exec.CommandContext(b.ctx, "git", "describe", "--always", "--dirty")
	cmd.Dir = b.root
	out, err := cmd.Output()
	if err != nil {
		return "unknown" // an archive has none
	}
	return strings.TrimSpace(string(out))
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH // ARM names no model
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "(unknown)"
	}
	return strings.TrimSpace(string(text))
}
