package pdkwire

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The one-field messages String, ByteString, Int, Number and Bool (v = 1). As proto3
// says, the zero value is the empty message.

// AppendString appends a String (or ByteString: the wire form is the same).
func AppendString(dst []byte, v string) []byte {
	if v == "" {
		return dst
	}
	return appendText(dst, 1, v)
}

// DecodeString decodes a String or ByteString; its bytes are copied once, as they are.
// Kong answers the empty message for an absent value too (kong.nginx.get_var).
func DecodeString(b []byte) (string, error) {
	v := ""
	err := lastOf(b, protowire.BytesType, func(f field) { v = string(b[f.from:f.to]) })
	return v, err
}

// AppendInt appends an Int.
func AppendInt(dst []byte, v int32) []byte {
	return appendVarint(dst, 1, uint64(int64(v)))
}

// DecodeInt decodes an Int. A wider varint is cut to 32 bits, as protobuf does.
func DecodeInt(b []byte) (int32, error) {
	var v int32
	err := lastOf(b, protowire.VarintType, func(f field) { v = int32(f.num) })
	return v, err
}

// DecodeNumber decodes a Number, for instance kong.nginx.req_start_time in seconds.
func DecodeNumber(b []byte) (float64, error) {
	var v float64
	err := lastOf(b, protowire.Fixed64Type, func(f field) { v = math.Float64frombits(f.num) })
	return v, err
}

// AppendBool appends a Bool.
func AppendBool(dst []byte, v bool) []byte {
	return appendFlag(dst, 1, v)
}

// DecodeBool decodes a Bool.
func DecodeBool(b []byte) (bool, error) {
	v := false
	err := lastOf(b, protowire.VarintType, func(f field) { v = f.num != 0 })
	return v, err
}

// lastOf calls take for each field 1 of the given type: the last one wins, as protobuf
// merges a repeated scalar.
func lastOf(b []byte, kind protowire.Type, take func(field)) error {
	s := scan(b)
	for {
		f, more, err := s.next()
		if err != nil || !more {
			return err
		}
		if f.is(1, kind) {
			take(f)
		}
	}
}

func appendText(dst []byte, number protowire.Number, v string) []byte {
	dst = protowire.AppendTag(dst, number, protowire.BytesType)
	return protowire.AppendString(dst, v)
}

// appendVarint leaves out zero, as proto3 does for a field without presence.
func appendVarint(dst []byte, number protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	dst = protowire.AppendTag(dst, number, protowire.VarintType)
	return protowire.AppendVarint(dst, v)
}

func appendFlag(dst []byte, number protowire.Number, v bool) []byte {
	return appendVarint(dst, number, protowire.EncodeBool(v))
}

// appendNested appends a length-delimited field whose content body appends. One byte is
// left for the length, which is enough up to 127; behind a longer content, rare and
// outermost, the rest of its length is made room for.
func appendNested(dst []byte, number protowire.Number, body func([]byte) []byte) []byte {
	dst = append(protowire.AppendTag(dst, number, protowire.BytesType), 0)
	start := len(dst)
	dst = body(dst)
	size := len(dst) - start
	if more := protowire.SizeVarint(uint64(size)) - 1; more > 0 {
		var room [9]byte
		dst = append(dst, room[:more]...)
		copy(dst[start+more:], dst[start:start+size])
	}
	protowire.AppendVarint(dst[:start-1], uint64(size))
	return dst
}
