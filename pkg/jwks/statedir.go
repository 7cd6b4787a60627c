package jwks

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

const (
	// maxSaved bounds a file in bytes; one that would be longer is not written.
	maxSaved = 8 << 20
	// maxFiles bounds the files kept of sources that nobody configures any more.
	maxFiles = 2 * maxSets

	savedPrefix = "jwks-"
)

// Why a directory or a file is not used.
var (
	errOwner    = errors.New("it belongs to another user")
	errMode     = errors.New("others may write to it")
	errFileMode = errors.New("others may use it")
	errNoFile   = errors.New("it is not a plain file")
	errTooLong  = errors.New("it is too large")
)

// StateDir is a directory in which the last good key sets outlive the process,
// a file each. Whoever can write there decides which tokens are good, so it is
// looked at anew with each use. A nil *StateDir keeps nothing.
type StateDir struct {
	path  string
	uid   int
	limit int64
}

// OpenStateDir returns the directory, which it makes, with mode 0700, if its
// parent is there. It must belong to the user that runs the process and be
// writable by nobody else; the error says why it is not used otherwise, for one
// line in a log.
func OpenStateDir(path string) (*StateDir, error) {
	d := &StateDir{path: path, uid: os.Geteuid(), limit: maxSaved}
	root, err := d.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := prune(root, time.Now()); err != nil {
		return nil, fmt.Errorf("directory %q: %w", path, err)
	}
	return d, nil
}

// open opens the directory if it is fit.
func (d *StateDir) open() (*os.Root, error) {
	if err := os.Mkdir(d.path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil {
		err = d.fit(info, 0o022, errMode)
	}
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("directory %q: %w", d.path, err)
	}
	return root, nil
}

// fit refuses what is another user's, or open to others by any bit of a mode.
func (d *StateDir) fit(info fs.FileInfo, open fs.FileMode, why error) error {
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != d.uid {
		return errOwner
	}
	if info.Mode().Perm()&open != 0 {
		return why
	}
	return nil
}

// read returns a file and when it was last written or touched. It returns
// [fs.ErrNotExist] for none.
func (d *StateDir) read(name string) (data []byte, seen time.Time, err error) {
	root, err := d.open()
	if err != nil {
		return nil, seen, err
	}
	defer root.Close()
	// Before it is opened: that would wait for the other end of a pipe.
	info, err := root.Lstat(name)
	if err != nil {
		return nil, seen, err
	}
	if !info.Mode().IsRegular() {
		return nil, seen, fmt.Errorf("file %q: %w", name, errNoFile)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, seen, err
	}
	defer f.Close()
	if info, err = f.Stat(); err == nil {
		err = d.fit(info, 0o077, errFileMode)
	}
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(f, d.limit+1))
	}
	if err == nil && int64(len(data)) > d.limit {
		err = errTooLong
	}
	if err != nil {
		return nil, seen, fmt.Errorf("file %q: %w", name, err)
	}
	return data, info.ModTime(), nil
}
