// Package pdkpb encodes and decodes the payloads of PDK calls the way Kong's
// Lua side does: strings are raw bytes in both directions, with no regard to
// UTF-8, and google.protobuf.Value keeps the quirks of Kong's structpb_value.
//
// Lua values are nil, bool, float64, string, []any and map[string]any.
package pdkpb

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrMalformed is a payload that is no valid message; lua-protobuf raises a Lua
// error for it.
var ErrMalformed = errors.New("malformed protobuf payload")

// maxDepth bounds the nesting of decoded values.
const maxDepth = 64

// field is one decoded field: num is 1 for varints, bits for fixed64, data for
// length-delimited ones.
type field struct {
	num  protowire.Number
	typ  protowire.Type
	n    uint64
	data []byte
}

// fields walks the fields of a message.
func fields(b []byte, visit func(field) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
		}
		b = b[n:]
		f := field{num: num, typ: typ}
		switch typ {
		case protowire.VarintType:
			f.n, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			f.n, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			f.data, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
		}
		b = b[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// DecodeValue reads a google.protobuf.Value. As in Kong, `a or b or c` loses a
// false (it arrives as nil), and a null is the enum's name.
func DecodeValue(b []byte) (any, error) { return decodeValue(b, 0) }

func decodeValue(b []byte, depth int) (v any, err error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested over %d levels", ErrMalformed, maxDepth)
	}
	err = fields(b, func(f field) (err error) {
		switch f.num {
		case 1:
			v = "NULL_VALUE"
		case 2:
			v = math.Float64frombits(f.n)
		case 3:
			v = string(f.data)
		case 4:
			if v = nil; f.n != 0 {
				v = true
			}
		case 5:
			v, err = decodeStruct(f.data, depth+1)
		case 6:
			v, err = decodeList(f.data, depth+1)
		}
		return err
	})
	return v, err
}

// DecodeStruct reads a google.protobuf.Struct. Of a repeated key the last value
// counts; a key whose value is nil is not there.
func DecodeStruct(b []byte) (map[string]any, error) { return decodeStruct(b, 0) }

func decodeStruct(b []byte, depth int) (map[string]any, error) {
	out := map[string]any{}
	err := fields(b, func(f field) error {
		if f.num != 1 {
			return nil
		}
		key, v, err := decodeEntry(f.data, depth)
		if err == nil && v != nil {
			out[key] = v
		}
		return err
	})
	return out, err
}

func decodeEntry(b []byte, depth int) (key string, v any, err error) {
	err = fields(b, func(f field) (err error) {
		switch f.num {
		case 1:
			key = string(f.data)
		case 2:
			v, err = decodeValue(f.data, depth+1)
		}
		return err
	})
	return key, v, err
}

// DecodeList reads a google.protobuf.ListValue. ipairs stops at the first nil,
// but Kong fills the list by index, so a nil leaves a hole; a hole ends what
// Lua callers see.
func DecodeList(b []byte) ([]any, error) { return decodeList(b, 0) }

func decodeList(b []byte, depth int) ([]any, error) {
	out := []any{}
	err := fields(b, func(f field) error {
		if f.num != 1 {
			return nil
		}
		v, err := decodeValue(f.data, depth+1)
		out = append(out, v)
		return err
	})
	if i := slices.Index(out, nil); i >= 0 {
		out = out[:i]
	}
	return out, err
}

// AppendValue encodes a Lua value as google.protobuf.Value. A table with a
// first element is a list, every other table, the empty one included, a struct.
func AppendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		dst = protowire.AppendTag(dst, 1, protowire.VarintType)
		return protowire.AppendVarint(dst, 1)
	case bool:
		dst = protowire.AppendTag(dst, 4, protowire.VarintType)
		return protowire.AppendVarint(dst, protowire.EncodeBool(v))
	case float64:
		dst = protowire.AppendTag(dst, 2, protowire.Fixed64Type)
		return protowire.AppendFixed64(dst, math.Float64bits(v))
	case string:
		dst = protowire.AppendTag(dst, 3, protowire.BytesType)
		return protowire.AppendString(dst, v)
	case []any:
		if len(v) == 0 {
			return appendMessage(dst, 5, nil)
		}
		return appendMessage(dst, 6, AppendList(nil, v))
	case map[string]any:
		return appendMessage(dst, 5, AppendStruct(nil, v))
	}
	return AppendValue(dst, fmt.Sprint(v))
}

// AppendList encodes a google.protobuf.ListValue.
func AppendList(dst []byte, list []any) []byte {
	for _, v := range list {
		dst = appendMessage(dst, 1, AppendValue(nil, v))
	}
	return dst
}

// AppendStruct encodes a google.protobuf.Struct, keys in alphabetical order.
func AppendStruct(dst []byte, m map[string]any) []byte {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		entry := appendMessage(appendString(nil, 1, k), 2, AppendValue(nil, m[k]))
		dst = appendMessage(dst, 1, entry)
	}
	return dst
}

func appendMessage(dst []byte, num protowire.Number, msg []byte) []byte {
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	return protowire.AppendBytes(dst, msg)
}

// appendString skips the empty string, proto3's default.
func appendString(dst []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return dst
	}
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	return protowire.AppendString(dst, s)
}

func appendInt(dst []byte, num protowire.Number, n int64) []byte {
	if n == 0 {
		return dst
	}
	dst = protowire.AppendTag(dst, num, protowire.VarintType)
	return protowire.AppendVarint(dst, uint64(n))
}
