package pdkpb_test

import (
	"strings"
	"testing"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"kong-plugin-auth-diagnosis/pkg/kongdev/pdkpb"
)

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestValuesArriveAsInKong(t *testing.T) {
	in, err := structpb.NewStruct(map[string]any{"s": "x", "empty": "", "n": 1.5, "zero": 0, "yes": true, "no": false,
		"null": nil, "list": []any{"a", "b"}, "emptyList": []any{}, "table": map[string]any{"k": "v"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := pdkpb.DecodeStruct(marshal(t, in))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"s": "x", "empty": "", "n": 1.5, "zero": 0.0, "yes": true, // no "no": false is lost
		"null": "NULL_VALUE", "list": []any{"a", "b"}, "emptyList": []any{}, "table": map[string]any{"k": "v"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStructsAreReadByProtobuf(t *testing.T) {
	in := map[string]any{"s": "x", "n": 2.0, "b": false, "list": []any{"a", true}, "t": map[string]any{"k": "v"}, "none": []any{}}
	var out structpb.Struct
	if err := proto.Unmarshal(pdkpb.AppendStruct(nil, in), &out); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"s": "x", "n": 2.0, "b": false, "list": []any{"a", true}, "t": map[string]any{"k": "v"},
		"none": map[string]any{}} // an empty table is a struct
	if diff := cmp.Diff(want, out.AsMap()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRawBytesPassUnchanged(t *testing.T) {
	in := map[string]any{"h\xff": "Jos\xe9"}
	got, err := pdkpb.DecodeStruct(pdkpb.AppendStruct(nil, in))
	if err != nil || !cmp.Equal(in, got) {
		t.Errorf("expected %q, got %q %v", in, got, err)
	}
	if s, err := pdkpb.DecodeString(pdkpb.String("\xff")); s != "\xff" || err != nil {
		t.Errorf("got %q %v", s, err)
	}
}

func TestMessages(t *testing.T) {
	id, byName, err := pdkpb.DecodeConsumerSpec(marshal(t, &pb.ConsumerSpec{Id: "x", ByUsername: true}))
	if id != "x" || !byName || err != nil {
		t.Errorf("ConsumerSpec: got %q %v %v", id, byName, err)
	}
	consumer, credential, err := pdkpb.DecodeAuthenticate(marshal(t, &pb.AuthenticateArgs{Consumer: &pb.Consumer{Id: "c", Tags: []string{"t"}}}))
	want := map[string]any{"id": "c", "username": "", "custom_id": "", "created_at": 0.0, "tags": []any{"t"}}
	if diff := cmp.Diff(want, consumer); diff != "" || credential != nil || err != nil {
		t.Errorf("AuthenticateArgs: credential %v, %v, consumer (-want +got):\n%s", credential, err, diff)
	}
	var back pb.Consumer
	if err := proto.Unmarshal(pdkpb.Consumer(consumer), &back); err != nil || back.Id != "c" || len(back.Tags) != 1 {
		t.Errorf("Consumer: got %v %v", &back, err)
	}
	headers, err := structpb.NewStruct(map[string]any{"X": "y"})
	if err != nil {
		t.Fatal(err)
	}
	exit, err := pdkpb.DecodeExit(marshal(t, &pb.ExitArgs{Status: 403, Body: []byte("b"), Headers: headers}))
	if diff := cmp.Diff(pdkpb.Exit{Status: 403, Body: "b", Headers: map[string]any{"X": "y"}}, exit); diff != "" || err != nil {
		t.Errorf("ExitArgs: %v (-want +got):\n%s", err, diff)
	}
	if k, v, err := pdkpb.DecodeKV(marshal(t, &pb.KV{K: "k"})); k != "k" || v != nil || err != nil {
		t.Errorf("KV without value: got %q %v %v", k, v, err)
	}
}

func FuzzDecodeStruct(f *testing.F) {
	f.Add(pdkpb.AppendStruct(nil, map[string]any{"a": []any{"b", 1.0, map[string]any{"c": true}}}))
	f.Add([]byte(strings.Repeat("\x0a\x02\x12", 200)))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := pdkpb.DecodeStruct(b)
		if err != nil {
			return
		}
		again, err := pdkpb.DecodeStruct(pdkpb.AppendStruct(nil, v))
		if err != nil || len(again) != len(v) {
			t.Fatalf("expected %v again, got %v %v", v, again, err)
		}
	})
}
