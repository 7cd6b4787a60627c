package pluginserver_test

import (
	"net"
	"runtime"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// TestConnectionsLeaveFewGoroutines opens far more connections at once than goroutines may
// wait for another, and lets each end with a rejection.
func TestConnectionsLeaveFewGoroutines(t *testing.T) {
	const conns = 300
	path := rejecting(t)
	const ours = 8 // the test's, and what accepts and sweeps
	command, in := pluginserver.Frame(string(accessCall(1, 1, "access"))), make([]byte, 1024)
	for range 3 {
		var open []net.Conn
		for range conns {
			nc, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			open = append(open, nc)
		}
		for _, nc := range open {
			if _, err := nc.Write(command); err != nil {
				t.Fatal(err)
			}
			if n, err := nc.Read(in); err != nil || n == 0 {
				t.Fatalf("read %d bytes: %v", n, err)
			}
			nc.Close()
		}
	}
	eventually(t, "few goroutines wait", func() bool { return runtime.NumGoroutine() <= ours+pluginserver.MostWaiting })
}
