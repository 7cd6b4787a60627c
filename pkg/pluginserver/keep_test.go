package pluginserver_test

import (
	"io/fs"
	"net"
	"os"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

func TestRemovedSocketComesBack(t *testing.T) {
	path := socketPath(t)
	ln, err := pluginserver.KeepListening(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accepted := make(chan error)
	go func() {
		for {
			nc, err := ln.Accept()
			if err == nil {
				nc.Close()
			}
			accepted <- err
			if err != nil {
				return
			}
		}
	}()
	for range 3 {
		if renewed, err := ln.Renew(); renewed || err != nil {
			t.Errorf("with the socket in its place: renewed %t, %v", renewed, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if renewed, err := ln.Renew(); !renewed || err != nil {
			t.Fatalf("renewed %t, %v", renewed, err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
			t.Errorf("got %v, %v, expected a socket with 0600", info, err)
		}
		dial(t, path)
		if err := <-accepted; err != nil {
			t.Fatalf("accept goes over to the new socket: %v", err)
		}
	}
	ln.Close()
	if err := <-accepted; err == nil {
		t.Error("accept after the end: expected an error")
	}
	if renewed, err := ln.Renew(); renewed || err != nil {
		t.Errorf("after the end: renewed %t, %v", renewed, err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

// At a reload the successor's socket stands where the predecessor's was.
func TestSuccessorsSocketIsLeftAlone(t *testing.T) {
	path := socketPath(t)
	old, err := pluginserver.KeepListening(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	next, err := net.ListenUnix("unix", &net.UnixAddr{Name: path + ".next", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	next.SetUnlinkOnClose(false)
	defer next.Close()
	if err := os.Rename(path+".next", path); err != nil {
		t.Fatal(err)
	}
	if renewed, err := old.Renew(); renewed || err != nil {
		t.Errorf("renewed %t, %v", renewed, err)
	}
	if err := old.Close(); err != nil {
		t.Error(err)
	}
	dial(t, path)
	if _, err := next.Accept(); err != nil {
		t.Error(err)
	}
}

func TestSocketThatCannotComeBackIsAnError(t *testing.T) {
	path := socketPath(t)
	ln, err := pluginserver.KeepListening(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dir := path[:len(path)-len("/probe.socket")]
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if renewed, err := ln.Renew(); renewed || err == nil {
		t.Errorf("without a directory: renewed %t, %v", renewed, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if renewed, err := ln.Renew(); !renewed || err != nil {
		t.Errorf("with a new directory: renewed %t, %v", renewed, err)
	}
}
