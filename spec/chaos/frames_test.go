//go:build spec

package chaos

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// encoded is a frame with a command.
func encoded(call *pb.RpcCall) []byte {
	payload, err := proto.Marshal(call)
	if err != nil {
		panic(err)
	}
	return frame(payload)
}

func event(id int32, phase string) *pb.RpcCall {
	return &pb.RpcCall{Sequence: 1, Call: &pb.RpcCall_CmdHandleEvent{CmdHandleEvent: &pb.CmdHandleEvent{InstanceId: id, EventName: phase}}}
}

func starting(config []byte) *pb.RpcCall {
	return &pb.RpcCall{Sequence: 1, Call: &pb.RpcCall_CmdStartInstance{CmdStartInstance: &pb.CmdStartInstance{Name: "auth-diagnosis", Config: config}}}
}

func length(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

// commands are what no Kong sends.
func commands() map[string][]byte {
	list := map[string][]byte{
		"nothing":                  nil,
		"half a length":            {1, 0},
		"an empty frame":           length(0),
		"many empty frames":        make([]byte, 4096),
		"4 GiB announced":          append(length(1<<32-1), 'x'),
		"16 MiB announced":         append(length(16<<20), 'x'),
		"too much and all of it":   frame(make([]byte, 16<<20+1)),
		"no protobuf":              frame(bytes.Repeat([]byte{0xff}, 64)),
		"an unknown command":       frame([]byte{0x08, 1, 0xba, 0x06, 0}),
		"an event of nobody":       encoded(event(0, "access")),
		"a negative instance":      encoded(event(-1, "access")),
		"an unknown phase":         encoded(event(1, "certificate")),
		"half an event":            encoded(event(1, "access"))[:7],
		"a start and half another": append(encoded(starting(nil)), encoded(starting(nil))[:5]...),
		"a config that is none":    encoded(starting([]byte("{"))),
		"a config of brackets":     encoded(starting(bytes.Repeat([]byte("["), 1<<20))),
		"a config of wrong types":  encoded(starting([]byte(`{"issuers":{"a":1},"realm":[],"jwks":7}`))),
		"an HTTP request":          []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 64 {
		text := make([]byte, random.IntN(200))
		for i := range text {
			text[i] = byte(random.Uint32())
		}
		list[fmt.Sprintf("random %d", n)] = frame(text)
		list[fmt.Sprintf("random %d, cut", n)] = frame(text)[:4+len(text)/2]
	}
	return list
}

// TestMalformedCommands sends each to the socket of a plugin under load, once ending
// the connection and once holding it. None may be answered by the frame that ends an
// event: for Kong, that lets a request through.
func TestMalformedCommands(t *testing.T) {
	r := start(t, rig.Options{})
	l := under(t, r)
	n := pid(t, r)
	for name, text := range commands() {
		openWire(t, r.Socket()).Write(text) // and stays, while the others come and go
		w := openWire(t, r.Socket())
		w.Write(text) // fails where the plugin closes in the middle of it
		if err := w.Conn.(*net.UnixConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer := func(string) ([]byte, error) { return nil, errLeave }
		if got, _ := w.bridge(answer); got.passed || got.status != 0 && got.status < 500 {
			t.Errorf("%s: got %+v, expected a close or a 5xx", name, got)
		}
		w.Close()
	}
	l.pass(100)
	l.end()
	if now := pid(t, r); now != n {
		t.Errorf("process %d has become %d", n, now)
	}
}

// TestMalformedReplies runs events of a good token, and answers the plugin's question
// for the headers with what no Kong answers.
func TestMalformedReplies(t *testing.T) {
	r := start(t, rig.Options{})
	l := under(t, r)
	id, err := openWire(t, r.Socket()).start(instanceConfig(t, r))
	if err != nil {
		t.Fatal(err)
	}
	good := r.PingFederate.Token()
	honest, err := bearing(good)("kong.request.get_headers")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		reply []byte // and then the connection ends, if it is cut
		want  end
	}{
		"honest":           {honest, end{passed: true}},
		"empty":            {frame(nil), end{status: 401}},
		"no protobuf":      {frame(bytes.Repeat([]byte{0xff}, 99)), end{status: 500}},
		"2 MiB":            {frame(make([]byte, 2<<20)), end{status: 500}},
		"another message":  {frame([]byte{0x0a, 3, 'a', 'b', 'c'}), end{status: 500}},
		"cut in the frame": {honest[:len(honest)-9], end{}},
		"cut in a length":  {honest[:3], end{}},
		"nothing":          {nil, end{}},
	} {
		for range 3 {
			w := openWire(t, r.Socket())
			cut := tt.want == end{}
			got, _ := w.event(id, func(method string) ([]byte, error) {
				if method != "kong.request.get_headers" {
					return frame(nil), nil
				}
				if cut {
					w.Write(tt.reply)
					return nil, errLeave
				}
				return tt.reply, nil
			})
			if got != tt.want {
				t.Errorf("%s: got %+v, expected %+v", name, got, tt.want)
			}
		}
	}
	l.pass(100)
	l.end()
}

// TestSilentGateway has events whose questions nobody answers. Each ends as a 500
// when its time is up, and holds up nobody meanwhile.
func TestSilentGateway(t *testing.T) {
	t.Parallel()
	const deadline = 10 * time.Second
	r := start(t, rig.Options{})
	l := lightly(t, r)
	first := openWire(t, r.Socket())
	id, err := first.start(instanceConfig(t, r))
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	ends := make(chan end)
	const events = 50
	for range events {
		w := openWire(t, r.Socket())
		go func() {
			got, _ := w.event(id, func(string) ([]byte, error) { return nil, nil })
			ends <- got
		}()
	}
	for range events {
		if got := <-ends; got != (end{status: 500}) {
			t.Errorf("got %+v, expected a 500", got)
		}
	}
	if took := time.Since(begun); took < deadline || took > deadline+2*time.Second {
		t.Errorf("the events ended after %s, expected %s", took, deadline)
	}
	if got, err := first.event(id, bearing(r.PingFederate.Token(ping.ForClient("premium-client")))); !got.passed {
		t.Errorf("afterwards: got %+v, %v", got, err)
	}
	l.end()
}
