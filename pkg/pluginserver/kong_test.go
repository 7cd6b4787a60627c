package pluginserver_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// kong is Kong's side of one connection, frame by frame as kong/runloop/plugin_servers/
// rpc/pb_rpc.lua has it: a length and a payload are two writes, frames are taken strictly
// in order, kong.response.exit is never answered and drops the socket.
type kong struct {
	t        *testing.T
	nc       net.Conn
	sequence int64
	// reply answers a PDK call; nil answers every call with the empty message.
	reply func(method, args string) string
}

// outcome is what an event came to, seen from Kong.
type outcome struct {
	calls []string      // methods in order, without the exit
	args  []string      // their arguments
	exit  *pb.ExitArgs  // kong.response.exit, if it came
	ret   *pb.RpcReturn // the return, if the event ended normally
	err   error         // "closed" and the like: Kong would replay the event
}

func (k *kong) send(payload []byte) {
	k.t.Helper()
	var head [4]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(payload)))
	if _, err := k.nc.Write(head[:]); err != nil {
		k.t.Errorf("kong: writing length: %v", err)
	}
	if len(payload) == 0 {
		return // OpenResty makes no system call for an empty string
	}
	if _, err := k.nc.Write(payload); err != nil {
		k.t.Errorf("kong: writing payload: %v", err)
	}
}

func (k *kong) read() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(k.nc, head[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size > 1<<24 {
		return nil, fmt.Errorf("frame of %d bytes", size)
	}
	b := make([]byte, size)
	_, err := io.ReadFull(k.nc, b)
	return b, err
}

func (k *kong) command(call *pb.RpcCall) {
	k.t.Helper()
	k.sequence++
	call.Sequence = k.sequence
	b, err := proto.Marshal(call)
	if err != nil {
		k.t.Fatal(err)
	}
	k.send(b)
}

func (k *kong) ret() (*pb.RpcReturn, error) {
	b, err := k.read()
	if err != nil {
		return nil, err
	}
	ret := new(pb.RpcReturn)
	if err := proto.Unmarshal(b, ret); err != nil {
		return nil, err
	}
	if ret.GetSequence() != k.sequence {
		return nil, fmt.Errorf("sequence %d, expected %d", ret.GetSequence(), k.sequence)
	}
	return ret, nil
}

// start starts an instance and returns its id.
func (k *kong) start(config string) int32 {
	k.t.Helper()
	k.command(&pb.RpcCall{Call: &pb.RpcCall_CmdStartInstance{CmdStartInstance: &pb.CmdStartInstance{Name: "probe", Config: []byte(config)}}})
	ret, err := k.ret()
	if err != nil {
		k.t.Fatalf("start: %v", err)
	}
	return ret.GetInstanceStatus().GetInstanceId()
}

func (k *kong) close(id int32) *pb.InstanceStatus {
	k.t.Helper()
	k.command(&pb.RpcCall{Call: &pb.RpcCall_CmdCloseInstance{CmdCloseInstance: &pb.CmdCloseInstance{InstanceId: id}}})
	ret, err := k.ret()
	if err != nil {
		k.t.Fatalf("close: %v", err)
	}
	return ret.GetInstanceStatus()
}

// event runs one event to its end.
func (k *kong) event(id int32, phase string) outcome {
	k.t.Helper()
	k.beginEvent(id, phase)
	return k.bridge()
}

func (k *kong) beginEvent(id int32, phase string) {
	k.t.Helper()
	k.command(&pb.RpcCall{Call: &pb.RpcCall_CmdHandleEvent{CmdHandleEvent: &pb.CmdHandleEvent{InstanceId: id, EventName: phase}}})
}

// bridge is the loop in which Kong answers PDK calls.
func (k *kong) bridge() (o outcome) {
	k.t.Helper()
	for {
		method, err := k.read()
		if err != nil {
			o.err = err
			return o
		}
		if len(method) == 0 {
			break
		}
		args, err := k.read()
		if err != nil {
			o.err = err
			return o
		}
		if string(method) == "kong.response.exit" {
			o.exit = new(pb.ExitArgs)
			if err := proto.Unmarshal(args, o.exit); err != nil {
				o.err = err
			}
			return o // the coroutine is gone; the test drops the socket when it likes
		}
		o.calls = append(o.calls, string(method))
		o.args = append(o.args, string(args))
		reply := ""
		if k.reply != nil {
			reply = k.reply(string(method), string(args))
		}
		k.send([]byte(reply))
	}
	o.ret, o.err = k.ret()
	return o
}

// eof reports whether the server has closed the connection without writing anything
// more.
func (k *kong) eof() error {
	rest, err := io.ReadAll(k.nc)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d more bytes", len(rest))
	}
	return nil
}

// probe is a plugin whose every instance runs f.
func probe(f func(phase string, ev *pluginserver.Event)) pluginserver.Plugin {
	return pluginserver.Plugin{
		Info:  pluginserver.Info{Name: "probe", Version: "1.2.3", Priority: 7, Phases: []string{"access"}},
		Start: func([]byte) pluginserver.Handler { return pluginserver.HandlerFunc(f) },
	}
}

// serve runs a server on one connection in memory.
func serve(t *testing.T, p pluginserver.Plugin, o pluginserver.Options) (*kong, *pluginserver.Server, *end) {
	t.Helper()
	s := pluginserver.NewServer(p, o)
	server, client := pipe(0)
	s.ServeConn(server)
	return &kong{t: t, nc: client}, s, server
}
