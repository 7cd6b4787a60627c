package pluginserver_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// FuzzFrames: any stream is read to its end, frame by frame, within the limit.
func FuzzFrames(f *testing.F) {
	f.Add(append(pluginserver.Frame("abc"), pluginserver.Frame("")...), 2)
	f.Add([]byte("\xff\xff\xff\xff"), 100)
	f.Fuzz(func(t *testing.T, stream []byte, limit int) {
		limit = max(0, min(limit, 1<<16))
		r := pluginserver.FrameReader(bytes.NewReader(stream))
		rest := stream
		for {
			got, err := r.Next(limit)
			switch {
			case err == nil:
				if len(got) > limit {
					t.Fatalf("frame of %d bytes passes the limit of %d", len(got), limit)
				}
				want := rest[4 : 4+binary.LittleEndian.Uint32(rest)]
				if !bytes.Equal(want, got) {
					t.Fatalf("got %x, expected %x", got, want)
				}
				rest = rest[4+len(got):]
			case errors.Is(err, pluginserver.ErrOversized) && !errors.Is(err, io.ErrUnexpectedEOF):
				rest = rest[4+binary.LittleEndian.Uint32(rest):]
			case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
				return
			default:
				t.Fatalf("unexpected error: %v", err)
			}
		}
	})
}

// FuzzCommands: whatever Kong's side sends, the server does not panic, writes nothing but
// whole frames, and ends when that side does.
func FuzzCommands(f *testing.F) {
	command := func(call *pb.RpcCall) []byte {
		b, err := proto.Marshal(call)
		if err != nil {
			f.Fatal(err)
		}
		return pluginserver.Frame(string(b))
	}
	event := command(&pb.RpcCall{Sequence: 1, Call: &pb.RpcCall_CmdHandleEvent{CmdHandleEvent: &pb.CmdHandleEvent{InstanceId: 1, EventName: "access"}}})
	f.Add(append(bytes.Clone(event), pluginserver.Frame("\x0a\x01x")...))
	f.Add(command(&pb.RpcCall{Call: &pb.RpcCall_CmdStartInstance{CmdStartInstance: &pb.CmdStartInstance{Name: "x", Config: []byte("{}")}}}))
	f.Add(command(&pb.RpcCall{Call: &pb.RpcCall_CmdCloseInstance{CmdCloseInstance: &pb.CmdCloseInstance{InstanceId: 1}}}))
	f.Add(command(&pb.RpcCall{Call: &pb.RpcCall_CmdGetPluginInfo{CmdGetPluginInfo: &pb.CmdGetPluginInfo{}}}))
	f.Add(append(bytes.Clone(event), "\xff\xff\xff\xff"...))
	f.Add([]byte("\x02\x00\x00\x00\xff\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		s := pluginserver.NewServer(probe(func(_ string, ev *pluginserver.Event) {
			_ = ev.Tell("kong.log.notice", nil)
			b, err := ev.Ask("kong.request.get_headers", nil)
			if err != nil {
				return
			}
			if _, err := pdkwire.DecodeHeaders(b, pdkwire.Limits{Bytes: 1 << 16}); err != nil {
				_ = ev.Fail(pluginserver.FaultReply)
			}
		}), pluginserver.Options{Linger: time.Millisecond, Limits: pluginserver.Limits{Command: 1 << 16, Reply: 1 << 10}})
		s.StartInstance(1)
		server, client := pipe(0)
		if _, err := client.Write(stream); err != nil {
			t.Fatal(err)
		}
		client.out.close()
		s.ServeConn(server)
		out, err := io.ReadAll(client)
		if err != nil {
			t.Fatal(err)
		}
		r := pluginserver.FrameReader(bytes.NewReader(out))
		for err == nil {
			_, err = r.Next(1 << 20)
		}
		if err != io.EOF {
			t.Fatalf("server wrote half a frame: %v in %x", err, out)
		}
	})
}

// FuzzPDKFrames: the pieces that a PDK writes are cut into a call or refused, never
// misread.
func FuzzPDKFrames(f *testing.F) {
	f.Add(append(pluginserver.Frame("m"), pluginserver.Frame("a")...))
	f.Add([]byte("\xff\xff\xff\xffx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		method, args, err := pluginserver.LastCall(b)
		if err != nil {
			return
		}
		call := append(pluginserver.Frame(string(method)), pluginserver.Frame(string(args))...)
		if len(method) == 0 || !bytes.HasSuffix(b, call) {
			t.Fatalf("%q and %q are not the end of %q", method, args, b)
		}
	})
}
