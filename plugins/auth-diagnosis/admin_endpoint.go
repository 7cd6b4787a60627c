package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// endpoint is an address to listen at.
type endpoint struct{ network, address string }

const (
	unixPrefix = "unix:"
	// maxUnixPath is the longest path that fits Linux's sockaddr_un (unix(7)).
	maxUnixPath = 107
	// adminMode lets the group of Kong's user read: a socket that others may write to
	// is open to all of the machine, and then loopback is simpler.
	adminMode = 0o660
)

// parseEndpoint reads the value of -admin-listen: host:port, :port for all addresses, or
// unix:/path.
func parseEndpoint(text string) (endpoint, error) {
	refuse := func(hint string) (endpoint, error) {
		return endpoint{}, fmt.Errorf("-admin-listen: expected host:port or unix:/path, got %q: %s", text, hint)
	}
	if name, ok := strings.CutPrefix(text, unixPrefix); ok {
		switch {
		case !path.IsAbs(name):
			return refuse("the path has to begin with a slash")
		case len(name) > maxUnixPath:
			return refuse(fmt.Sprintf("the path is longer than %d bytes", maxUnixPath))
		}
		return endpoint{"unix", path.Clean(name)}, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return refuse("127.0.0.1:9100 would be for this host alone")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return refuse("the port has to be a number from 1 to 65535")
	}
	if strings.ContainsAny(host, "/@ ") {
		return refuse("the host has to be a name or an address")
	}
	return endpoint{"tcp", net.JoinHostPort(host, port)}, nil
}

// everywhere reports whether who listens at an address can be reached at all of the
// host's.
func everywhere(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsUnspecified()
}

// listen listens. A socket that a process left behind without closing it is replaced;
// one that somebody listens on is not.
func (e endpoint) listen() (net.Listener, error) {
	if e.network != "unix" {
		addr, err := net.ResolveTCPAddr("tcp", e.address)
		if err != nil {
			return nil, err
		}
		return net.ListenTCP("tcp", addr)
	}
	if err := removeStale(e.address); err != nil {
		return nil, err
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: e.address, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(e.address, adminMode); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// removeStale removes a socket that nobody listens on.
func removeStale(name string) error {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%q is taken by a file that is no socket", name)
	}
	nc, err := net.Dial("unix", name)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("another process listens on %q", name), nc.Close())
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(name)
	}
	return err
}
