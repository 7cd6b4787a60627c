package memory

import (
	"sync"
	"time"
)

// Times between two saves: what a process loses that is killed, as Kong kills a
// plugin right after it has asked it to stop. Few counters are saved every
// second. Many take longer to write, and no more than a fiftieth of the time.
const (
	SaveEvery = 15 * time.Second // at most
	saveLeast = time.Second
	saveShare = 50
)

// Hooks are what a Saver uses of its surroundings.
type Hooks struct {
	// Now is the clock that Allow's now comes from.
	Now func() time.Time
	// Report takes the first of a series of errors, and nil when saving works
	// again: one line each for a log. It may be nil.
	Report func(error)
}

// Saver keeps the file of a Limiter's counters up to date.
type Saver struct {
	limiter *Limiter
	path    string
	hooks   Hooks

	stop   chan struct{}
	once   sync.Once
	done   sync.WaitGroup
	failed bool // of the goroutine
}

// Persist takes over the counts in the file at path ([Limiter.Load]) and writes
// new ones there when something was counted, [SaveEvery] later at most, until Close.
// It has to come before the first Allow; what it cannot load is reported and
// replaced by the next save.
func (l *Limiter) Persist(path string, h Hooks) *Saver {
	if h.Report == nil {
		h.Report = func(error) {}
	}
	s := &Saver{limiter: l, path: path, hooks: h, stop: make(chan struct{})}
	if err := l.Load(h.Now(), path); err != nil {
		h.Report(err)
	}
	s.done.Go(s.run)
	return s
}

// Close saves what was counted since the last save and ends the Saver. It waits
// for the disk.
func (s *Saver) Close() {
	s.once.Do(func() { close(s.stop) })
	s.done.Wait()
}

func (s *Saver) run() {
	next := time.NewTimer(saveLeast)
	defer next.Stop()
	for {
		select {
		case <-next.C:
			began := time.Now()
			s.save()
			next.Reset(min(SaveEvery, max(saveLeast, saveShare*time.Since(began))))
		case <-s.stop:
			s.save()
			return
		}
	}
}

// save saves if something was counted since the last save that worked.
func (s *Saver) save() {
	// Before the counters are read: what is counted meanwhile counts as new.
	if !s.limiter.changed.CompareAndSwap(true, false) {
		return
	}
	err := s.limiter.Save(s.hooks.Now(), s.path)
	if err != nil {
		s.limiter.changed.Store(true)
	}
	if failed := err != nil; failed != s.failed {
		s.failed = failed
		s.hooks.Report(err)
	}
}
