package metrics

import (
	"io/fs"
	"runtime"
	"strconv"
	"strings"
)

// ticks is how many of the kernel's ticks make a second in what it tells programs:
// USER_HZ, which is 100 on every platform that Go runs on.
const ticks = 100

// Process is how a process fares. What cannot be read is 0, which no process that lives
// has of any of these for long.
type Process struct {
	Goroutines  int
	Resident    uint64  // bytes of memory
	Descriptors int     // open files and sockets
	CPU         float64 // seconds of a processor used, in user and system mode
	Started     float64 // seconds since 1970
}

// ReadProcess looks at this process. proc is its proc file system (proc(5)), of
// pages of that many bytes.
func ReadProcess(proc fs.FS, pageSize int) Process {
	p := Process{Goroutines: runtime.NumGoroutine()}
	if text, err := fs.ReadFile(proc, "self/statm"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			pages, _ := strconv.ParseUint(fields[1], 10, 64)
			p.Resident = pages * uint64(pageSize)
		}
	}
	if open, err := fs.ReadDir(proc, "self/fd"); err == nil {
		p.Descriptors = len(open)
	}
	p.readStat(proc)
	return p
}

// readStat reads the times. The name of the program, in parentheses, may hold spaces
// and parentheses itself: the fields are counted from behind it.
func (p *Process) readStat(proc fs.FS) {
	text, err := fs.ReadFile(proc, "self/stat")
	if err != nil {
		return
	}
	const state, userTime, systemTime, startTime = 3, 14, 15, 22 // as proc(5) numbers them
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) <= startTime-state {
		return
	}
	at := func(field int) float64 {
		n, err := strconv.ParseUint(fields[field-state], 10, 64)
		if err != nil {
			return 0
		}
		return float64(n) / ticks
	}
	p.CPU = at(userTime) + at(systemTime)
	if boot := bootTime(proc); boot > 0 && at(startTime) > 0 {
		p.Started = boot + at(startTime)
	}
}

// bootTime returns when the machine started in seconds since 1970, 0 for unknown.
func bootTime(proc fs.FS) float64 {
	text, err := fs.ReadFile(proc, "stat")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "btime "); ok {
			seconds, _ := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return seconds
		}
	}
	return 0
}

// Write writes what is known of the process.
func (p Process) Write(to *Page) {
	gauge := func(name, help string, value float64) {
		if value > 0 {
			to.Begin(Gauge, name, help)
			to.Add(value)
		}
	}
	gauge("go_goroutines", "Goroutines that there are.", float64(p.Goroutines))
	if p.CPU > 0 {
		to.Begin(Counter, "process_cpu_seconds_total", "Seconds of processor time used.")
		to.Add(p.CPU)
	}
	gauge("process_open_fds", "Open file descriptors.", float64(p.Descriptors))
	gauge("process_resident_memory_bytes", "Bytes of resident memory.", float64(p.Resident))
	gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", p.Started)
}
