package rig

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Socket is where the plugin process listens.
func (g *Gateway) Socket() string { return filepath.Join(g.Prefix, "auth-diagnosis.socket") }

// PluginPid returns the process that listens at Socket, as the kernel knows it
// (SO_PEERCRED in unix(7)): after a reload the successor, whichever lives.
func (g *Gateway) PluginPid() (int, error) {
	nc, err := net.Dial("unix", g.Socket())
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	raw, err := nc.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *syscall.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, err
	}
	return int(cred.Pid), nil
}

// PluginConnections counts the connections to Socket that a plugin process has open
// (proc(5), /proc/net/unix: those in state 03 that have the listener's path, where its pid
// follows: it was moved to Socket).
func (g *Gateway) PluginConnections(pid int) (n int, err error) {
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return 0, err
	}
	connected := map[string]bool{}
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) == 8 && f[5] == "03" && strings.HasPrefix(f[7], g.Socket()) {
			connected["socket:["+f[6]+"]"] = true
		}
	}
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	fds, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, fd := range fds {
		if name, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil && connected[name] {
			n++
		}
	}
	return n, nil
}

// Vitals are what can be seen of a process from outside.
type Vitals struct {
	RSS         int64 // bytes of memory that are its own: resident, without mapped files
	Threads     int
	Descriptors int
}

// VitalsOf reads a process's vitals (proc(5)).
func VitalsOf(pid int) (v Vitals, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return v, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		n, _ := strconv.Atoi(fields[0])
		switch name {
		case "RssAnon":
			v.RSS = int64(n) << 10
		case "Threads":
			v.Threads = n
		}
	}
	if v.RSS == 0 || v.Threads == 0 {
		return v, fmt.Errorf("process %d: expected RssAnon and Threads in its status", pid)
	}
	open, err := os.ReadDir(filepath.Join(dir, "fd"))
	v.Descriptors = len(open)
	return v, err
}

// Inner is what only the process itself can tell of itself.
type Inner struct {
	Goroutines int
	Heap       int64 // bytes of live objects, by the last garbage collection
}

// InnerOf reads what a plugin writes that BuildClock has made and that runs with
// -vitals FILE.
func InnerOf(file string) (v Inner, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return v, err
	}
	if _, err := fmt.Sscan(string(text), &v.Goroutines, &v.Heap); err != nil {
		return v, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}
