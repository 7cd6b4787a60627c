package pluginserver

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"
)

// socketCheck is how often a server looks whether its path still leads somewhere. Kong
// restarts a plugin that ends, not one that cannot be reached: without the look, a prefix
// that somebody has cleaned up is a 500 on every request until a person comes.
const socketCheck = time.Second

// keptSocket is a listener on a path that comes back when its socket is removed.
type keptSocket struct {
	path string
	mode fs.FileMode

	mu     sync.Mutex
	cur    *socket
	closed bool
}

// keepListening listens as listen does.
func keepListening(path string, mode fs.FileMode) (*keptSocket, error) {
	s, err := listen(path, mode)
	if err != nil {
		return nil, err
	}
	return &keptSocket{path: path, mode: mode, cur: s}, nil
}

// renew listens anew if the path leads nowhere, and reports whether it has. A path that
// leads to another socket is a successor's, and left alone.
func (k *keptSocket) renew() (renewed bool, err error) {
	if _, err := os.Lstat(k.path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false, nil
	}
	s, err := listen(k.path, k.mode)
	if err != nil {
		return false, err
	}
	old := k.cur
	k.cur = s
	return true, old.Close() // Accept goes over to the new one
}

// keep renews until ctx ends. The error is reported again while it lasts.
func (k *keptSocket) keep(ctx context.Context, log *limitedLog) {
	ticker := time.NewTicker(socketCheck)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		switch renewed, err := k.renew(); {
		case renewed:
			log.warn("socket renewed", "socket had been removed, listening anew", "socket", k.path)
		case err != nil:
			log.warn("socket lost", "socket is gone and cannot be made anew", "error", err)
		}
	}
}

func (k *keptSocket) current() *socket {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cur
}

// Accept waits for a connection on the socket there is.
func (k *keptSocket) Accept() (net.Conn, error) {
	for {
		s := k.current()
		nc, err := s.Accept()
		if err == nil || k.current() == s {
			return nc, err
		}
	}
}

// Close ends listening for good.
func (k *keptSocket) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	return k.cur.Close()
}

// Addr returns the address of the socket there is.
func (k *keptSocket) Addr() net.Addr { return k.current().Addr() }

var _ net.Listener = (*keptSocket)(nil)
