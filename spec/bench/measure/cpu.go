package measure

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrProc is a file of /proc that does not read as proc(5) says.
var ErrProc = errors.New("malformed file in /proc")

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every Linux that
// Go runs on.
const tick = 10 * time.Millisecond

// CPUTime returns the CPU time that processes have used, in user and kernel mode
// together. proc is /proc.
//
// /proc/PID/stat counts all threads that ever were, in ticks of 10 ms.
// /proc/PID/task/TID/schedstat counts nanoseconds, of the threads that still are.
// Neither says more than there was, so the larger one is the better.
func CPUTime(proc fs.FS, pids ...int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		whole, err := statTime(proc, pid)
		if err != nil {
			return 0, err
		}
		fine, err := schedTime(proc, pid)
		if err != nil {
			return 0, err
		}
		sum += max(whole, fine)
	}
	return sum, nil
}

func statTime(proc fs.FS, pid int) (time.Duration, error) {
	text, err := fs.ReadFile(proc, fmt.Sprintf("%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(text))
}

// parseStat adds utime and stime.
func parseStat(text string) (time.Duration, error) {
	const utime, stime = 14, 15
	user, err := statField(text, utime)
	if err != nil {
		return 0, err
	}
	system, err := statField(text, stime)
	return time.Duration(user+system) * tick, err
}

// statField returns a number of /proc/PID/stat by its place in proc(5), from the
// fourth on. The second is the program's name in parentheses, and may hold spaces
// and parentheses itself.
func statField(text string, place int) (int64, error) {
	const behindName = 3
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(fields) <= place-behindName {
		return 0, fmt.Errorf("%w: stat: expected a field %d, got %d", ErrProc, place, len(fields)+behindName-1)
	}
	n, err := strconv.ParseInt(fields[place-behindName], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: stat: field %d: %w", ErrProc, place, err)
	}
	return n, nil
}

func schedTime(proc fs.FS, pid int) (time.Duration, error) {
	dir := fmt.Sprintf("%d/task", pid)
	tasks, err := fs.ReadDir(proc, dir)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, t := range tasks {
		text, err := fs.ReadFile(proc, dir+"/"+t.Name()+"/schedstat")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the thread has ended, or the kernel keeps no such statistics
		}
		if err != nil {
			return 0, err
		}
		d, err := parseSchedstat(string(text))
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}

// parseSchedstat returns the first of three fields, the time on a CPU in
// nanoseconds.
func parseSchedstat(text string) (time.Duration, error) {
	fields := strings.Fields(text)
	if len(fields) != 3 {
		return 0, fmt.Errorf("%w: schedstat: expected 3 fields, got %d", ErrProc, len(fields))
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: schedstat: %w", ErrProc, err)
	}
	return time.Duration(n), nil
}
