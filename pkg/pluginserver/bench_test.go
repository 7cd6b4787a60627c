package pluginserver_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// player is Kong's side of accepted requests over a unix socket: a question, three void
// calls and the end. What it writes and expects is made beforehand, so that it allocates
// nothing.
type player struct {
	nc                          net.Conn
	command, reply, empties, in []byte
	question, rest              int // how many bytes the server writes at a time
}

// listening serves a handler until the test ends, and returns the socket's path.
func listening(tb testing.TB, handle func(string, *pluginserver.Event)) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "x")
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(dir, "b.socket")
	ln, err := pluginserver.Listen(path, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	s := pluginserver.NewServer(probe(handle), pluginserver.Options{})
	ctx, cancel := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, ln) }()
	s.StartInstance(1)
	tb.Cleanup(func() { cancel(); <-ended; os.RemoveAll(dir) })
	return path
}

// rejecting serves a plugin that answers every request itself.
func rejecting(tb testing.TB) string {
	return listening(tb, func(_ string, ev *pluginserver.Event) { _ = ev.Exit(nil) })
}

// playing serves a plugin that asks for the headers and makes three void calls.
func playing(tb testing.TB) *player {
	tb.Helper()
	const ask, tell, void = "kong.request.get_headers", "kong.response.set_headers", 3
	path := listening(tb, func(_ string, ev *pluginserver.Event) {
		_, _ = ev.Ask(ask, nil)
		for range void {
			_ = ev.Tell(tell, nil)
		}
	})
	nc, err := net.Dial("unix", path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { nc.Close() })
	size := func(frames ...string) (n int) {
		for _, f := range frames {
			n += len(pluginserver.Frame(f))
		}
		return n
	}
	return &player{
		nc:       nc,
		command:  pluginserver.Frame(string(accessCall(1, 1, "access"))),
		reply:    pluginserver.Frame("headers"),
		empties:  bytes.Repeat(pluginserver.Frame(""), void),
		in:       make([]byte, 1024),
		question: size(ask, ""),
		rest:     void*size(tell, "") + size("", "\x08\x01"),
	}
}

// play runs one event to its end.
func (p *player) play(tb testing.TB) {
	step := func(out []byte, in int) {
		if _, err := p.nc.Write(out); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.ReadFull(p.nc, p.in[:in]); err != nil {
			tb.Fatal(err)
		}
	}
	step(p.command, p.question)
	step(p.reply, p.rest)
	step(p.empties, 0)
}

// TestEventAllocatesItself holds the server's own budget: an Event is the handler's and
// cannot be used again, all else is the connection's and is.
func TestEventAllocatesItself(t *testing.T) {
	p := playing(t)
	p.play(t)
	if n := testing.AllocsPerRun(200, func() { p.play(t) }); n > 1 {
		t.Errorf("an event allocates %v times, expected at most 1", n)
	}
}

func BenchmarkEvent(b *testing.B) {
	p := playing(b)
	b.ReportAllocs()
	for b.Loop() {
		p.play(b)
	}
}

// BenchmarkRejection is a connection with one event that ends it, as Kong lets every
// rejection.
func BenchmarkRejection(b *testing.B) {
	path := rejecting(b)
	command, in := pluginserver.Frame(string(accessCall(1, 1, "access"))), make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		nc, err := net.Dial("unix", path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := nc.Write(command); err != nil {
			b.Fatal(err)
		}
		if _, err := nc.Read(in); err != nil {
			b.Fatal(err)
		}
		nc.Close()
	}
}

// BenchmarkInstances is finding one of so many instances, in random order.
func BenchmarkInstances(b *testing.B) {
	for _, n := range []int{1, 10, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			now := time.Now()
			table := pluginserver.NewInstances(time.Hour, 10_000)
			ids := make([]int32, n)
			for i := range ids {
				ids[i] = pluginserver.Add(table, pluginserver.Broken, now).ID()
			}
			b.ReportAllocs()
			for b.Loop() {
				if pluginserver.Use(table, ids[rand.IntN(n)], now) == nil {
					b.Fatal("not found")
				}
			}
		})
	}
}
