package jwks

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

const (
	// restoreWait bounds how long Store.Set waits for the disk. A file is read
	// in less than a millisecond; a disk that hangs must hold up nobody.
	restoreWait = 200 * time.Millisecond
	// saveEvery is the least time between two writes of unchanged keys.
	saveEvery = 10 * time.Second
)

// keeper keeps one key set on disk. Only its worker's goroutine uses it; a nil
// one keeps nothing.
type keeper struct {
	dir    *StateDir
	source sourceKey
	last   time.Time // when it last wrote
}

// newKeeper returns nil without a directory, and for keys that may not be used
// once a refresh has failed: a restart must not make them last.
func newKeeper(dir *StateDir, src Source) *keeper {
	if dir == nil || src.MaxStale <= 0 {
		return nil
	}
	return &keeper{dir: dir, source: src.binding()}
}

func (k *keeper) name() string { return fmt.Sprintf("%s%x", savedPrefix, k.source) }

// load returns what was saved, with its times on the clock of now; nil for
// nothing.
func (k *keeper) load(documents int, now time.Time) (*saved, error) {
	if k == nil {
		return nil, nil
	}
	file, seen, err := k.dir.read(k.name())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := decodeSaved(file, k.source, documents)
	if err == nil {
		err = s.asOf(now, seen)
	}
	if err != nil {
		return nil, fmt.Errorf("file %q: %w", k.name(), err)
	}
	return s, nil
}

// keep writes a key set of which something was just fetched.
func (k *keeper) keep(s *saved, changed bool, now time.Time) error {
	if !changed && within(now, k.last, saveEvery) {
		return nil
	}
	// The wall clock may have been set since these times were taken; ages hold.
	wall := saved{past: s.past, parts: make([]part, len(s.parts))}
	if !s.complete.IsZero() {
		wall.complete = now.Add(-now.Sub(s.complete))
	}
	for i, p := range s.parts {
		if !p.at.IsZero() {
			wall.parts[i] = part{keys: p.keys, at: now.Add(-now.Sub(p.at))}
		}
	}
	if err := k.dir.write(k.name(), wall.encode(k.source), now); err != nil {
		return err
	}
	k.last = now
	return nil
}

// restore publishes the keys that the disk has. They serve as after a failed
// refresh, for nobody knows how the refreshes since have gone: up to max_stale
// after their fetch, and not a moment longer.
func (w *worker) restore() {
	defer close(w.restored)
	now := w.store.now()
	s, err := w.keeper.load(len(w.parts), now)
	w.stateFault = err
	if s == nil {
		return
	}
	w.parts = s.parts
	keys, fetched := w.merge(now)
	ring := newKeyring(keys)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.Store(&state{
		keys: ring, past: newHistory(s.past, ring), generation: w.store.generations.Add(1),
		fetched: fetched, complete: s.complete, failed: now, refreshing: true,
	})
}

// save keeps what a fetch brought. A fetch that brought nothing leaves the time
// in the file's place: should the clock be set back, that much has passed.
func (w *worker) save(s *state, fresh, changed bool, now time.Time) error {
	switch {
	case w.keeper == nil || s.keys == nil:
		return nil
	case fresh:
		return w.keeper.keep(&saved{complete: s.complete, parts: w.parts, past: s.past.all()}, changed, now)
	}
	return w.keeper.dir.touch(w.keeper.name(), now)
}

// awaitRestore returns when the disk has been read, or takes too long.
func (w *worker) awaitRestore() {
	if w.keeper == nil {
		return
	}
	select {
	case <-w.restored:
		return
	default:
	}
	timer := time.NewTimer(restoreWait)
	defer timer.Stop()
	select {
	case <-w.restored:
	case <-timer.C:
	}
}
