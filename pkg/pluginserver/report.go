package pluginserver

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"
)

// reportEvery is the least time between two log lines about the same thing.
const reportEvery = 10 * time.Second

// limitedLog writes at most one line per key and reportEvery, with the number of lines
// left out since. Kong puts a plugin's output into its error log: a panic per request
// must not become a stack per request. Keys are constants or places in the code, so
// there are few.
type limitedLog struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	keys map[string]*reported
}

type reported struct {
	last time.Time
	more int // lines suppressed since last
}

func newLimitedLog(log *slog.Logger, now func() time.Time) *limitedLog {
	return &limitedLog{log: log, now: now, keys: map[string]*reported{}}
}

func (l *limitedLog) warn(key, msg string, args ...any) {
	if more, ok := l.allow(key); ok {
		if more > 0 {
			args = append(args, "suppressed", more)
		}
		l.log.Warn(msg, args...)
	}
}

// allow reports whether a line may be written, and how many were not since the last.
func (l *limitedLog) allow(key string) (more int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	r := l.keys[key]
	if r == nil {
		l.keys[key] = &reported{last: now}
		return 0, true
	}
	if now.Sub(r.last) < reportEvery {
		r.more++
		return 0, false
	}
	more, r.last, r.more = r.more, now, 0
	return more, true
}

// report logs that an event ended as a fault. Panics have their own line.
func (s *server) report(f Fault) {
	if f.Kind != FaultPanic {
		s.log.warn("fault "+f.Kind.String(), "event ended by the server", "fault", f.Kind.String(), "phase", f.Phase)
	}
}

// reportPanic logs a panic with its stack. The value is named only if the runtime made
// it: any other may hold data of the request. The stack has functions and lines, not the
// words that a traceback prints as arguments.
func (s *server) reportPanic(value any) {
	what := fmt.Sprintf("%T", value)
	switch v := value.(type) {
	case nil:
		what = "handler ended its goroutine"
	case runtime.Error:
		what = v.Error()
	}
	place, stack := trace()
	s.log.warn("panic "+place, "handler panicked", "panic", what, "stack", stack)
}

// trace returns where the panic was raised, and the call stack from there, innermost
// first, on one line.
func trace() (place, stack string) {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var lines []string
	raised := false
	for {
		f, more := frames.Next()
		switch {
		case !raised && (f.Function == "runtime.gopanic" || f.Function == "runtime.Goexit"):
			raised, lines = true, nil // until here it was our own deferred function
		case f.Function != "" && !strings.HasPrefix(f.Function, "runtime."):
			lines = append(lines, fmt.Sprintf("%s (%s:%d)", f.Function, f.File, f.Line))
		}
		if !more {
			break
		}
	}
	if len(lines) == 0 {
		return "unknown", ""
	}
	return lines[0], strings.Join(lines, " < ")
}
