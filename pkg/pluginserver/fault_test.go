package pluginserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// Every way in which an event can fail ends as one 500, in frame order, with the calls
// that had not left discarded, and reaches the plugin once.
func TestFailureEndsAsExit(t *testing.T) {
	small := pluginserver.Options{Limits: pluginserver.Limits{Reply: 16}}
	tests := map[string]struct {
		kind    pluginserver.FaultKind
		opts    pluginserver.Options
		handler func(*event)
		calls   []string
	}{
		"panic": {
			kind:    pluginserver.FaultPanic,
			handler: func(*event) { panic("x") },
		},
		"runtime error": {
			kind:    pluginserver.FaultPanic,
			handler: func(ev *event) { _ = make([]int, 1)[len(ev.Phase())] },
		},
		"panic discards what was told": {
			kind: pluginserver.FaultPanic,
			handler: func(ev *event) {
				_ = ev.Tell("kong.service.request.set_header", nil)
				panic("x")
			},
		},
		"panic after a wait": {
			kind: pluginserver.FaultPanic,
			handler: func(ev *event) {
				_ = ev.Tell("kong.log.notice", nil)
				_, _ = ev.Ask("kong.request.get_path", nil)
				_ = ev.Tell("kong.service.request.set_header", nil)
				panic("x")
			},
			calls: []string{"kong.log.notice", "kong.request.get_path"},
		},
		"handler ends its goroutine": {
			kind:    pluginserver.FaultPanic,
			handler: func(*event) { runtime.Goexit() },
		},
		"malformed reply": {
			kind: pluginserver.FaultReply,
			handler: func(ev *event) {
				b, _ := ev.Ask("malformed", nil)
				if _, err := pdkwire.DecodeHeaders(b, pdkwire.Limits{}); err == nil {
					panic("reply is well formed")
				}
				_ = ev.Tell("kong.log.notice", nil)
				if err := ev.Fail(pluginserver.FaultReply); !errors.Is(err, pluginserver.ErrOver) {
					panic(err)
				}
			},
			calls: []string{"malformed"},
		},
		"oversized reply": {
			kind: pluginserver.FaultReply, opts: small,
			handler: func(ev *event) {
				if _, err := ev.Ask("large", nil); !errors.Is(err, pluginserver.ErrOver) {
					panic(err)
				}
			},
			calls: []string{"large"},
		},
		"oversized reply of a void call": {
			kind: pluginserver.FaultReply, opts: small,
			handler: func(ev *event) {
				_ = ev.Tell("large", nil)
				_, _ = ev.Ask("kong.request.get_path", nil)
			},
			calls: []string{"large", "kong.request.get_path"},
		},
		"deadline while Kong takes its time": {
			kind: pluginserver.FaultDeadline,
			handler: func(ev *event) {
				if _, err := ev.Ask("slow", nil); !errors.Is(err, pluginserver.ErrOver) {
					panic(err)
				}
			},
			calls: []string{"slow"},
		},
		"deadline between two calls": {
			kind: pluginserver.FaultDeadline,
			handler: func(ev *event) {
				_ = ev.Tell("kong.log.notice", nil)
				<-time.After(11 * time.Second)
				if _, err := ev.Ask("kong.request.get_path", nil); !errors.Is(err, pluginserver.ErrOver) {
					panic(err)
				}
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var runs atomic.Int32
				var faults []pluginserver.Fault
				p := probe(func(_ string, ev *event) {
					runs.Add(1)
					ev.SetHint("id-1")
					tt.handler(ev)
				})
				p.Fault = func(f pluginserver.Fault) pluginserver.Exit {
					faults = append(faults, f)
					return pluginserver.Exit{Status: 503, Body: []byte(f.Kind.String())}
				}
				k, s, _ := serve(t, p, tt.opts)
				k.reply = func(method, _ string) string {
					switch method {
					case "malformed":
						return "\x0a\xff"
					case "large":
						return strings.Repeat("x", 17)
					case "slow":
						<-time.After(12 * time.Second)
					}
					return ""
				}
				got := k.event(k.start("{}"), "access")
				if got.exit.GetStatus() != 503 || string(got.exit.GetBody()) != tt.kind.String() {
					t.Fatalf("got %+v, expected exit 503 %q", got, tt.kind)
				}
				if diff := cmp.Diff(tt.calls, got.calls); diff != "" {
					t.Errorf("calls that Kong saw (-want +got):\n%s", diff)
				}
				if err := k.drop(); err != nil {
					t.Errorf("after the exit: %v", err)
				}
				<-time.After(5 * time.Second) // let an overdue handler come back
				s.Drain()
				if runs.Load() != 1 || len(faults) != 1 {
					t.Fatalf("%d runs and %d faults, expected one each", runs.Load(), len(faults))
				}
				f := faults[0]
				if f.Kind != tt.kind || f.Phase != "access" || f.Hint != "id-1" || f.Handler == nil {
					t.Errorf("got fault %+v", f)
				}
			})
		})
	}
}

