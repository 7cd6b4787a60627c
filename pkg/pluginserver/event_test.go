package pluginserver_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

type event = pluginserver.Event

func TestAcceptedEventIsTwoWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, server := serve(t, probe(func(phase string, ev *event) {
			got, err := ev.Ask("kong.request.get_headers", pdkwire.AppendInt(nil, 1000))
			if err != nil || string(got) != "headers" {
				t.Errorf("got %q, %v", got, err)
			}
			for _, method := range []string{"kong.response.set_header", "kong.service.request.set_headers", "kong.log.set_serialize_value"} {
				if err := ev.Tell(method, []byte(method+"!")); err != nil {
					t.Error(err)
				}
			}
			if ev.Calls() != 4 || ev.Waits() != 1 || ev.Phase() != phase {
				t.Errorf("%d calls, %d waits, phase %q, expected 4, 1, %q", ev.Calls(), ev.Waits(), ev.Phase(), phase)
			}
		}), pluginserver.Options{})
		defer k.nc.Close()
		k.reply = func(method, _ string) string { return strings.TrimPrefix(method, "kong.request.get_") }
		id := k.start("{}")
		// The second event shows that the replies owed by the first were taken off the line.
		for range 2 {
			before := server.writes()
			got := k.event(id, "access")
			if got.err != nil || got.ret == nil {
				t.Fatalf("event did not end normally: %+v", got)
			}
			want := []string{"kong.request.get_headers", "kong.response.set_header", "kong.service.request.set_headers", "kong.log.set_serialize_value"}
			if diff := cmp.Diff(want, got.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if got.args[1] != "kong.response.set_header!" {
				t.Errorf("got args %q", got.args[1])
			}
			if n := server.writes() - before; n != 2 {
				t.Errorf("got %d writes, expected 2", n)
			}
		}
	})
}

func TestEventWithoutCallsIsOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, server := serve(t, probe(func(string, *event) {}), pluginserver.Options{})
		defer k.nc.Close()
		id := k.start("{}")
		before := server.writes()
		if got := k.event(id, "access"); got.ret == nil || len(got.calls) != 0 {
			t.Errorf("got %+v", got)
		}
		if n := server.writes() - before; n != 1 {
			t.Errorf("got %d writes, expected 1", n)
		}
	})
}

func TestRejectionLeavesInOneWriteAndWaitsForKong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, server := serve(t, probe(func(_ string, ev *event) {
			if _, err := ev.Ask("kong.request.get_headers", nil); err != nil {
				t.Error(err)
			}
			_ = ev.Tell("kong.log.set_serialize_value", nil)
			_ = ev.Tell("kong.log.notice", nil)
			if err := ev.Exit(pdkwire.AppendExit(nil, 401, []byte("no"), nil)); err != nil {
				t.Error(err)
			}
			if _, err := ev.Ask("kong.request.get_method", nil); !errors.Is(err, pluginserver.ErrOver) {
				t.Errorf("after exit: got %v, expected ErrOver", err)
			}
			if err := ev.Exit(nil); !errors.Is(err, pluginserver.ErrOver) {
				t.Errorf("second exit: got %v, expected ErrOver", err)
			}
			if ev.Calls() != 4 {
				t.Errorf("got %d calls, expected 4", ev.Calls())
			}
		}), pluginserver.Options{})
		id := k.start("{}")
		before := server.writes()
		got := k.event(id, "access")
		if diff := cmp.Diff([]string{"kong.request.get_headers", "kong.log.set_serialize_value", "kong.log.notice"}, got.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if got.exit.GetStatus() != 401 || string(got.exit.GetBody()) != "no" {
			t.Errorf("got exit %v", got.exit)
		}
		if n := server.writes() - before; n != 2 {
			t.Errorf("got %d writes, expected 2", n)
		}
		synctest.Wait()
		if _, err := k.nc.Write([]byte{0}); err != nil {
			t.Errorf("server closed before Kong did: %v", err)
		}
		k.nc.Close()
		synctest.Wait()
		s.Drain() // returns at once: nothing is left
		if n := server.writes() - before; n != 2 {
			t.Errorf("got %d writes in the end, expected 2", n)
		}
	})
}

func TestTellBeforeAskKeepsRepliesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, server := serve(t, probe(func(_ string, ev *event) {
			_ = ev.Tell("kong.log.notice", []byte("a"))
			_ = ev.Tell("kong.nginx.set_ctx", []byte("b"))
			got, err := ev.Ask("kong.request.get_method", nil)
			if err != nil || string(got) != "reply to kong.request.get_method" {
				t.Errorf("got %q, %v", got, err)
			}
			got, err = ev.Ask("kong.request.get_path", nil)
			if err != nil || string(got) != "reply to kong.request.get_path" {
				t.Errorf("got %q, %v", got, err)
			}
		}), pluginserver.Options{})
		defer k.nc.Close()
		k.reply = func(method, _ string) string { return "reply to " + method }
		id := k.start("{}")
		before := server.writes()
		if got := k.event(id, "access"); got.ret == nil {
			t.Errorf("got %+v", got)
		}
		if n := server.writes() - before; n != 3 {
			t.Errorf("got %d writes, expected one a wait and one at the end", n)
		}
	})
}

// Each unread reply takes room in the socket, so what is owed is bounded: with small
// buffers on both sides an unbounded pipeline would stand still.
func TestPipelineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 10 * pluginserver.MaxOwed
		s := pluginserver.NewServer(probe(func(_ string, ev *event) {
			for range calls {
				if err := ev.Tell("kong.log.debug", make([]byte, 1000)); err != nil {
					t.Error(err)
					return
				}
			}
		}), pluginserver.Options{})
		server, client := pipe(4 * pluginserver.MaxOwed)
		s.ServeConn(server)
		k := &kong{t: t, nc: client}
		defer client.Close()
		if got := k.event(k.start("{}"), "access"); got.ret == nil || len(got.calls) != calls {
			t.Errorf("got %d calls, %v", len(got.calls), got.err)
		}
	})
}

func TestEmptyMethodIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, _ := serve(t, probe(func(_ string, ev *event) {
			if err := ev.Tell("", nil); !errors.Is(err, pluginserver.ErrMethod) {
				t.Errorf("got %v, expected ErrMethod", err)
			}
		}), pluginserver.Options{})
		defer k.nc.Close()
		if got := k.event(k.start("{}"), "access"); got.ret == nil {
			t.Errorf("got %+v", got)
		}
	})
}

func TestExitThroughAskAndTellIsAnExit(t *testing.T) {
	for name, exit := range map[string]func(*event) error{
		"ask":  func(ev *event) error { _, err := ev.Ask("kong.response.exit", nil); return err },
		"tell": func(ev *event) error { return errors.Join(ev.Tell("kong.response.exit", nil), pluginserver.ErrOver) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, _, _ := serve(t, probe(func(_ string, ev *event) {
					if err := exit(ev); !errors.Is(err, pluginserver.ErrOver) {
						t.Errorf("got %v, expected ErrOver", err)
					}
				}), pluginserver.Options{})
				defer k.nc.Close()
				if got := k.event(k.start("{}"), "access"); got.exit == nil {
					t.Errorf("got %+v", got)
				}
			})
		})
	}
}

// A handler that keeps its event must not reach into the next request.
func TestEventIsOverWhenItsHandlerReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept *event
		k, _, server := serve(t, probe(func(_ string, ev *event) {
			if kept == nil {
				kept = ev
			}
			if kept != ev {
				if err := kept.Tell("kong.service.request.set_header", nil); !errors.Is(err, pluginserver.ErrOver) {
					t.Errorf("got %v, expected ErrOver", err)
				}
			}
		}), pluginserver.Options{})
		defer k.nc.Close()
		id := k.start("{}")
		for range 2 {
			if got := k.event(id, "access"); got.ret == nil || len(got.calls) != 0 {
				t.Errorf("got %+v", got)
			}
		}
		before := server.writes()
		if err := kept.Exit(nil); !errors.Is(err, pluginserver.ErrOver) || server.writes() != before {
			t.Errorf("got %v and a write, expected ErrOver", err)
		}
	})
}

func TestKongLeavesDuringAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan error, 1)
		k, s, server := serve(t, probe(func(_ string, ev *event) {
			_, err := ev.Ask("kong.request.get_headers", nil)
			done <- err
		}), pluginserver.Options{})
		id := k.start("{}")
		before := server.writes()
		k.beginEvent(id, "access")
		synctest.Wait()
		k.nc.Close()
		if err := <-done; !errors.Is(err, pluginserver.ErrGone) {
			t.Errorf("got %v, expected ErrGone", err)
		}
		synctest.Wait()
		if n := server.writes() - before; n != 1 {
			t.Errorf("got %d writes, expected only the question", n)
		}
		s.Drain()
	})
}
