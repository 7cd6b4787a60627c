package pluginserver

import (
	"context"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pathCheck is the least time between two looks at the path for the sake of events:
	// each costs a system call.
	pathCheck = 10 * time.Millisecond
	// probeTime bounds the attempt to reach whoever listens at the path.
	probeTime = 100 * time.Millisecond
)

// succession knows whether this process has been superseded: another one listens at its
// path. Kong then connects to that one, but on connections that it has kept it goes on
// with this one.
//
// Those connections are a danger. At `kong reload` the new workers run before the new
// plugin process does. They connect to the old process, which is killed without notice
// when the old worker 0 has ended, and the requests that it is serving then fail. And
// when worker 0 crashes nobody ends the old process at all, which goes on with
// counters and keys of its own. So a superseded process answers each event as if the
// instance were unknown, by closing the connection before any PDK call: Kong starts
// the instance anew and repeats the event, on its other old connections until the last
// is used up, and then over a new one. Events under way finish, and a START is answered:
// to close would fail the request. Idle connections stay open too: Kong may be taking
// one up at that moment, and fails a request whose command it cannot write.
type succession struct {
	path string
	own  func() fs.FileInfo // the socket that this process listens on

	next  atomic.Int64 // when to look again, in Unix nanoseconds
	found atomic.Bool

	mu    sync.Mutex
	other fs.FileInfo // the socket of the process that was found last
	heard time.Time   // when it last accepted
}

// succession watches the path of a socket.
func (k *keptSocket) succession() *succession {
	return &succession{path: k.path, own: func() fs.FileInfo { return k.current().own }}
}

// superseded reports whether another process listens at the path; what it knows is
// pathCheck old at most. Without a path there is none.
func (s *succession) superseded() bool {
	if s == nil {
		return false
	}
	now, next := time.Now().UnixNano(), s.next.Load()
	if now >= next && s.next.CompareAndSwap(next, now+int64(pathCheck)) {
		s.found.Store(s.look())
	}
	return s.found.Load()
}

// look asks the path. A file that is not our socket is no proof, as there are file
// systems that number files anew, and a socket may have outlived its process: taking
// either for a successor would send all events in circles.
func (s *succession) look() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := os.Lstat(s.path)
	if err != nil || now.Mode()&fs.ModeSocket == 0 || os.SameFile(now, s.own()) {
		s.other = nil
		return false
	}
	if s.other != nil && os.SameFile(now, s.other) && time.Since(s.heard) < socketCheck {
		return true
	}
	s.other = nil
	if !reachesAnother(s.path) {
		return false
	}
	s.other, s.heard = now, time.Now()
	return true
}

// reachesAnother reports whether a process other than this one accepts at path.
func reachesAnother(path string) bool {
	nc, err := net.DialTimeout("unix", path, probeTime)
	if err != nil {
		return false
	}
	defer nc.Close()
	pid, err := listenerPID(nc.(*net.UnixConn))
	return err == nil && pid != os.Getpid()
}

// orphan measures how long a superseded process has been without connections.
type orphan struct {
	patience time.Duration
	since    time.Time // zero while it is not one
}

// over reports whether the process may end.
func (o *orphan) over(now time.Time, superseded bool, connections int) bool {
	if !superseded || connections > 0 {
		o.since = time.Time{}
		return false
	}
	if o.since.IsZero() {
		o.since = now
	}
	return now.Sub(o.since) >= o.patience
}

// awaitOrphanhood calls end when the process has been superseded and without
// connections for Options.Orphaned. That is not Kong's task: a plugin process whose
// nginx worker crashed has nobody left who would signal it.
func (s *server) awaitOrphanhood(ctx context.Context, end func()) {
	o := orphan{patience: s.opts.Orphaned}
	ticker := time.NewTicker(socketCheck)
	defer ticker.Stop()
	for told := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		superseded := s.succession.superseded()
		if superseded != told {
			told = superseded
			s.opts.Log.Info("succession", "superseded", superseded, "socket", s.opts.SocketPath)
			if s.opts.Superseded != nil {
				s.opts.Superseded(superseded)
			}
		}
		if o.over(time.Now(), superseded, len(s.remaining())) {
			s.opts.Log.Info("superseded and without connections, ending", "socket", s.opts.SocketPath)
			end()
			return
		}
	}
}
