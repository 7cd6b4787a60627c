package pluginserver

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
)

// maxSocketPath is the longest path that fits Linux's sockaddr_un (unix(7)).
const maxSocketPath = 107

// socket is a listener on a path that another process may take over.
type socket struct {
	*net.UnixListener
	path string
	own  fs.FileInfo
}

// listen puts a listening socket at path. It is made beside it and moved there, so that
// the path always leads to a socket that accepts, with its final mode, even while a
// predecessor is replaced.
//
// Errors: path is taken by something that is no socket, or the file system refuses.
func listen(path string, mode fs.FileMode) (*socket, error) {
	if err := checkReplaceable(path); err != nil {
		return nil, err
	}
	bind := path + "." + strconv.Itoa(os.Getpid())
	if len(bind) > maxSocketPath {
		bind = path // no room beside it: an instant without a socket is all that costs
	}
	if err := os.Remove(bind); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("removing stale socket: %w", err)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: bind, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listening on %q: %w", path, err)
	}
	ln.SetUnlinkOnClose(false)
	s := &socket{UnixListener: ln, path: path}
	if err := s.install(bind, mode); err != nil {
		ln.Close()
		_ = os.Remove(bind)
		return nil, err
	}
	return s, nil
}

// install gives the bound socket its mode and its name.
func (s *socket) install(bind string, mode fs.FileMode) error {
	if err := os.Chmod(bind, mode); err != nil {
		return fmt.Errorf("setting mode of socket: %w", err)
	}
	own, err := os.Lstat(bind)
	if err != nil {
		return fmt.Errorf("looking at own socket: %w", err)
	}
	s.own = own
	if bind == s.path {
		return nil
	}
	if err := os.Rename(bind, s.path); err != nil {
		return fmt.Errorf("moving socket into place: %w", err)
	}
	return nil
}

// Close stops listening, and removes the path if it is still this socket. (Between the
// look and the removal a successor could still come; Kong starts it long before it ends
// the predecessor.)
func (s *socket) Close() error {
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.own) {
		_ = os.Remove(s.path)
	}
	return s.UnixListener.Close()
}

// checkReplaceable refuses to remove what is no socket.
func checkReplaceable(path string) error {
	info, err := os.Lstat(path)
	switch {
	case os.IsNotExist(err):
		return nil
	case err != nil:
		return fmt.Errorf("looking at socket path: %w", err)
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("socket path %q is taken by a file that is no socket", path)
	}
	return nil
}

var _ net.Listener = (*socket)(nil)
