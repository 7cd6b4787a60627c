package pluginserver_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// A handler that does not come back in time loses the connection, not only the event:
// Kong gets its answer at the deadline, and nothing of the handler after it.
func TestOverdueHandlerIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var returned atomic.Bool
		k, s, server := serve(t, probe(func(_ string, ev *event) {
			if d := time.Until(ev.Deadline()); d != 10*time.Second {
				t.Errorf("got %v until the deadline, expected 10s", d)
			}
			_ = ev.Tell("kong.service.request.set_header", nil)
			<-time.After(12 * time.Second)
			_, asked := ev.Ask("kong.request.get_path", nil)
			_, pdk := ev.PDK().Request.GetMethod()
			for name, err := range map[string]error{
				"ask": asked, "pdk": pdk, "tell": ev.Tell("kong.log.notice", nil), "exit": ev.Exit(nil), "fail": ev.Fail(pluginserver.FaultReply),
			} {
				if !errors.Is(err, pluginserver.ErrOver) {
					t.Errorf("%s: got %v, expected ErrOver", name, err)
				}
			}
			returned.Store(true)
		}), pluginserver.Options{})
		id := k.start("{}")
		before, start := server.writes(), time.Now()
		got := k.event(id, "access")
		if got.exit.GetStatus() != 500 || len(got.calls) != 0 {
			t.Errorf("got %+v, expected exit 500 and no call", got)
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("answered after %v, expected 10s", d)
		}
		<-time.After(5 * time.Second)
		if !returned.Load() || server.writes()-before != 1 {
			t.Errorf("handler returned: %v, %d writes, expected the exit alone", returned.Load(), server.writes()-before)
		}
		k.nc.Close()
		s.Drain()
	})
}

// The deadline begins with the command: one that arrives by halves does not hold a
// connection, and one after a long idle time has its full budget.
func TestDeadlineBeginsWithTheCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, _ := serve(t, probe(func(_ string, ev *event) {
			<-time.After(9 * time.Second)
			if _, err := ev.Ask("kong.request.get_path", nil); err != nil {
				t.Error(err)
			}
		}), pluginserver.Options{})
		id := k.start("{}")
		for range 2 {
			<-time.After(time.Minute)
			if got := k.event(id, "access"); got.ret == nil {
				t.Errorf("got %+v", got)
			}
		}
		if _, err := k.nc.Write([]byte{9, 0}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := k.eof(); err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("half a command: %v after %v, expected a close after 10s", err, time.Since(start))
		}
		s.Drain()
	})
}

// Kong may be slow to answer the void calls at the end of an event; its writes must find
// the connection open.
func TestOwedRepliesAreAwaitedPastTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, _ := serve(t, probe(func(_ string, ev *event) { _ = ev.Tell("slow", nil) }), pluginserver.Options{})
		defer k.nc.Close()
		k.reply = func(string, string) string { <-time.After(30 * time.Second); return "" }
		id := k.start("{}")
		for range 2 {
			if got := k.event(id, "access"); got.ret == nil || got.err != nil {
				t.Errorf("got %+v", got)
			}
		}
	})
}

func TestOtherCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := probe(func(string, *event) {})
		p.Schema = map[string]string{"name": "probe"}
		k, _, _ := serve(t, p, pluginserver.Options{Now: func() time.Time { return time.Unix(77, 0) }})
		defer k.nc.Close()
		id := k.start("{}")
		ask := func(call *pb.RpcCall) *pb.RpcReturn {
			t.Helper()
			k.command(call)
			ret, err := k.ret()
			if err != nil {
				t.Fatal(err)
			}
			return ret
		}
		if got := ask(&pb.RpcCall{Call: &pb.RpcCall_CmdGetPluginNames{CmdGetPluginNames: &pb.CmdGetPluginNames{}}}); len(got.GetPluginNames().GetNames()) != 1 || got.GetPluginNames().GetNames()[0] != "probe" {
			t.Errorf("names: got %v", got)
		}
		info := ask(&pb.RpcCall{Call: &pb.RpcCall_CmdGetPluginInfo{CmdGetPluginInfo: &pb.CmdGetPluginInfo{Name: "probe"}}}).GetPluginInfo()
		if info.GetVersion() != "1.2.3" || info.GetPriority() != 7 || info.GetPhases()[0] != "access" || info.GetSchema() != `{"name":"probe"}` {
			t.Errorf("info: got %v", info)
		}
		status := ask(&pb.RpcCall{Call: &pb.RpcCall_CmdGetInstanceStatus{CmdGetInstanceStatus: &pb.CmdGetInstanceStatus{InstanceId: id}}}).GetInstanceStatus()
		if status.GetInstanceId() != id || status.GetName() != "probe" || status.GetStartedAt() != 77 {
			t.Errorf("status: got %v", status)
		}
	})
}
