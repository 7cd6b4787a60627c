package pdkwire_test

import (
	"bytes"
	"testing"

	"github.com/Kong/go-pdk/bridge"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

var fuzzLimits = pdkwire.Limits{Bytes: 1 << 16, Fields: 100, Values: 200}

// FuzzDecodeHeaders: any bytes end in an error or in headers that stay within the limits,
// agree with structpb where structpb can read them, and survive a round trip.
func FuzzDecodeHeaders(f *testing.F) {
	f.Add([]byte(entry("authorization", text("Bearer \xff")) + entry("via", list(text("a"), text("")))))
	f.Add([]byte(entry("a", flag(4, 1)) + entry("a", raw(5, ""))))
	f.Add([]byte("\x0a\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, in []byte) {
		h, err := pdkwire.DecodeHeaders(in, fuzzLimits)
		if err != nil {
			if h != nil {
				t.Fatal("headers beside an error")
			}
			return
		}
		values := 0
		var hs []pdkwire.Header
		for name, vs := range h {
			values += len(vs)
			hs = append(hs, pdkwire.Header{Name: name, Values: vs})
		}
		if len(h) > fuzzLimits.Fields || values > fuzzLimits.Values {
			t.Fatalf("%d fields and %d values pass the limits", len(h), values)
		}
		back, err := pdkwire.DecodeHeaders(pdkwire.AppendHeaders(nil, hs), pdkwire.Limits{})
		if err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		if diff := cmp.Diff(h, back); diff != "" {
			t.Fatalf("round trip (-want +got):\n%s", diff)
		}
		var st structpb.Struct
		if proto.Unmarshal(in, &st) != nil {
			return // not UTF-8: ours alone can read it
		}
		for name, v := range st.GetFields() {
			if _, known := h[name]; !known {
				t.Fatalf("structpb has %q, we do not", name)
			}
			if s, ok := v.GetKind().(*structpb.Value_StringValue); ok && (len(h[name]) != 1 || h[name][0] != s.StringValue) {
				t.Fatalf("got %q, structpb has %q", h[name], s.StringValue)
			}
		}
	})
}

// FuzzAppendHeaders: what we send is what go-pdk's own encoding says, for text, and
// decodes to the same bytes for anything else.
func FuzzAppendHeaders(f *testing.F) {
	f.Add("Retry-After", "1", "2")
	f.Add("", "", "\xff")
	f.Fuzz(func(t *testing.T, name, a, b string) {
		got := pdkwire.AppendHeaders(nil, []pdkwire.Header{{Name: name, Values: []string{a, b}}})
		h, err := pdkwire.DecodeHeaders(got, pdkwire.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pdkwire.Headers{name: {a, b}}, h); diff != "" {
			t.Fatalf("round trip (-want +got):\n%s", diff)
		}
		st, err := bridge.WrapHeaders(map[string][]string{name: {a, b}})
		if err != nil {
			return
		}
		if want, err := proto.Marshal(st); err == nil && !bytes.Equal(want, got) {
			t.Fatalf("got %x, go-pdk sends %x", got, want)
		}
	})
}

// FuzzDecodeValue: no input panics, recurses or grows beyond the limits, and what was
// understood encodes to the same value again.
func FuzzDecodeValue(f *testing.F) {
	f.Add([]byte(raw(5, entry("a", list(text("\xff"), flag(4, 0), flag(4, 1))))))
	f.Add([]byte("\x11\x00\x00\x00\x00\x00\x00\xf8\x7f"))
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := pdkwire.DecodeValue(in, fuzzLimits)
		if err != nil {
			return
		}
		first := pdkwire.AppendKV(nil, "", v)
		back, err := pdkwire.DecodeValue(valueOf(t, first), pdkwire.Limits{})
		if err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		if again := pdkwire.AppendKV(nil, "", back); !bytes.Equal(first, again) {
			t.Fatalf("round trip: %x, then %x", first, again)
		}
	})
}

// valueOf returns the Value inside a KV without key.
func valueOf(t *testing.T, kv []byte) []byte {
	t.Helper()
	_, _, n := protowire.ConsumeTag(kv)
	content, m := protowire.ConsumeBytes(kv[max(n, 0):])
	if n < 0 || m < 0 {
		t.Fatalf("%x is no KV", kv)
	}
	return content
}

// FuzzDecodeScalars: the small replies never panic and never return bytes that were not
// sent.
func FuzzDecodeScalars(f *testing.F) {
	f.Add([]byte("\x0a\x02\xffz"))
	f.Add([]byte("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if s, err := pdkwire.DecodeString(in); err == nil && !bytes.Contains(in, []byte(s)) {
			t.Fatalf("%q is not in the input", s)
		}
		if n, err := pdkwire.DecodeInt(in); err == nil {
			if back, err := pdkwire.DecodeInt(pdkwire.AppendInt(nil, n)); err != nil || back != n {
				t.Fatalf("got %d, %v, expected %d", back, err, n)
			}
		}
		_, errNumber := pdkwire.DecodeNumber(in)
		_, errBool := pdkwire.DecodeBool(in)
		_, errConsumer := pdkwire.DecodeConsumer(in)
		_, errCredential := pdkwire.DecodeCredential(in)
		// One grammar: a payload is well formed for all of them or for none.
		if (errNumber == nil) != (errBool == nil) || (errBool == nil) != (errConsumer == nil) || (errConsumer == nil) != (errCredential == nil) {
			t.Fatalf("disagree: %v, %v, %v, %v", errNumber, errBool, errConsumer, errCredential)
		}
	})
}
