package pluginserver_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

func TestPDKIsPipelinedAndMixes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, server := serve(t, probe(func(_ string, ev *event) {
			kong := ev.PDK()
			if err := kong.Response.SetHeader("X-A", "1"); err != nil {
				t.Error(err)
			}
			_ = ev.Tell("kong.log.set_serialize_value", nil)
			_ = kong.Log.Notice("n")
			if got, err := kong.Request.GetMethod(); got != "GET" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			if b, err := ev.Ask("kong.request.get_path", nil); err != nil {
				t.Error(err)
			} else if got, _ := pdkwire.DecodeString(b); got != "/p" {
				t.Errorf("got %q", got)
			}
			_ = kong.ServiceRequest.SetHeader("X-B", "2")
			if ok, err := kong.IP.IsTrusted("::1"); ok || err != nil {
				t.Errorf("got %v, %v", ok, err)
			}
			if ev.Calls() != 7 || ev.Waits() != 3 {
				t.Errorf("%d calls, %d waits, expected 7 and 3", ev.Calls(), ev.Waits())
			}
		}), pluginserver.Options{})
		defer k.nc.Close()
		k.reply = func(method, _ string) string {
			switch method {
			case "kong.request.get_method":
				return string(pdkwire.AppendString(nil, "GET"))
			case "kong.request.get_path":
				return string(pdkwire.AppendString(nil, "/p"))
			}
			return ""
		}
		id := k.start("{}")
		before := server.writes()
		got := k.event(id, "access")
		want := []string{
			"kong.response.set_header", "kong.log.set_serialize_value", "kong.log.notice", "kong.request.get_method",
			"kong.request.get_path", "kong.service.request.set_header", "kong.ip.is_trusted",
		}
		if diff := cmp.Diff(want, got.calls); diff != "" || got.ret == nil {
			t.Errorf("%v, calls (-want +got):\n%s", got.err, diff)
		}
		var kv pb.KV
		if err := proto.Unmarshal([]byte(got.args[0]), &kv); err != nil || kv.GetK() != "X-A" {
			t.Errorf("got %v, %v, expected X-A", &kv, err)
		}
		if n := server.writes() - before; n != 4 {
			t.Errorf("got %d writes, expected three waits and the end", n)
		}
	})
}

func TestPDKExitEndsTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, _ := serve(t, probe(func(_ string, ev *event) {
			kong := ev.PDK()
			kong.Response.Exit(403, []byte("no"), map[string][]string{"X-A": {"1"}})
			if _, err := kong.Request.GetMethod(); !errors.Is(err, pluginserver.ErrOver) {
				t.Errorf("got %v, expected ErrOver", err)
			}
		}), pluginserver.Options{})
		defer k.nc.Close()
		got := k.event(k.start("{}"), "access")
		if got.exit.GetStatus() != 403 || string(got.exit.GetBody()) != "no" || got.exit.GetHeaders().GetFields()["X-A"] == nil {
			t.Errorf("got %+v", got)
		}
	})
}

// At a string that is not UTF-8 go-pdk gives up after it has written the method. In its
// own server that leaves Kong waiting for arguments; here Kong sees nothing of the call.
func TestPDKCallThatCannotBeEncodedLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, _ := serve(t, probe(func(_ string, ev *event) {
			kong := ev.PDK()
			if err := kong.Response.SetHeader("X-A", "\xff"); err == nil {
				t.Error("expected go-pdk to refuse the value")
			}
			if err := kong.Response.SetHeader("X-B", "1"); err != nil {
				t.Error(err)
			}
			_ = kong.Response.ClearHeader("\xff")
		}), pluginserver.Options{})
		defer k.nc.Close()
		got := k.event(k.start("{}"), "access")
		if diff := cmp.Diff([]string{"kong.response.set_header"}, got.calls); diff != "" || got.ret == nil {
			t.Errorf("%v, calls (-want +got):\n%s", got.err, diff)
		}
		if !strings.Contains(got.args[0], "X-B") {
			t.Errorf("got args %q", got.args[0])
		}
	})
}

func TestPDKReplyThatCannotBeDecodedIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, _ := serve(t, probe(func(_ string, ev *event) {
			kong := ev.PDK()
			if _, err := kong.Request.GetHeaders(1000); err == nil {
				t.Error("expected go-pdk to refuse the reply")
			}
			if got, err := kong.Request.GetMethod(); got != "GET" || err != nil {
				t.Errorf("the next call: got %q, %v", got, err)
			}
		}), pluginserver.Options{})
		defer k.nc.Close()
		k.reply = func(method, _ string) string {
			if method == "kong.request.get_method" {
				return string(pdkwire.AppendString(nil, "GET"))
			}
			return string(pdkwire.AppendHeaders(nil, []pdkwire.Header{{Name: "x-name", Values: []string{"Jos\xe9"}}}))
		}
		if got := k.event(k.start("{}"), "access"); got.ret == nil {
			t.Errorf("got %+v", got)
		}
	})
}

func TestPDKAfterAFaultReturnsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, _ := serve(t, probe(func(_ string, ev *event) {
			_ = ev.Fail(pluginserver.FaultReply)
			if err := ev.PDK().Log.Notice("n"); !errors.Is(err, pluginserver.ErrOver) {
				t.Errorf("got %v, expected ErrOver", err)
			}
		}), pluginserver.Options{})
		defer k.nc.Close()
		if got := k.event(k.start("{}"), "access"); got.exit == nil || len(got.calls) != 0 {
			t.Errorf("got %+v", got)
		}
	})
}
