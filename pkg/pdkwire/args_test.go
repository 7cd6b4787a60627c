package pdkwire_test

import (
	"math"
	"testing"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

// Every message that we append must be the one that go-pdk's generated types read.
func TestAppendedMessagesAreTheProtocols(t *testing.T) {
	str := func(s string) *structpb.Value { return structpb.NewStringValue(s) }
	header := &structpb.Struct{Fields: map[string]*structpb.Value{
		"Retry-After": structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{str("1")}}),
	}}
	tests := map[string]struct {
		got  []byte
		want proto.Message
	}{
		"string":       {pdkwire.AppendString(nil, "kong_request_id"), &pb.String{V: "kong_request_id"}},
		"empty string": {pdkwire.AppendString(nil, ""), &pb.String{}},
		"int":          {pdkwire.AppendInt(nil, 1000), &pb.Int{V: 1000}},
		"negative int": {pdkwire.AppendInt(nil, -1), &pb.Int{V: -1}},
		"zero int":     {pdkwire.AppendInt(nil, 0), &pb.Int{}},
		"bool":         {pdkwire.AppendBool(nil, true), &pb.Bool{V: true}},
		"false":        {pdkwire.AppendBool(nil, false), &pb.Bool{}},
		"kv":           {pdkwire.AppendKV(nil, "k", pdkwire.String("v")), &pb.KV{K: "k", V: str("v")}},
		"list": {
			pdkwire.AppendList(nil, pdkwire.String("a"), pdkwire.Number(1.5), pdkwire.Bool(true)),
			&structpb.ListValue{Values: []*structpb.Value{str("a"), structpb.NewNumberValue(1.5), structpb.NewBoolValue(true)}},
		},
		"exit": {
			pdkwire.AppendExit(nil, 401, []byte("no"), []pdkwire.Header{{Name: "Retry-After", Values: []string{"1"}}}),
			&pb.ExitArgs{Status: 401, Body: []byte("no"), Headers: header},
		},
		"bare exit": {pdkwire.AppendExit(nil, 204, nil, nil), &pb.ExitArgs{Status: 204}},
		"consumer spec": {
			pdkwire.AppendConsumerSpec(nil, "alice", true), &pb.ConsumerSpec{Id: "alice", ByUsername: true},
		},
		"authenticate": {
			pdkwire.AppendAuthenticate(nil,
				&pdkwire.Consumer{ID: "i", CreatedAt: 7, Username: "u", CustomID: "c", Tags: []string{"x", "y"}},
				&pdkwire.Credential{ID: "d", ConsumerID: "i"}),
			&pb.AuthenticateArgs{
				Consumer:   &pb.Consumer{Id: "i", CreatedAt: 7, Username: "u", CustomId: "c", Tags: []string{"x", "y"}},
				Credential: &pb.AuthenticatedCredential{Id: "d", ConsumerId: "i"},
			},
		},
		"authenticate without consumer": {
			pdkwire.AppendAuthenticate(nil, nil, &pdkwire.Credential{}),
			&pb.AuthenticateArgs{Credential: &pb.AuthenticatedCredential{}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.want.ProtoReflect().New().Interface()
			if err := proto.Unmarshal(tt.got, got); err != nil {
				t.Fatalf("go-pdk cannot read it: %v", err)
			}
			if diff := cmp.Diff(tt.want, got, protocmp.Transform()); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

// A value must survive as Lua sees it: false is nil, NaN is text, nil is no field.
func TestValueAsLuaReadsIt(t *testing.T) {
	tests := map[string]struct {
		in   pdkwire.Value
		want any
	}{
		"string":                  {pdkwire.String("a"), "a"},
		"number":                  {pdkwire.Number(2), 2.0},
		"true":                    {pdkwire.Bool(true), true},
		"false is nil":            {pdkwire.Bool(false), nil},
		"NaN is text":             {pdkwire.Number(math.NaN()), "NaN"},
		"infinity is text":        {pdkwire.Number(math.Inf(-1)), "-Inf"},
		"false in a list is text": {pdkwire.List(pdkwire.Bool(false), pdkwire.Bool(true)), []any{"false", true}},
		"false field is left out": {
			pdkwire.Struct(pdkwire.Field{Name: "a", Value: pdkwire.Bool(false)}, pdkwire.Field{Name: "b", Value: pdkwire.Number(0)}),
			map[string]any{"b": 0.0},
		},
		"nested": {
			pdkwire.Struct(pdkwire.Field{Name: "l", Value: pdkwire.List(pdkwire.Struct(pdkwire.Field{Name: "x", Value: pdkwire.String("")}))}),
			map[string]any{"l": []any{map[string]any{"x": ""}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var kv pb.KV
			if err := proto.Unmarshal(pdkwire.AppendKV(nil, "k", tt.in), &kv); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, kv.GetV().AsInterface()); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRawBytesAreSent(t *testing.T) {
	b := pdkwire.AppendKV(nil, "k", pdkwire.Struct(pdkwire.Field{Name: "ua", Value: pdkwire.String("\xff\xfe")}))
	v, err := pdkwire.DecodeValue(valueOf(t, b[len("\x0a\x01k"):]), pdkwire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := v.Fields()[0].Value.Text(); !ok || got != "\xff\xfe" {
		t.Errorf("got %q, %v, expected the two bytes", got, ok)
	}
}

func TestDecodeScalars(t *testing.T) {
	marshal := func(m proto.Message) []byte {
		t.Helper()
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if got, err := pdkwire.DecodeString(marshal(&pb.String{V: "x"})); got != "x" || err != nil {
		t.Errorf("string: got %q, %v", got, err)
	}
	if got, err := pdkwire.DecodeString([]byte("\x0a\x02\xffz")); got != "\xffz" || err != nil {
		t.Errorf("string with raw bytes: got %q, %v", got, err)
	}
	if got, err := pdkwire.DecodeInt(marshal(&pb.Int{V: -7})); got != -7 || err != nil {
		t.Errorf("int: got %d, %v", got, err)
	}
	if got, err := pdkwire.DecodeNumber(marshal(&pb.Number{V: 1.25})); got != 1.25 || err != nil {
		t.Errorf("number: got %v, %v", got, err)
	}
	if got, err := pdkwire.DecodeBool(marshal(&pb.Bool{V: true})); !got || err != nil {
		t.Errorf("bool: got %v, %v", got, err)
	}
	want := pdkwire.Consumer{ID: "i", CreatedAt: 3, Username: "u", CustomID: "c", Tags: []string{"t"}}
	got, err := pdkwire.DecodeConsumer(marshal(&pb.Consumer{Id: "i", CreatedAt: 3, Username: "u", CustomId: "c", Tags: []string{"t"}}))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("consumer: %v (-want +got):\n%s", err, diff)
	}
	cred, err := pdkwire.DecodeCredential(marshal(&pb.AuthenticatedCredential{Id: "a", ConsumerId: "b"}))
	if cred != (pdkwire.Credential{ID: "a", ConsumerID: "b"}) || err != nil {
		t.Errorf("credential: got %+v, %v", cred, err)
	}
}

func TestDecodeValueIsBounded(t *testing.T) {
	deep := ""
	for range 40 {
		deep = list(deep)
	}
	tests := map[string]struct {
		in  string
		lim pdkwire.Limits
	}{
		"too deep":        {deep, pdkwire.Limits{}},
		"too many bytes":  {text("abc"), pdkwire.Limits{Bytes: 2}},
		"too many values": {list(text("1"), text("2")), pdkwire.Limits{Values: 2}},
		"too many fields": {raw(5, entry("a", text("1"))+entry("b", text("1"))), pdkwire.Limits{Fields: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := pdkwire.DecodeValue([]byte(tt.in), tt.lim); err == nil {
				t.Error("expected an error")
			}
		})
	}
}
