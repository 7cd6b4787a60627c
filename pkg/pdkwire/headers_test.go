package pdkwire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/Kong/go-pdk/bridge"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

// raw builds a protobuf message by hand: field number, then content.
func raw(number protowire.Number, content string) string {
	b := protowire.AppendTag(nil, number, protowire.BytesType)
	return string(protowire.AppendString(b, content))
}

func flag(number protowire.Number, v uint64) string {
	b := protowire.AppendTag(nil, number, protowire.VarintType)
	return string(protowire.AppendVarint(b, v))
}

func entry(key, value string) string { return raw(1, raw(1, key)+raw(2, value)) }

func text(s string) string { return raw(3, s) }

func list(values ...string) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(raw(1, v))
	}
	return raw(6, b.String())
}

func TestDecodeHeaders(t *testing.T) {
	tests := map[string]struct {
		in   string
		want pdkwire.Headers
	}{
		"no headers":                         {"", pdkwire.Headers{}},
		"a string":                           {entry("host", text("a")), pdkwire.Headers{"host": {"a"}}},
		"a list keeps its order":             {entry("via", list(text("b"), text("a"))), pdkwire.Headers{"via": {"b", "a"}}},
		"present but empty":                  {entry("authorization", text("")), pdkwire.Headers{"authorization": {""}}},
		"empty string left out by encoder":   {entry("authorization", ""), pdkwire.Headers{"authorization": {""}}},
		"value field left out by encoder":    {raw(1, raw(1, "x")), pdkwire.Headers{"x": {""}}},
		"empty element in a list":            {entry("x", list("", text("b"))), pdkwire.Headers{"x": {"", "b"}}},
		"Latin-1 byte":                       {entry("x-name", text("Jos\xe9")), pdkwire.Headers{"x-name": {"Jos\xe9"}}},
		"0xFF in name and value":             {entry("x\xff", text("\xff\x00")), pdkwire.Headers{"x\xff": {"\xff\x00"}}},
		"argument without value is true":     {entry("a", flag(4, 1)), pdkwire.Headers{"a": {""}}},
		"argument with and without value":    {entry("a", list(flag(4, 1), text("1"))), pdkwire.Headers{"a": {"", "1"}}},
		"empty table":                        {entry("a", raw(5, "")), pdkwire.Headers{"a": {}}},
		"empty list":                         {entry("a", list()), pdkwire.Headers{"a": {}}},
		"one key twice, the last wins":       {entry("a", text("1")) + entry("a", text("2")), pdkwire.Headers{"a": {"2"}}},
		"unknown fields are skipped":         {flag(9, 7) + raw(1, flag(9, 7)+raw(1, "a")+raw(2, text("1")+raw(99, "z"))), pdkwire.Headers{"a": {"1"}}},
		"known number of another wire type":  {flag(1, 5) + entry("a", text("1")), pdkwire.Headers{"a": {"1"}}},
		"name missing is the empty name":     {raw(1, raw(2, text("1"))), pdkwire.Headers{"": {"1"}}},
		"key after value in the wire order":  {raw(1, raw(2, text("1"))[:]+raw(1, "a")), pdkwire.Headers{"a": {"1"}}},
		"unknown field inside a list":        {entry("a", raw(6, raw(7, "?")+raw(1, text("1")))), pdkwire.Headers{"a": {"1"}}},
		"unknown group in the outer message": {"\x4b\x4c" + entry("a", text("1")), pdkwire.Headers{"a": {"1"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := pdkwire.DecodeHeaders([]byte(tt.in), pdkwire.Limits{})
			if err != nil {
				t.Fatalf("unexpected error: %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeHeadersRefuses(t *testing.T) {
	tests := map[string]string{
		"cut tag":                         "\x80",
		"cut length":                      "\x0a\x80",
		"length beyond the payload":       "\x0a\x7fabc",
		"length of 4 GiB":                 "\x0a\xff\xff\xff\xff\x0f",
		"length of 2^63":                  "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"field number zero":               "\x02\x00",
		"group never closed":              "\x4b",
		"cut inside an entry":             raw(1, raw(1, "a")+"\x12\x05ab"),
		"cut inside a list":               entry("a", raw(6, "\x0a\x09")),
		"a number":                        entry("a", "\x11\x00\x00\x00\x00\x00\x00\xf0\x3f"),
		"false":                           entry("a", flag(4, 0)),
		"null":                            entry("a", flag(1, 0)),
		"a struct with a field":           entry("a", raw(5, entry("b", text("1")))),
		"a list in a list":                entry("a", list(list(text("1")))),
		"string with the wrong wire type": entry("a", flag(3, 1)),
		"key twice in one entry":          raw(1, raw(1, "a")+raw(1, "b")+raw(2, text("1"))),
		"value twice in one entry":        raw(1, raw(1, "a")+raw(2, text("1"))+raw(2, text("2"))),
		"two kinds in one value":          entry("a", text("1")+text("2")),
		"string and list":                 entry("a", text("1")+list(text("2"))),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := pdkwire.DecodeHeaders([]byte(in), pdkwire.Limits{})
			if !errors.Is(err, pdkwire.ErrMalformed) || got != nil {
				t.Errorf("got %v, %v, expected nil and ErrMalformed", got, err)
			}
		})
	}
}

func TestDecodeHeadersLimits(t *testing.T) {
	in := []byte(entry("a", list(text("1"), text("2"))) + entry("b", text("3")))
	exact := pdkwire.Limits{Bytes: len(in), Fields: 2, Values: 3}
	if _, err := pdkwire.DecodeHeaders(in, exact); err != nil {
		t.Errorf("exactly at the limits: %v", err)
	}
	for name, lim := range map[string]pdkwire.Limits{
		"bytes":  {Bytes: len(in) - 1},
		"fields": {Fields: 1},
		"values": {Values: 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := pdkwire.DecodeHeaders(in, lim); !errors.Is(err, pdkwire.ErrTooLarge) || got != nil {
				t.Errorf("got %v, %v, expected nil and ErrTooLarge", got, err)
			}
		})
	}
}

func TestErrorsCarryNoInput(t *testing.T) {
	secret := "eyJhbGciOiJ"
	_, err := pdkwire.DecodeHeaders([]byte(raw(1, raw(1, secret)+raw(1, secret))), pdkwire.Limits{})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v, expected an error without the input", err)
	}
}

func TestHeaderSlicesDoNotOverlap(t *testing.T) {
	in := entry("a", text("1")) + entry("b", text("2"))
	h, err := pdkwire.DecodeHeaders([]byte(in), pdkwire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	_ = append(h["a"], "x")
	if h["b"][0] != "2" {
		t.Errorf("appending to one header changed another: %q", h["b"])
	}
}

// Kong's own encoder is Lua's; go-pdk's structpb encoding is the nearest independent one.
func TestHeadersAgainstStructpb(t *testing.T) {
	in := map[string][]string{"a": {"1", "2"}, "b": {""}, "c": {}, "ü": {"é"}}
	st, err := bridge.WrapHeaders(in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pdkwire.DecodeHeaders(b, pdkwire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pdkwire.Headers(in), got); diff != "" {
		t.Errorf("decode of structpb (-want +got):\n%s", diff)
	}

	ours := pdkwire.AppendHeaders(nil, []pdkwire.Header{
		{Name: "a", Values: []string{"1", "2"}}, {Name: "b", Values: []string{""}}, {Name: "c"}, {Name: "ü", Values: []string{"é"}},
	})
	var back structpb.Struct
	if err := proto.Unmarshal(ours, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, bridge.UnwrapHeaders(&back)); diff != "" {
		t.Errorf("structpb's decode of ours (-want +got):\n%s", diff)
	}
}

func TestDecodeHeadersAllocations(t *testing.T) {
	in := []byte(entry("host", text("a")) + entry("authorization", text("Bearer x")) + entry("via", list(text("1"), text("2"))))
	got := testing.AllocsPerRun(100, func() {
		if _, err := pdkwire.DecodeHeaders(in, pdkwire.Limits{Bytes: 1 << 20, Fields: 1000, Values: 2000}); err != nil {
			t.Fatal(err)
		}
	})
	// The copy of the payload, the slab of values, the map and its first group.
	if got > 4 {
		t.Errorf("got %v allocations, expected at most 4", got)
	}
}
