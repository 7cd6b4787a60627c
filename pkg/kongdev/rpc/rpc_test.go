package rpc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdkpb"
	"kong-plugin-auth-diagnosis/pkg/kongdev/rpc"
)

// server is a scripted plugin server. serve answers one command and reports
// whether the connection stays open.
type server struct {
	t      *testing.T
	path   string
	serve  func(s *server, c net.Conn, call *pb.RpcCall) bool
	mu     sync.Mutex
	log    []string // commands in the order of arrival
	conns  int
	nextID int32
}

func startServer(t *testing.T, serve func(s *server, c net.Conn, call *pb.RpcCall) bool) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "r")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, path: dir + "/s", serve: serve, nextID: 100}
	l, err := net.Listen("unix", s.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); os.RemoveAll(dir) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			go s.run(c)
		}
	}()
	return s
}

func (s *server) run(c net.Conn) {
	defer c.Close()
	for {
		msg, err := readFrame(c)
		if err != nil {
			return
		}
		call := &pb.RpcCall{}
		if err := proto.Unmarshal(msg, call); err != nil {
			return
		}
		s.note(call)
		if !s.serve(s, c, call) {
			return
		}
	}
}

func (s *server) note(call *pb.RpcCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch call.Call.(type) {
	case *pb.RpcCall_CmdStartInstance:
		s.log = append(s.log, "start")
	case *pb.RpcCall_CmdCloseInstance:
		s.log = append(s.log, "close")
	case *pb.RpcCall_CmdHandleEvent:
		s.log = append(s.log, "event")
	}
}

func (s *server) commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.log...)
}

func (s *server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// answer answers START with a fresh id, anything else with an empty return.
func (s *server) answer(c net.Conn, call *pb.RpcCall) bool {
	ret := &pb.RpcReturn{Sequence: call.Sequence}
	if call.GetCmdStartInstance() != nil {
		s.mu.Lock()
		s.nextID++
		ret.Return = &pb.RpcReturn_InstanceStatus{InstanceStatus: &pb.InstanceStatus{InstanceId: s.nextID}}
		s.mu.Unlock()
	}
	if call.GetCmdHandleEvent() != nil {
		writeFrame(c, nil)
	}
	msg, err := proto.Marshal(ret)
	return err == nil && writeFrame(c, msg) == nil
}

func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	p := make([]byte, binary.LittleEndian.Uint32(head[:]))
	_, err := io.ReadFull(r, p)
	return p, err
}

func writeFrame(w io.Writer, p []byte) error {
	_, err := w.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(p))), p...))
	return err
}

var discard = errlog.New(io.Discard, errlog.Emerg, time.Now)

func newExchange() *exchange.Exchange {
	g := &exchange.Gateway{Conf: &conf.Conf{}, Log: discard, Now: time.Now}
	x := exchange.New(g, &entity.Set{}, &h1.Request{Method: "GET", Target: "/", Major: 1, Minor: 1}, "id")
	x.Peer = netip.MustParseAddrPort("192.0.2.1:1")
	x.Client = x.Peer
	return x
}

func newClient(s *server) *rpc.Client {
	return rpc.New(rpc.Options{Plugin: "p", Socket: s.path, Log: discard, Now: time.Now, Stop: s.t.Context().Done()})
}

func config(seq int64) *rpc.Config {
	return &rpc.Config{PluginID: "plugin", Seq: seq, JSON: []byte(`{}`)}
}

func TestInstanceLifeOverConfigChanges(t *testing.T) {
	s := startServer(t, (*server).answer)
	c := newClient(s)
	for _, seq := range []int64{1, 1, 2, 2} {
		if err := c.HandleEvent(newExchange(), config(seq), "access"); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"start", "event", "event", "start", "close", "event", "event"}
	if diff := cmp.Diff(want, s.commands()); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	if n := s.connections(); n != 1 {
		t.Errorf("connections for requests one after the other: expected 1, got %d", n)
	}
	c.Close()
	if err := c.HandleEvent(newExchange(), config(2), "access"); err != nil || s.connections() != 2 {
		t.Errorf("after Close every event takes a connection of its own: got %d connections, %v", s.connections(), err)
	}
}

func TestConcurrentRequestsStartOneInstance(t *testing.T) {
	release := make(chan struct{})
	s := startServer(t, func(s *server, c net.Conn, call *pb.RpcCall) bool {
		if call.GetCmdStartInstance() != nil {
			<-release
		}
		return s.answer(c, call)
	})
	c := newClient(s)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := c.HandleEvent(newExchange(), config(1), "access"); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	wg.Wait()
	if got := strings.Count(strings.Join(s.commands(), " "), "start"); got != 1 {
		t.Errorf("STARTs of five requests at once: expected 1, got %d", got)
	}
}

