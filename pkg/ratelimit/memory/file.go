package memory

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// maxFile bounds a file of saved counters in bytes: ten million keys.
	maxFile = 256 << 20

	tempSuffix = ".tmp"
	// tempAge is when a temporary file must be of a process that died over it.
	tempAge = time.Hour
)

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
	prune(root, name, now)
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
	// A name of its own: after a reload two processes may write for a while.
	name := filepath.Base(path)
	temp := fmt.Sprintf("%s.%d%s", name, os.Getpid(), tempSuffix)
	if err = fill(root, temp, write); err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		_ = root.Remove(temp)
		return err
	}
	return flush(root)
}

// fill writes a file to the disk.
func fill(root *os.Root, name string, write func(io.Writer) error) error {
	_ = root.Remove(name) // of an earlier process with this number
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// flush writes the directory itself to the disk.
func flush(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// prune removes what crashes left of earlier writes. What it cannot remove does
// no harm.
func prune(root *os.Root, name string, now time.Time) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), name+".") || !strings.HasSuffix(e.Name(), tempSuffix) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > tempAge {
			_ = root.Remove(e.Name())
		}
	}
}
