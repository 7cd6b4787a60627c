//go:build spec

package chaos

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// wire is a connection to the plugin's socket, where Kong's worker would be.
type wire struct {
	net.Conn
	in       *bufio.Reader
	sequence int64
}

// end is what an event came to. None of them is the zero value: the connection was
// closed, and Kong would start the instance again.
type end struct {
	passed bool  // the request goes on to the service
	status int32 // of kong.response.exit
}

func dialWire(socket string) (*wire, error) {
	nc, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	return &wire{Conn: nc, in: bufio.NewReader(nc)}, nc.SetDeadline(time.Now().Add(20 * time.Second))
}

func openWire(t *testing.T, socket string) *wire {
	t.Helper()
	w, err := dialWire(socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func frame(payload []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

func (w *wire) read() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(w.in, head[:]); err != nil {
		return nil, err
	}
	payload := make([]byte, binary.LittleEndian.Uint32(head[:]))
	_, err := io.ReadFull(w.in, payload)
	return payload, err
}

func (w *wire) send(call *pb.RpcCall) error {
	w.sequence++
	call.Sequence = w.sequence
	payload, err := proto.Marshal(call)
	if err == nil {
		_, err = w.Write(frame(payload))
	}
	return err
}

func (w *wire) finish() (*pb.RpcReturn, error) {
	payload, err := w.read()
	if err != nil {
		return nil, err
	}
	var ret pb.RpcReturn
	if err := proto.Unmarshal(payload, &ret); err != nil {
		return nil, err
	}
	if ret.Sequence != w.sequence {
		return nil, fmt.Errorf("return of command %d, expected %d", ret.Sequence, w.sequence)
	}
	return &ret, nil
}

// start starts an instance and returns its id.
func (w *wire) start(config []byte) (int32, error) {
	if err := w.send(&pb.RpcCall{Call: &pb.RpcCall_CmdStartInstance{
		CmdStartInstance: &pb.CmdStartInstance{Name: "auth-diagnosis", Config: config}}}); err != nil {
		return 0, err
	}
	ret, err := w.finish()
	return ret.GetInstanceStatus().GetInstanceId(), err
}

// stop closes an instance.
func (w *wire) stop(id int32) error {
	if err := w.send(&pb.RpcCall{Call: &pb.RpcCall_CmdCloseInstance{
		CmdCloseInstance: &pb.CmdCloseInstance{InstanceId: id}}}); err != nil {
		return err
	}
	_, err := w.finish()
	return err
}

// event runs the access phase. answer gives the bytes that stand for a reply, frame
// and all, or an error, which ends the connection in the middle of the event.
func (w *wire) event(id int32, answer func(method string) ([]byte, error)) (end, error) {
	if err := w.send(&pb.RpcCall{Call: &pb.RpcCall_CmdHandleEvent{
		CmdHandleEvent: &pb.CmdHandleEvent{InstanceId: id, EventName: "access"}}}); err != nil {
		return end{}, err
	}
	return w.bridge(answer)
}

// bridge answers PDK calls until the event ends. The first frame of a command that
// was no event at all is read the same way: Kong would do so.
func (w *wire) bridge(answer func(method string) ([]byte, error)) (end, error) {
	for {
		method, err := w.read()
		if err != nil {
			return end{}, err
		}
		if len(method) == 0 {
			_, err := w.finish()
			return end{passed: true}, err
		}
		args, err := w.read()
		if err != nil {
			return end{}, err
		}
		if string(method) == "kong.response.exit" {
			var exit pb.ExitArgs
			err := proto.Unmarshal(args, &exit)
			w.Close() // as Kong does
			return end{status: exit.Status}, err
		}
		reply, err := answer(string(method))
		if err == nil {
			_, err = w.Write(reply)
		}
		if err != nil {
			w.Close()
			return end{}, err
		}
	}
}

// bearing answers for a request with this token, and with nothing else.
func bearing(token string) func(string) ([]byte, error) {
	return func(method string) ([]byte, error) {
		if method != "kong.request.get_headers" {
			return frame(nil), nil
		}
		headers, err := structpb.NewStruct(map[string]any{"authorization": "Bearer " + token})
		if err != nil {
			return nil, err
		}
		payload, err := proto.Marshal(headers)
		return frame(payload), err
	}
}

var errLeave = errors.New("leave")

// instanceConfig is what Kong sends for an instance that trusts the rig's issuer.
func instanceConfig(t *testing.T, r *rig.Rig) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"__plugin_id": "wire", "realm": "wire",
		"issuers": []any{map[string]any{
			"issuer":    r.PingFederate.IssuerURL(),
			"jwks_uris": []string{r.PingFederate.JWKSURL()},
			"audiences": []string{ping.DefaultAudience},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
