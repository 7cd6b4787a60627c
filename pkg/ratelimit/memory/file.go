package memory

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"kong-plugin-auth-diagnosis/pkg/atomicfile"
)

// maxFile bounds a file of saved counters in bytes: ten million keys.
const maxFile = 256 << 20

// Save writes the counts of all windows that have not ended by now to the file
// at path. It works beside requests and holds no lock while it writes. After a
// crash or an error the file is the old one or the new, as a whole.
//
// Of more counters than a file may hold it writes some and returns
// [ErrSnapshotSize].
func (l *Limiter) Save(now time.Time, path string) error {
	left := 0
	err := replace(path, func(w io.Writer) (err error) {
		left, err = encode(w, now, l.maxFile, l.table.Batches())
		return err
	})
	if err == nil && left > 0 {
		err = fmt.Errorf("%w: %d counters left out", ErrSnapshotSize, left)
	}
	return err
}

// Load takes over the counts that Save wrote, of windows that have not ended by
// now. It is for a Limiter that has not counted yet: a key with counts keeps them
// and gets no others. No file is no error; one that is damaged or something else
// leaves the Limiter as it was and returns [ErrSnapshot] or [ErrSnapshotSize].
//
// Whoever can write to the file decides what keys have used, so its directory
// must be one that nobody else can write to.
func (l *Limiter) Load(now time.Time, path string) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(path)
	_ = atomicfile.Prune(root, name+".", now) // what stays does no harm
	// Before it is opened: that would wait for the other end of a pipe.
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: not a plain file", ErrSnapshot)
	}
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return err
	}
	if info.Size() > l.maxFile {
		return fmt.Errorf("%w: expected at most %d bytes, got %d", ErrSnapshotSize, l.maxFile, info.Size())
	}
	return decode(f, info.Size(), l.restore(now))
}

// replace replaces the file at path with what write makes.
func replace(path string, write func(io.Writer) error) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer root.Close()
	return atomicfile.Write(root, filepath.Base(path), write)
}
