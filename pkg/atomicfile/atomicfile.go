// Package atomicfile replaces files as a whole: whoever reads one, after a crash
// too, finds the old content or the new. [Write] does that, and [Prune] removes
// what crashes left of it.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

const (
	tempSuffix = ".tmp"
	// tempAge is when a temporary file must be of a process that died over it.
	tempAge = time.Hour
)

// Write replaces the file called name in dir, or makes it, with what fill writes,
// and returns when both the file and its name are on the disk. name has no
// slashes. Only the user may read and write the file, whatever the old one
// allowed; a link of that name is replaced, and what it leads to stays as it is.
//
// After an error, fill's included, nothing has changed. The one exception is a
// directory that cannot be synced: the file is new then, but a crash of the
// machine may bring the old one back. Of several Writes at a time, in other
// processes too, the last one to end wins.
func Write(dir *os.Root, name string, fill func(io.Writer) error) error {
	// A name of its own: after a reload two processes may write for a while, and
	// in two containers both may have one number.
	temp := fmt.Sprintf("%s.%d-%x%s", name, os.Getpid(), rand.Uint64(), tempSuffix)
	err := create(dir, temp, fill)
	if err == nil {
		err = dir.Rename(temp, name)
	}
	if err != nil {
		_ = dir.Remove(temp)
		return err
	}
	return sync(dir)
}

// create writes a new file to the disk. Before the rename: a file system may
// otherwise put the name there first, and the content never.
func create(dir *os.Root, name string, fill func(io.Writer) error) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// sync writes the directory itself to the disk: the names in it.
func sync(dir *os.Root) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// IsTemp reports whether a file of that name, in a directory that Write writes
// to, holds what is not yet, or never will be, another file's content.
func IsTemp(name string) bool { return strings.HasSuffix(name, tempSuffix) }

// Prune removes the temporary files in dir whose names begin with prefix and
// that are older than an hour by now: those of Writes that a crash ended. What
// it cannot remove does no harm; the error is that of reading the directory.
func Prune(dir *os.Root, prefix string, now time.Time) error {
	entries, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !IsTemp(e.Name()) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > tempAge {
			_ = dir.Remove(e.Name())
		}
	}
	return nil
}
