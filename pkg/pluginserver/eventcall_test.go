package pluginserver_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

var phases = []string{"certificate", "access"}

// accessCall is an event as the generated types write it.
func accessCall(sequence int64, id int32, phase string) []byte {
	b, err := proto.Marshal(&pb.RpcCall{Sequence: sequence, Call: &pb.RpcCall_CmdHandleEvent{CmdHandleEvent: &pb.CmdHandleEvent{InstanceId: id, EventName: phase}}})
	if err != nil {
		panic(err)
	}
	return b
}

// lengthOf is a length-delimited field.
func lengthOf(number protowire.Number, content string) string {
	return string(protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), content))
}

func TestReadEvent(t *testing.T) {
	const inner = "\x08\x07\x12\x06access"
	want := pluginserver.EventCall{Sequence: 5, Instance: 7, Phase: "access"}
	for name, tt := range map[string]struct {
		in   string
		want pluginserver.EventCall
		ok   bool
	}{
		"as the generated types write it": {string(accessCall(5, 7, "access")), want, true},
		"the event first":                 {lengthOf(36, inner) + "\x08\x05", want, true},
		"the name first":                  {"\x08\x05" + lengthOf(36, "\x12\x06access\x08\x07"), want, true},
		"another phase of the plugin":     {string(accessCall(5, 7, "certificate")), pluginserver.EventCall{Sequence: 5, Instance: 7, Phase: "certificate"}, true},
		"negative numbers":                {string(accessCall(-1, -2, "access")), pluginserver.EventCall{Sequence: -1, Instance: -2, Phase: "access"}, true},
		"no sequence":                     {lengthOf(36, inner), pluginserver.EventCall{Instance: 7, Phase: "access"}, true},
		"a phase of no plugin":            {string(accessCall(5, 7, "log")), want, false},
		"no phase":                        {string(accessCall(5, 7, "")), want, false},
		"no event":                        {"\x08\x05", want, false},
		"two events":                      {lengthOf(36, inner) + lengthOf(36, inner), want, false},
		"another command behind":          {lengthOf(36, inner) + lengthOf(34, "\x08\x07"), want, false},
		"a field of tomorrow":             {lengthOf(36, inner) + lengthOf(50, "x"), want, false},
		"a field of tomorrow inside":      {lengthOf(36, inner+"\x18\x01"), want, false},
		"the event as a number":           {"\xa0\x02\x01", want, false},
		"the sequence as text":            {lengthOf(1, "5") + lengthOf(36, inner), want, false},
		"a fixed64":                       {"\x09\x01\x00\x00\x00\x00\x00\x00\x00" + lengthOf(36, inner), want, false},
		"cut in the tag":                  {"\xa2", want, false},
		"cut in the number":               {"\x08\xff", want, false},
		"cut in the event":                {lengthOf(36, inner)[:8], want, false},
		"nothing":                         {"", want, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := pluginserver.ReadEvent([]byte(tt.in), phases)
			if ok != tt.ok || ok && got != tt.want {
				t.Errorf("got %+v, %v, expected %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

// FuzzReadEvent: what the short way reads is what the generated types read.
func FuzzReadEvent(f *testing.F) {
	f.Add(accessCall(1, 2, "access"))
	f.Add([]byte("\x08\x01" + lengthOf(36, "\x08\x07\x08\x08\x12\x06access")))
	f.Add([]byte(lengthOf(36, "\x12\x0bcertificate\x12\x06access")))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, ok := pluginserver.ReadEvent(in, phases)
		if !ok {
			return
		}
		var call pb.RpcCall
		if err := proto.Unmarshal(in, &call); err != nil {
			t.Fatalf("got %+v, the generated types refuse it: %v", got, err)
		}
		ev := call.GetCmdHandleEvent()
		if want := (pluginserver.EventCall{Sequence: call.GetSequence(), Instance: ev.GetInstanceId(), Phase: ev.GetEventName()}); got != want {
			t.Fatalf("got %+v, the generated types read %+v", got, want)
		}
	})
}

func TestAppendReturnIsTheProtocols(t *testing.T) {
	for _, sequence := range []int64{0, 1, 300, 1 << 40, -1} {
		var ret pb.RpcReturn
		err := proto.Unmarshal(pluginserver.AppendReturn(nil, sequence), &ret)
		if err != nil || ret.GetSequence() != sequence || ret.GetReturn() != nil {
			t.Errorf("%d: got %v, %v", sequence, &ret, err)
		}
	}
}
