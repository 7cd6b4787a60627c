package pdkwire

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxDepth bounds the nesting of a decoded Value: Lua tables that a plugin shares are
// flat, and recursion is bounded by it.
const maxDepth = 32

// DecodeValue decodes a google.protobuf.Value, the reply of kong.ctx.shared.get and
// kong.nginx.get_ctx. false and null decode as nil. A struct with one name twice keeps
// both fields; take the last.
//
// Errors: ErrTooLarge over lim (Fields counts the struct fields, Values everything else)
// or beyond 32 levels, ErrMalformed otherwise.
func DecodeValue(b []byte, lim Limits) (Value, error) {
	if over(len(b), lim.Bytes) {
		return Value{}, tooLarge("bytes", lim.Bytes)
	}
	d := valueDecoder{lim: lim}
	return d.value(scan(b), 0)
}

type valueDecoder struct {
	lim            Limits
	fields, values int
}

func (d *valueDecoder) value(s scanner, depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, tooLarge("levels", maxDepth)
	}
	if d.values++; over(d.values, d.lim.Values) {
		return Value{}, tooLarge("values", d.lim.Values)
	}
	var v Value
	var seen bool
	for {
		f, more, err := s.next()
		if err != nil || !more {
			return v, err
		}
		if f.number < valueNull || f.number > valueList {
			continue
		}
		if err := once(&seen, "kind of value"); err != nil {
			return Value{}, err
		}
		if v, err = d.kind(s, f, depth); err != nil {
			return Value{}, err
		}
	}
}

func (d *valueDecoder) kind(s scanner, f field, depth int) (Value, error) {
	switch {
	case f.is(valueNull, protowire.VarintType):
		return Value{}, nil
	case f.is(valueNumber, protowire.Fixed64Type):
		return Number(math.Float64frombits(f.num)), nil
	case f.is(valueString, protowire.BytesType):
		return String(string(s.b[f.from:f.to])), nil
	case f.is(valueBool, protowire.VarintType):
		return Bool(f.num != 0), nil
	case f.is(valueStruct, protowire.BytesType):
		return d.structure(s.within(f), depth)
	case f.is(valueList, protowire.BytesType):
		return d.list(s.within(f), depth)
	}
	return Value{}, malformed("kind of value")
}

func (d *valueDecoder) list(s scanner, depth int) (Value, error) {
	var vs []Value
	for {
		f, more, err := s.next()
		if err != nil {
			return Value{}, err
		}
		if !more {
			return List(vs...), nil
		}
		if !f.is(listValues, protowire.BytesType) {
			continue
		}
		v, err := d.value(s.within(f), depth+1)
		if err != nil {
			return Value{}, err
		}
		vs = append(vs, v)
	}
}

func (d *valueDecoder) structure(s scanner, depth int) (Value, error) {
	var fs []Field
	for {
		f, more, err := s.next()
		if err != nil {
			return Value{}, err
		}
		if !more {
			return Struct(fs...), nil
		}
		if !f.is(structFields, protowire.BytesType) {
			continue
		}
		if d.fields++; over(d.fields, d.lim.Fields) {
			return Value{}, tooLarge("fields", d.lim.Fields)
		}
		entry, err := d.entry(s.within(f), depth)
		if err != nil {
			return Value{}, err
		}
		fs = append(fs, entry)
	}
}

func (d *valueDecoder) entry(s scanner, depth int) (Field, error) {
	var out Field
	var hasKey, hasValue bool
	for {
		f, more, err := s.next()
		if err != nil || !more {
			return out, err
		}
		switch {
		case f.is(entryKey, protowire.BytesType):
			if err := once(&hasKey, "key"); err != nil {
				return Field{}, err
			}
			out.Name = string(s.b[f.from:f.to])
		case f.is(entryValue, protowire.BytesType):
			if err := once(&hasValue, "value"); err != nil {
				return Field{}, err
			}
			if out.Value, err = d.value(s.within(f), depth+1); err != nil {
				return Field{}, err
			}
		}
	}
}
