package jwks

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/atomicfile"
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
	err = atomicfile.Write(root, name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	// A crash before this leaves the machine's time, which is next to now.
	return root.Chtimes(name, now, now)
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
	if err := atomicfile.Prune(root, savedPrefix, now); err != nil {
		return err
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), savedPrefix) || atomicfile.IsTemp(e.Name()) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return cmp.Compare(b.ModTime().UnixNano(), a.ModTime().UnixNano()) })
	for _, f := range files[min(len(files), maxFiles):] {
		_ = root.Remove(f.Name())
	}
	return nil
}