// TestClaimOutlivesAStartThatThrows: the next request waits for an instance that nobody
// is starting any more.
func TestClaimOutlivesAStartThatThrows(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	s := startServer(t, func(s *server, c net.Conn, call *pb.RpcCall) bool {
		if broken.Swap(false) {
			call.Sequence += 7
		}
		return s.answer(c, call)
	})
	c := newClient(s)
	c.SetClaimStep(time.Millisecond)
	run := func() error { return c.HandleEvent(newExchange(), config(1), "access") }
	if err := run(); err == nil || errors.Is(err, rpc.ErrServer) || !strings.Contains(err.Error(), "expected sequence") {
		t.Errorf("first request: expected a Lua error, got %v", err)
	}
	c.Reset() // finds no name on the claim
	if err := run(); !errors.Is(err, rpc.ErrServer) || !strings.Contains(err.Error(), "could not claim instance_id") {
		t.Errorf("second request: expected it to give up waiting, got %v", err)
	}
	if err := run(); err != nil {
		t.Errorf("third request: got %v", err)
	}
	if diff := cmp.Diff([]string{"start", "start", "event"}, s.commands()); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

// TestResetSparesAFreshClaim: the event that says so may come while another request is
// starting the instance; a second START would leave the first one's without a CLOSE.
func TestResetSparesAFreshClaim(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	s := startServer(t, func(s *server, c net.Conn, call *pb.RpcCall) bool {
		if call.GetCmdStartInstance() != nil {
			begun <- struct{}{}
			<-release
		}
		return s.answer(c, call)
	})
	c := newClient(s)
	var wg sync.WaitGroup
	run := func() {
		if err := c.HandleEvent(newExchange(), config(1), "access"); err != nil {
			t.Error(err)
		}
	}
	wg.Go(run)
	<-begun
	c.Reset()
	close(release)
	wg.Wait()
	run()
	if diff := cmp.Diff([]string{"start", "event", "event"}, s.commands()); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	c.Reset() // now it has a name
	wg.Go(run)
	<-begun
	wg.Wait()
	if diff := cmp.Diff([]string{"start", "event", "event", "start", "event"}, s.commands()); diff != "" {
		t.Errorf("after another reset: commands (-want +got):\n%s", diff)
	}
}

// TestClosedConnectionsAreNoticedATurnLater: what an event of a connection has told the
// worker by then, it knows.
func TestClosedConnectionsAreNoticedATurnLater(t *testing.T) {
	gone := make(chan struct{}, 1)
	s := startServer(t, func(s *server, c net.Conn, call *pb.RpcCall) bool {
		ok := s.answer(c, call)
		if call.GetCmdHandleEvent() != nil { // and goes at once
			c.Close()
			gone <- struct{}{}
			return false
		}
		return ok
	})
	now := time.Unix(1000, 0)
	c := rpc.New(rpc.Options{Plugin: "p", Socket: s.path, Log: discard, Now: func() time.Time { return now }, Stop: t.Context().Done()})
	run := func() error {
		err := c.HandleEvent(newExchange(), config(1), "access")
		if err == nil {
			<-gone
		}
		return err
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	if err := run(); err == nil || errors.Is(err, rpc.ErrServer) || !strings.Contains(err.Error(), "broken pipe") {
		t.Errorf("in the same turn: expected the send to fail, got %v", err)
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Millisecond)
	if err := run(); err != nil {
		t.Errorf("in the next turn: got %v", err)
	}
}

// TestAnInstanceDroppedByTheServerIsStartedAgain is what follows when go-pdk's
// server drops the instances older than 60 s at any CLOSE: it closes the
// connection at the next event, and Kong starts and repeats.
func TestAnInstanceDroppedByTheServerIsStartedAgain(t *testing.T) {
	known := map[int32]bool{}
	var mu sync.Mutex
	s := startServer(t, func(s *server, c net.Conn, call *pb.RpcCall) bool {
		mu.Lock()
		defer mu.Unlock()
		if e := call.GetCmdHandleEvent(); e != nil && !known[e.InstanceId] {
			return false // "no plugin instance"
		}
		if call.GetCmdCloseInstance() != nil {
			clear(known) // every instance is old
		}
		ok := s.answer(c, call)
		if call.GetCmdStartInstance() != nil {
			known[s.nextID] = true
		}
		return ok
	})
	c := newClient(s)
	other := &rpc.Config{PluginID: "other", Seq: 9, JSON: []byte(`{}`)}
	for _, cfg := range []*rpc.Config{other, config(1), config(2), other} {
		if err := c.HandleEvent(newExchange(), cfg, "access"); err != nil {
			t.Fatal(err)
		}
	}
	// START(2) and CLOSE(1) drop all, so the event of 2 is repeated after a START.
	want := []string{"start", "event", "start", "event", "start", "close", "event", "start", "event", "start", "event"}
	if diff := cmp.Diff(want, s.commands()); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func TestReplayHasNoBoundButTheGatewaysEnd(t *testing.T) {
	var runs atomic.Int32
	stop := make(chan struct{})
	s := startServer(t, func(s *server, c net.Conn, call *pb.RpcCall) bool {
		if call.GetCmdHandleEvent() == nil {
			return s.answer(c, call)
		}
		if runs.Add(1) == 50 {
			close(stop)
		}
		return false
	})
	resets := 0
	c := rpc.New(rpc.Options{Plugin: "p", Socket: s.path, Log: discard, Now: time.Now, Stop: stop, OnReset: func(string) { resets++ }})
	err := c.HandleEvent(newExchange(), config(1), "access")
	if !errors.Is(err, rpc.ErrServer) || !strings.Contains(err.Error(), "closed") {
		t.Errorf("expected closed, got %v", err)
	}
	if resets < 50 {
		t.Errorf("other workers told to reset: expected 50 times or more, got %d", resets)
	}
}

func TestPDKCallsAreAnsweredInOrder(t *testing.T) {
	var replies [][]byte
	s := startServer(t, func(s *server, c net.Conn, call *pb.RpcCall) bool {
		if call.GetCmdHandleEvent() == nil {
			return s.answer(c, call)
		}
		// All frames at once: Kong takes them strictly in order.
		var buf bytes.Buffer
		for _, f := range []string{"kong.client.get_ip", "", "kong.response.set_status", "\x08\xc9\x01", "kong.request.get_method", ""} {
			if err := writeFrame(&buf, []byte(f)); err != nil {
				return false
			}
		}
		if _, err := c.Write(buf.Bytes()); err != nil {
			return false
		}
		for range 3 {
			r, err := readFrame(c)
			if err != nil {
				return false
			}
			replies = append(replies, r)
		}
		return s.answer(c, call)
	})
	if err := newClient(s).HandleEvent(newExchange(), config(1), "access"); err != nil {
		t.Fatal(err)
	}
	want := [][]byte{pdkpb.String("192.0.2.1"), {}, pdkpb.String("GET")}
	if diff := cmp.Diff(want, replies); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHowAnEventFails(t *testing.T) {
	frames := func(fs ...string) func(*server, net.Conn, *pb.RpcCall) bool {
		return func(s *server, c net.Conn, call *pb.RpcCall) bool {
			if call.GetCmdHandleEvent() == nil {
				return s.answer(c, call)
			}
			for _, f := range fs {
				if writeFrame(c, []byte(f)) != nil {
					return false
				}
			}
			_, _ = readFrame(c)
			return false
		}
	}
	for name, c := range map[string]struct {
		serve  func(*server, net.Conn, *pb.RpcCall) bool
		server bool // kong.response.error(500), else a Lua error
		want   string
	}{
		"unknown method": {frames("kong.magic", ""), true, `method "kong.magic" not found`},
		"Lua error":      {frames("kong.request.get_headers", "\x08\xe9\x07"), false, "max_headers must be <= 1000"},
		"bad payload":    {frames("kong.response.set_status", "\xff"), false, "malformed"},
		"wrong phase":    {frames("kong.response.get_status", ""), false, "cannot be called in access phase"},
		"wrong sequence": {func(s *server, c net.Conn, call *pb.RpcCall) bool {
			if call.GetCmdHandleEvent() != nil {
				call.Sequence += 7
			}
			return s.answer(c, call)
		}, false, "expected sequence"},
		"refused START": {func(_ *server, _ net.Conn, _ *pb.RpcCall) bool { return false }, false, "starting instance"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newExchange()
			err := newClient(startServer(t, c.serve)).HandleEvent(x, config(1), "access")
			x.End()
			if err == nil || errors.Is(err, rpc.ErrServer) != c.server || !strings.Contains(err.Error(), c.want) {
				t.Errorf("expected %q (server %v), got %v", c.want, c.server, err)
			}
		})
	}
	c := rpc.New(rpc.Options{Plugin: "p", Socket: "/does/not/exist", Log: discard, Now: time.Now, Stop: t.Context().Done()})
	if err := c.HandleEvent(newExchange(), config(1), "access"); err == nil || errors.Is(err, rpc.ErrServer) {
		t.Errorf("no socket: expected the Lua error of a failed START, got %v", err)
	}
}

func TestExitDropsTheSocketAtTheEndOfTheRequest(t *testing.T) {
	gone := make(chan error, 1)
	s := startServer(t, func(s *server, c net.Conn, call *pb.RpcCall) bool {
		if call.GetCmdHandleEvent() == nil {
			return s.answer(c, call)
		}
		args, err := proto.Marshal(&pb.ExitArgs{Status: 401, Body: []byte("no")})
		if err != nil || writeFrame(c, []byte("kong.response.exit")) != nil || writeFrame(c, args) != nil {
			return false
		}
		_, err = readFrame(c)
		gone <- err
		return false
	})
	x := newExchange()
	if err := newClient(s).HandleEvent(x, config(1), "access"); err != nil {
		t.Fatal(err)
	}
	if x.Delayed == nil || x.Delayed.Status != 401 || string(x.Delayed.Body) != "no" {
		t.Errorf("answer: got %+v", x.Delayed)
	}
	x.End()
	if err := <-gone; !errors.Is(err, io.EOF) {
		t.Errorf("the plugin server: expected EOF and no reply, got %v", err)
	}
}
