package measure

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
)

// Process is a running process.
type Process struct {
	PID, Parent int
	Args        []string // its command line; empty for the kernel's own
}

// Processes lists the processes there are. proc is /proc.
func Processes(proc fs.FS) ([]Process, error) {
	entries, err := fs.ReadDir(proc, ".")
	if err != nil {
		return nil, err
	}
	var all []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		p, err := readProcess(proc, pid)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func readProcess(proc fs.FS, pid int) (Process, error) {
	line, err := fs.ReadFile(proc, fmt.Sprintf("%d/cmdline", pid))
	if err != nil {
		return Process{}, err
	}
	stat, err := fs.ReadFile(proc, fmt.Sprintf("%d/stat", pid))
	if err != nil {
		return Process{}, err
	}
	const ppid = 4
	parent, err := statField(string(stat), ppid)
	if err != nil {
		return Process{}, err
	}
	p := Process{PID: pid, Parent: int(parent)}
	if text := strings.TrimRight(string(line), "\x00"); text != "" {
		p.Args = strings.Split(text, "\x00")
	}
	return p, nil
}
