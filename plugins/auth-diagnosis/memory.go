package main

import (
	"io/fs"
	"log/slog"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	// memoryShare is the part of a container's memory that the heap may take
	// before the collector works harder: half, for nginx lives in there too.
	memoryShare = 2
	// unlimited is where version 1's way of saying "no limit" begins; it is the
	// largest int64, rounded down to a page.
	unlimited = 1 << 62
)

// limitMemory has the garbage collector heed the container's limit, as it heeds
// GOMEMLIMIT by itself, which goes first. The number of processors needs no such
// care: since Go 1.25 the runtime takes it from the container.
func limitMemory(log *slog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit, ok := containerMemory(os.DirFS("/")); ok {
		debug.SetMemoryLimit(limit / memoryShare)
		log.Info("memory limit", "bytes", limit/memoryShare, "container", limit)
	}
}

// containerMemory returns the memory limit in bytes that the kernel puts on this
// process, the least of its control group's and all groups' above (cgroups(7)),
// and whether there is one. root is the file system from / on.
func containerMemory(root fs.FS) (limit int64, ok bool) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		mount, file := "", ""
		switch {
		case parts[0] == "0" && parts[1] == "":
			mount, file = "sys/fs/cgroup", "memory.max"
		case parts[1] == "memory":
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// A container may see the path that the host has for its group while its
		// own root is mounted: what does not exist is passed over on the way up.
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			if l, found := readLimit(root, path.Join(mount, group, file)); found && (!ok || l < limit) {
				limit, ok = l, true
			}
			if group == "/" {
				break
			}
		}
	}
	return limit, ok
}

// readLimit reads one limit; "max" is none.
func readLimit(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	l, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return l, err == nil && l > 0 && l < unlimited
}
