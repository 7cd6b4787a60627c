package pluginserver

import (
	"net"
	"syscall"
)

// listenerPID returns the process that listens at the other end of nc (SO_PEERCRED in
// unix(7)), 0 for one that is not of this pid namespace.
func listenerPID(nc *net.UnixConn) (pid int, err error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *syscall.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, credErr
	}
	return int(cred.Pid), nil
}
