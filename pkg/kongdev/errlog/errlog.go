// Package errlog writes an error log in nginx's form: time, level, process,
// message. It is shared by everything in the gateway.
package errlog

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Level is an nginx log level; a smaller one is more severe.
type Level int

// Levels, as ngx.ALERT to ngx.DEBUG.
const (
	Emerg Level = iota + 1
	Alert
	Crit
	Err
	Warn
	Notice
	Info
	Debug
)

var names = []string{"", "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}

// ParseLevel returns the level called name, Notice for an unknown one.
func ParseLevel(name string) Level {
	if i := slices.Index(names, name); i > 0 {
		return Level(i)
	}
	return Notice
}

// Log is safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	w     io.Writer
	level Level
	now   func() time.Time
	pid   int
}

// New writes lines of at most the given level to w.
func New(w io.Writer, level Level, now func() time.Time) *Log {
	return &Log{w: w, level: level, now: now, pid: os.Getpid()}
}

// maxLine is OpenResty's NGX_MAX_ERROR_STR in bytes, the line's end included.
const maxLine = 4096

// Printf writes one line; line breaks in the message become spaces. A line that is too
// long is cut, whatever it is about.
func (l *Log) Printf(level Level, format string, args ...any) {
	if level > l.level {
		return
	}
	msg := strings.Map(oneLine, fmt.Sprintf(format, args...))
	l.mu.Lock()
	defer l.mu.Unlock()
	line := fmt.Sprintf("%s [%s] %d#0: %s", l.now().Format("2006/01/02 15:04:05"), names[level], l.pid, msg)
	fmt.Fprintln(l.w, line[:min(len(line), maxLine-1)])
}

func oneLine(r rune) rune {
	if r == '\n' || r == '\r' {
		return ' '
	}
	return r
}