// drop closes Kong's end once the server has nothing more to say.
func (k *kong) drop() error {
	synctest.Wait()
	if err := k.nc.SetReadDeadline(time.Now()); err != nil {
		return err
	}
	var b [1]byte
	if n, _ := k.nc.Read(b[:]); n > 0 {
		return errors.New("server wrote more frames")
	}
	return k.nc.Close()
}

func TestPanicAfterExitSendsNoSecondAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, _ := serve(t, probe(func(_ string, ev *event) {
			_ = ev.Exit(pdkwire.AppendExit(nil, 401, nil, nil))
			panic("late")
		}), pluginserver.Options{})
		if got := k.event(k.start("{}"), "access"); got.exit.GetStatus() != 401 {
			t.Errorf("got %+v", got)
		}
		if err := k.drop(); err != nil {
			t.Error(err)
		}
	})
}

func TestPanicCostsItsOwnRequestOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		s := pluginserver.NewServer(probe(func(string, *event) {
			if first {
				first = false
				panic("once")
			}
		}), pluginserver.Options{})
		for i := range 2 {
			server, client := pipe(0)
			s.ServeConn(server)
			k := &kong{t: t, nc: client}
			got := k.event(k.start("{}"), "access")
			if failed := got.exit != nil; failed != (i == 0) {
				t.Errorf("event %d: got %+v", i, got)
			}
			client.Close()
		}
	})
}

func TestStartThatFailsStillStarts(t *testing.T) {
	for name, start := range map[string]func([]byte) pluginserver.Handler{
		"panic":      func([]byte) pluginserver.Handler { panic("no") },
		"no handler": func([]byte) pluginserver.Handler { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := probe(nil)
				p.Start = start
				k, _, _ := serve(t, p, pluginserver.Options{})
				id := k.start("{}")
				if id <= 0 {
					t.Errorf("got id %d", id)
				}
				if got := k.event(id, "access"); got.exit.GetStatus() != 500 {
					t.Errorf("got %+v, expected exit 500", got)
				}
				k.nc.Close()
			})
		})
	}
}

func TestFaultAnswerIsAlwaysA5xx(t *testing.T) {
	tests := map[string]struct {
		fault  func(pluginserver.Fault) pluginserver.Exit
		status int32
		body   string
	}{
		"no hook":        {nil, 500, `{"message":"An unexpected error occurred"}`},
		"hook panics":    {func(pluginserver.Fault) pluginserver.Exit { panic("hook") }, 500, `{"message":"An unexpected error occurred"}`},
		"status 200":     {func(pluginserver.Fault) pluginserver.Exit { return pluginserver.Exit{Status: 200, Body: []byte("b")} }, 500, "b"},
		"status missing": {func(pluginserver.Fault) pluginserver.Exit { return pluginserver.Exit{} }, 500, ""},
		"status 504":     {func(pluginserver.Fault) pluginserver.Exit { return pluginserver.Exit{Status: 504} }, 504, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := probe(func(string, *event) { panic("x") })
				p.Fault = tt.fault
				k, _, _ := serve(t, p, pluginserver.Options{})
				got := k.event(k.start("{}"), "access")
				if got.exit.GetStatus() != tt.status || string(got.exit.GetBody()) != tt.body {
					t.Errorf("got %v, expected %d %q", got.exit, tt.status, tt.body)
				}
				k.nc.Close()
			})
		})
	}
}

