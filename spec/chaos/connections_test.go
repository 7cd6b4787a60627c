//go:build spec

package chaos

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// settle waits until a process has no more descriptors than it may. Some come and
// go: the traffic's own, and those of key fetches.
func settle(t *testing.T, pid, most int) {
	t.Helper()
	until(t, func() error {
		v, err := rig.VitalsOf(pid)
		if err == nil && v.Descriptors > most {
			err = fmt.Errorf("%d descriptors, expected at most %d", v.Descriptors, most)
		}
		return err
	})
}

// busy is how many descriptors the traffic may need beside those that were there.
const busy = 32

// TestTenThousandConnections opens and drops as many at the plugin's socket: some at
// once, some after half a frame, some after a command of which nobody reads the
// answer. Some more stay for a while: as many as have room where somebody starts a
// Kong at the usual soft limit of 1,024 descriptors, which is then the hard limit of
// its workers (worker_rlimit_nofile) and of the plugin.
func TestTenThousandConnections(t *testing.T) {
	const stay = 600
	r := start(t, rig.Options{})
	l := under(t, r)
	n := pid(t, r)
	before, err := rig.VitalsOf(n)
	if err != nil {
		t.Fatal(err)
	}
	texts := [][]byte{nil, {7}, append(length(1<<30), 'x'), encoded(starting([]byte("{}"))), encoded(event(1, "access"))}
	for range 20 { // not more at a time than wait to be accepted (listen(2))
		var dialling sync.WaitGroup
		for n := range 4 {
			dialling.Go(func() {
				for i := range 125 {
					nc, err := net.Dial("unix", r.Socket())
					if err != nil {
						t.Error(err)
						return
					}
					nc.Write(texts[(n+i)%len(texts)]) // the plugin may have closed it
					nc.Close()
				}
			})
		}
		dialling.Wait()
		l.pass(8)
	}
	for range stay {
		openWire(t, r.Socket())
	}
	l.pass(100)
	l.end()
	held, err := rig.VitalsOf(n)
	if err != nil || held.Descriptors < stay {
		t.Errorf("%d descriptors with %d connections, %v", held.Descriptors, stay, err)
	}
	t.Logf("threads: %d before, %d after", before.Threads, held.Threads)
	if now := pid(t, r); now != n {
		t.Errorf("process %d has become %d", n, now)
	}
}

// TestDroppedConnectionsLeaveNothing counts descriptors afterwards.
func TestDroppedConnectionsLeaveNothing(t *testing.T) {
	r := start(t, rig.Options{})
	l := under(t, r)
	n := pid(t, r)
	before, err := rig.VitalsOf(n)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		var held []net.Conn
		for range 100 {
			nc, err := net.Dial("unix", r.Socket())
			if err != nil {
				t.Fatal(err)
			}
			nc.Write(length(1 << 20)[:2])
			held = append(held, nc)
		}
		for _, nc := range held {
			nc.Close()
		}
	}
	settle(t, n, before.Descriptors+busy)
	l.end()
}

// TestClientsThatLeave sends requests to the gateway and goes, in the middle of them
// or before their answer, so that events lose their request.
func TestClientsThatLeave(t *testing.T) {
	r := start(t, rig.Options{})
	l := under(t, r)
	head := "GET /a/left HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + r.PingFederate.Token() + "\r\n\r\n"
	for i := range 1000 {
		nc, err := net.Dial("tcp", strings.TrimPrefix(r.Proxy, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Write([]byte(head[:len(head)-i%3])); err != nil {
			t.Fatal(err)
		}
		nc.Close()
	}
	l.pass(100)
	l.end()
}

// TestOutOfDescriptors lets the process have a few more and has others take them: it
// cannot accept then, and goes on when they leave. Requests of the traffic that need
// a new connection wait.
func TestOutOfDescriptors(t *testing.T) {
	r := start(t, rig.Options{})
	l := under(t, r)
	n := pid(t, r)
	v, err := rig.VitalsOf(n)
	if err != nil {
		t.Fatal(err)
	}
	limit := v.Descriptors + 8
	if err := limitDescriptors(n, limit); err != nil {
		t.Fatal(err)
	}
	var held []*wire
	for range 200 {
		held = append(held, openWire(t, r.Socket()))
	}
	until(t, func() error {
		v, err := rig.VitalsOf(n)
		if err == nil && v.Descriptors < limit {
			err = errors.New("descriptors are left")
		}
		return err
	})
	for _, w := range held {
		w.Close()
	}
	l.pass(200)
	l.end()
	if now := pid(t, r); now != n {
		t.Errorf("process %d has become %d", n, now)
	}
}

// limitDescriptors sets RLIMIT_NOFILE of a running process (prlimit(1)).
func limitDescriptors(pid, most int) error {
	out, err := exec.Command("prlimit", "--pid", strconv.Itoa(pid), "--nofile="+strconv.Itoa(most)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("prlimit: %w: %s", err, out)
	}
	return nil
}
