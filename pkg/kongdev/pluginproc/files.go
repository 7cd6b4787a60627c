package pluginproc

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// What `worker_rlimit_nofile auto` lies between.
const (
	leastFiles = 1024
	mostFiles  = 16384
)

// OpenFiles is the value of `worker_rlimit_nofile auto`: the shell's limit, within
// Kong's bounds (get_ulimit and compile_conf in kong/cmd/utils/prefix_handler.lua).
// The process's own limit would not do: Go's runtime raises it.
func OpenFiles() (int, error) {
	out, err := exec.Command("/bin/sh", "-c", "ulimit -n").Output()
	if err != nil {
		return 0, fmt.Errorf("asking for the limit of open files: %w", err)
	}
	return clampFiles(strings.TrimSpace(string(out)))
}

func clampFiles(ulimit string) (int, error) {
	if strings.Contains(strings.ToLower(ulimit), "unlimited") {
		return mostFiles, nil
	}
	n, err := strconv.Atoi(ulimit)
	if err != nil {
		return 0, fmt.Errorf("expected a number of open files, got %q", ulimit)
	}
	return max(leastFiles, min(n, mostFiles)), nil
}
