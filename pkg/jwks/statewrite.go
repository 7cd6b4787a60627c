package jwks

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"
)

// write replaces a file as a whole: after a crash it is the old one or the new.
func (d *StateDir) write(name string, data []byte, now time.Time) error {
	if int64(len(data)) > d.limit {
		return fmt.Errorf("file %q: %w", name, errTooLong)
	}
	root, err := d.open()
	if err != nil {
		return err
	}
	defer root.Close()
	// A name of its own: after a reload two processes may write for a while.
	temp := fmt.Sprintf("%s.%d-%x%s", name, os.Getpid(), rand.Uint64(), tempSuffix)
	if err = fill(root, temp, data); err == nil {
		err = root.Chtimes(temp, now, now)
	}
	if err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		_ = root.Remove(temp)
		return err
	}
	return flush(root)
}

// fill writes a new file to the disk.
func fill(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
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

// touch notes in a file, if there is one, that it was still in use at now.
func (d *StateDir) touch(name string, now time.Time) error {
	root, err := d.open()
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(now) {
		return nil
	}
	if err != nil {
		return err
	}
	return root.Chtimes(name, now, now)
}

// prune removes what crashes left and, of too many files, the oldest.
func prune(root *os.Root, now time.Time) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasPrefix(e.Name(), savedPrefix) || !info.Mode().IsRegular() {
			continue
		}
		if !strings.HasSuffix(e.Name(), tempSuffix) {
			files = append(files, info)
		} else if now.Sub(info.ModTime()) > tempAge {
			_ = root.Remove(e.Name())
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return cmp.Compare(b.ModTime().UnixNano(), a.ModTime().UnixNano()) })
	for _, f := range files[min(len(files), maxFiles):] {
		_ = root.Remove(f.Name())
	}
	return nil
}