// A command that cannot be read may be an event: closing would make Kong replay it.
func TestUnreadableCommandEndsAsExit(t *testing.T) {
	tests := map[string]func(*kong, int32){
		"no protobuf":   func(k *kong, _ int32) { k.send([]byte("\xff\xff")) },
		"no command":    func(k *kong, _ int32) { k.send(nil) },
		"oversized":     func(k *kong, _ int32) { k.send(bytes.Repeat([]byte("\x00"), 2001)) },
		"unknown phase": func(k *kong, id int32) { k.beginEvent(id, "log") },
	}
	for name, send := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var kinds []pluginserver.FaultKind
				p := probe(func(string, *event) { t.Error("handler ran") })
				p.Fault = func(f pluginserver.Fault) pluginserver.Exit {
					kinds = append(kinds, f.Kind)
					return pluginserver.Exit{}
				}
				k, _, _ := serve(t, p, pluginserver.Options{Limits: pluginserver.Limits{Command: 2000}})
				send(k, k.start("{}"))
				if got := k.bridge(); got.exit.GetStatus() != 500 {
					t.Errorf("got %+v, expected exit 500", got)
				}
				if diff := cmp.Diff([]pluginserver.FaultKind{pluginserver.FaultCommand}, kinds); diff != "" {
					t.Errorf("faults (-want +got):\n%s", diff)
				}
				if err := k.drop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// When the deadline strikes in the middle of a write, Kong has seen half a call: that
// call is completed before the exit, the ones behind it are not sent.
func TestDeadlineInsideAWriteKeepsFrameOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pluginserver.NewServer(probe(func(_ string, ev *event) {
			_ = ev.Tell("first", make([]byte, 100))
			_ = ev.Tell("second", make([]byte, 100))
			_ = ev.Tell("third", make([]byte, 100))
			if _, err := ev.Ask("fourth", nil); !errors.Is(err, pluginserver.ErrOver) {
				t.Errorf("got %v, expected ErrOver", err)
			}
		}), pluginserver.Options{})
		server, client := pipe(150) // room for the first call and a part of the second
		s.ServeConn(server)
		k := &kong{t: t, nc: client}
		k.beginEvent(k.start("{}"), "access")
		<-time.After(11 * time.Second) // Kong's worker is busy with something else
		got := k.bridge()
		if diff := cmp.Diff([]string{"first", "second"}, got.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if got.exit.GetStatus() != 500 {
			t.Errorf("got %+v, expected exit 500", got)
		}
		client.Close()
	})
}

// An exit that Kong does not act on must not hold the connection for ever.
func TestConnectionIsClosedAfterLinger(t *testing.T) {
	for name, handler := range map[string]func(*event){
		"handler returned": func(ev *event) { _ = ev.Exit(nil) },
		"handler stuck":    func(ev *event) { _ = ev.Exit(nil); <-time.After(time.Hour) },
		"panic":            func(*event) { panic("x") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, _, _ := serve(t, probe(func(_ string, ev *event) { handler(ev) }), pluginserver.Options{Linger: 3 * time.Second})
				start := time.Now()
				if got := k.event(k.start("{}"), "access"); got.exit == nil {
					t.Errorf("got %+v", got)
				}
				if err := k.eof(); err != nil {
					t.Error(err)
				}
				if d := time.Since(start); d != 3*time.Second {
					t.Errorf("closed after %v, expected 3s", d)
				}
				<-time.After(2 * time.Hour) // the stuck handler comes back and must do nothing
			})
		})
	}
}

func TestLogIsQuietAndCarriesNoRequestData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const secret = "eyJhbGciOiJSUzI1NiJ9"
		var out bytes.Buffer
		reject := true
		s := pluginserver.NewServer(probe(func(_ string, ev *event) {
			if reject {
				_ = ev.Exit(pdkwire.AppendExit(nil, 401, []byte(secret), nil))
				return
			}
			panic(fmt.Errorf("cannot parse %s", secret))
		}), pluginserver.Options{Log: slog.New(slog.NewTextHandler(&out, nil))})
		one := func() {
			server, client := pipe(0)
			s.ServeConn(server)
			k := &kong{t: t, nc: client}
			k.event(k.start(secret), "access")
			client.Close()
			synctest.Wait()
		}
		one()
		if out.Len() != 0 {
			t.Errorf("a rejection was logged: %s", out.String())
		}
		reject = false
		for range 5 {
			one()
		}
		if n := strings.Count(out.String(), "\n"); n != 1 {
			t.Errorf("5 panics made %d lines, expected 1:\n%s", n, out.String())
		}
		if !strings.Contains(out.String(), "fault_test.go") || strings.Contains(out.String(), "runtime.gopanic") {
			t.Errorf("no stack from the panic on: %s", out.String())
		}
		<-time.After(11 * time.Second)
		one()
		if !strings.Contains(out.String(), "suppressed=4") {
			t.Errorf("expected a second line that counts the first four: %s", out.String())
		}
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log has request data: %s", out.String())
		}
	})
}
