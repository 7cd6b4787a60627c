package pdkwire

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// Value is a google.protobuf.Value as Kong's Lua side understands it: nil (the zero
// Value), a string of bytes, a number, true, a list or an ordered struct.
//
// What Lua loses is settled here, when the Value is built, so that an encoded Value
// means on the other side what it says here:
//   - Kong reads a Value as "bool or string or number", so false never arrives. [Bool]
//     makes it nil, which is as false in Lua; inside a list, where nil would cut the
//     list short, it becomes the string "false".
//   - NaN and the infinities become strings: cjson refuses to write such a number, and
//     one of them would cost the whole log entry.
//   - A struct field that is nil is left out. An empty list and an empty struct are the
//     same empty table in Lua.
type Value struct {
	kind   protowire.Number // the field number of the kind, 0 for nil
	text   string
	number float64
	list   []Value
	fields []Field
}

// Field is a named member of a struct Value.
type Field struct {
	Name  string
	Value Value
}

// String returns a string Value; any bytes are allowed.
func String(v string) Value { return Value{kind: valueString, text: v} }

// Number returns a number Value.
func Number(v float64) Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return String(strconv.FormatFloat(v, 'g', -1, 64))
	}
	return Value{kind: valueNumber, number: v}
}

// Bool returns true, or nil for false (see [Value]).
func Bool(v bool) Value {
	if !v {
		return Value{}
	}
	return Value{kind: valueBool}
}

// List returns a list Value. A nil element becomes the string "false" (see [Value]).
func List(vs ...Value) Value {
	out := make([]Value, len(vs))
	for i, v := range vs {
		out[i] = element(v)
	}
	return Value{kind: valueList, list: out}
}

// Struct returns a struct Value with its fields in the given order; nil ones are left
// out.
func Struct(fs ...Field) Value {
	out := make([]Field, 0, len(fs))
	for _, f := range fs {
		if !f.Value.IsNil() {
			out = append(out, f)
		}
	}
	return Value{kind: valueStruct, fields: out}
}

func element(v Value) Value {
	if v.IsNil() {
		return String("false")
	}
	return v
}

// IsNil reports whether v is nil in Lua.
func (v Value) IsNil() bool { return v.kind == 0 }

// Text returns the bytes of a string Value and whether v is one.
func (v Value) Text() (string, bool) { return v.text, v.kind == valueString }

// Float returns the number of a number Value and whether v is one.
func (v Value) Float() (float64, bool) { return v.number, v.kind == valueNumber }

// True reports whether v is the boolean true.
func (v Value) True() bool { return v.kind == valueBool }

// Elements returns the elements of a list Value; nil for any other.
func (v Value) Elements() []Value { return v.list }

// Fields returns the fields of a struct Value in order; nil for any other.
func (v Value) Fields() []Field { return v.fields }

// append appends the content of the Value message.
func (v Value) append(dst []byte) []byte {
	switch v.kind {
	case valueString:
		return appendText(dst, valueString, v.text)
	case valueNumber:
		dst = protowire.AppendTag(dst, valueNumber, protowire.Fixed64Type)
		return protowire.AppendFixed64(dst, math.Float64bits(v.number))
	case valueBool:
		return appendFlag(dst, valueBool, true)
	case valueList:
		return appendNested(dst, valueList, func(dst []byte) []byte { return AppendList(dst, v.list...) })
	case valueStruct:
		return appendNested(dst, valueStruct, v.appendStruct)
	}
	return dst
}

func (v Value) appendStruct(dst []byte) []byte {
	for _, f := range v.fields {
		dst = appendNested(dst, structFields, func(dst []byte) []byte {
			dst = appendText(dst, entryKey, f.Name)
			return appendNested(dst, entryValue, f.Value.append)
		})
	}
	return dst
}
