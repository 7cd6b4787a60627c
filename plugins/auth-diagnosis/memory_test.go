package main

import (
	"bytes"
	"log/slog"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestContainerMemory(t *testing.T) {
	const v2, v1 = "sys/fs/cgroup", "sys/fs/cgroup/memory"
	for name, tt := range map[string]struct {
		files map[string]string
		want  int64 // 0 for no limit
	}{
		"no cgroups": {},
		"version 2, in a namespace": {map[string]string{
			"proc/self/cgroup": "0::/\n",
			v2 + "/memory.max": "536870912\n",
		}, 512 << 20},
		"version 2, no limit": {map[string]string{
			"proc/self/cgroup": "0::/\n",
			v2 + "/memory.max": "max\n",
		}, 0},
		"version 2, a pod's limit above the container's": {map[string]string{
			"proc/self/cgroup":          "0::/pod/kong\n",
			v2 + "/pod/memory.max":      "268435456\n",
			v2 + "/pod/kong/memory.max": "max\n",
		}, 256 << 20},
		"version 2, the least counts": {map[string]string{
			"proc/self/cgroup":          "0::/pod/kong\n",
			v2 + "/pod/memory.max":      "268435456\n",
			v2 + "/pod/kong/memory.max": "1048576\n",
		}, 1 << 20},
		"version 2, the host's path and the container's root": {map[string]string{
			"proc/self/cgroup": "0::/docker/0123abcd\n",
			v2 + "/memory.max": "1073741824\n",
		}, 1 << 30},
		"version 2, outside the namespace": {map[string]string{
			"proc/self/cgroup":      "0::/../../kong\n",
			v2 + "/kong/memory.max": "1073741824\n",
		}, 1 << 30},
		"version 1": {map[string]string{
			"proc/self/cgroup":                        "9:name=systemd:/\n4:memory:/docker/0123\n0::/\n",
			v1 + "/docker/0123/memory.limit_in_bytes": "134217728\n",
			v1 + "/memory.limit_in_bytes":             "9223372036854771712\n",
		}, 128 << 20},
		"version 1, no limit": {map[string]string{
			"proc/self/cgroup":            "4:memory:/\n",
			v1 + "/memory.limit_in_bytes": "9223372036854771712\n",
		}, 0},
		"not what the kernel writes": {map[string]string{
			"proc/self/cgroup": "memory\n::\n0::/\n",
			v2 + "/memory.max": "-1\n",
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{}
			for file, text := range tt.files {
				root[file] = &fstest.MapFile{Data: []byte(text)}
			}
			got, ok := containerMemory(root)
			if ok != (tt.want > 0) || ok && got != tt.want {
				t.Errorf("got %d, %t, expected %d", got, ok, tt.want)
			}
		})
	}
}

func TestGoMemLimitGoesFirst(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	var log bytes.Buffer
	before := debug.SetMemoryLimit(-1)
	limitMemory(slog.New(slog.NewTextHandler(&log, nil)))
	if now := debug.SetMemoryLimit(-1); now != before || log.Len() != 0 {
		t.Errorf("limit went from %d to %d, log %q", before, now, log.String())
	}
}
