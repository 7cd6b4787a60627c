package pluginserver_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// BenchmarkEvent is one accepted request over a unix socket: headers, three void calls
// and the end. What Kong's side does is prepared, so that it costs little.
func BenchmarkEvent(b *testing.B) {
	dir, err := os.MkdirTemp("", "x")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "b.socket")
	ln, err := pluginserver.Listen(path, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	s := pluginserver.NewServer(probe(func(_ string, ev *pluginserver.Event) {
		_, _ = ev.Ask("kong.request.get_headers", nil)
		for range 3 {
			_ = ev.Tell("kong.response.set_headers", nil)
		}
	}), pluginserver.Options{})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, ln) }()
	defer func() { cancel(); <-ended }()
	s.StartInstance(1)
	nc, err := net.Dial("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()

	call, err := proto.Marshal(&pb.RpcCall{Sequence: 1, Call: &pb.RpcCall_CmdHandleEvent{CmdHandleEvent: &pb.CmdHandleEvent{InstanceId: 1, EventName: "access"}}})
	if err != nil {
		b.Fatal(err)
	}
	command := pluginserver.Frame(string(call))
	question := bytes.Join([][]byte{pluginserver.Frame("kong.request.get_headers"), pluginserver.Frame("")}, nil)
	void := bytes.Join([][]byte{pluginserver.Frame("kong.response.set_headers"), pluginserver.Frame("")}, nil)
	end := bytes.Join([][]byte{pluginserver.Frame(""), pluginserver.Frame("\x08\x01")}, nil)
	in := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = nc.Write(command)
		_, err = io.ReadFull(nc, in[:len(question)])
		_, _ = nc.Write(pluginserver.Frame("headers")[:])
		if err == nil {
			_, err = io.ReadFull(nc, in[:3*len(void)+len(end)])
		}
		_, _ = nc.Write(make([]byte, 3*4))
		if err != nil {
			b.Fatal(err)
		}
	}
}
