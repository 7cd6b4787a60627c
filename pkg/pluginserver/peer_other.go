//go:build !linux

package pluginserver

import (
	"errors"
	"net"
)

// listenerPID is Linux's matter: elsewhere no process counts as superseded.
func listenerPID(*net.UnixConn) (int, error) { return 0, errors.ErrUnsupported }
