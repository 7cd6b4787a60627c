package pdkwire

import "google.golang.org/protobuf/encoding/protowire"

// Field numbers of google.protobuf.Struct, its map entry, Value and ListValue
// (google/protobuf/struct.proto).
const (
	structFields = 1
	entryKey     = 1
	entryValue   = 2
	valueNull    = 1
	valueNumber  = 2
	valueString  = 3
	valueBool    = 4
	valueStruct  = 5
	valueList    = 6
	listValues   = 1
)

// Headers maps a name to its values in the order of arrival. Kong lower-cases header
// names; query argument names keep their case. A present but empty header is
// []string{""}; an absent one has no entry.
type Headers map[string][]string

// DecodeHeaders decodes the google.protobuf.Struct that kong.request.get_headers and
// kong.request.get_query answer: each field a string or a list of strings. The boolean
// true, Kong's value of a query argument without "=", becomes "". A Value without any
// kind is "" too (an encoder may leave the empty string out), an empty struct is Lua's
// empty table and has no values.
//
// A key that comes twice takes its last value, as protobuf maps do. All strings share
// one copy of b, so a value kept beyond the request should be cloned.
//
// Errors: ErrTooLarge over lim, ErrMalformed for anything else that Kong does not send.
func DecodeHeaders(b []byte, lim Limits) (Headers, error) {
	if over(len(b), lim.Bytes) {
		return nil, tooLarge("bytes", lim.Bytes)
	}
	fields, err := countFields(b, lim)
	if err != nil {
		return nil, err
	}
	d := headerDecoder{text: string(b), slab: make([]string, 0, fields+spareValues), most: lim.Values}
	h := make(Headers, fields)
	s := scan(b)
	for {
		f, more, err := s.next()
		if err != nil {
			return nil, err
		}
		if !more {
			return h, nil
		}
		if !f.is(structFields, protowire.BytesType) {
			continue
		}
		name, vs, err := d.entry(s.within(f))
		if err != nil {
			return nil, err
		}
		h[name] = vs
	}
}

// countFields is a first look, without going into the entries: it says how much room
// they need, and keeps to the limit before there is any.
func countFields(b []byte, lim Limits) (fields int, err error) {
	s := scan(b)
	for {
		f, more, err := s.next()
		if err != nil || !more {
			return fields, err
		}
		if !f.is(structFields, protowire.BytesType) {
			continue
		}
		if fields++; over(fields, lim.Fields) {
			return 0, tooLarge("fields", lim.Fields)
		}
	}
}

// spareValues is room for the few names that come with several values.
const spareValues = 8

// headerDecoder cuts entries out of text, the copy of the payload, and lays the values
// into slab, at most so many.
type headerDecoder struct {
	text string
	slab []string
	most int
}

// entry decodes one map entry of the Struct.
func (d *headerDecoder) entry(s scanner) (name string, values []string, err error) {
	var hasKey, hasValue bool
	start := len(d.slab)
	for {
		f, more, err := s.next()
		if err != nil {
			return "", nil, err
		}
		if !more {
			break
		}
		switch {
		case f.is(entryKey, protowire.BytesType):
			if err := once(&hasKey, "key"); err != nil {
				return "", nil, err
			}
			name = d.cut(f)
		case f.is(entryValue, protowire.BytesType):
			if err := once(&hasValue, "value"); err != nil {
				return "", nil, err
			}
			if err := d.value(s.within(f), true); err != nil {
				return "", nil, err
			}
		}
	}
	if !hasValue {
		if err := d.push(""); err != nil {
			return "", nil, err
		}
	}
	// The capacity ends where the values end: appending to one header's slice must not
	// write into the next one's.
	return name, d.slab[start:len(d.slab):len(d.slab)], nil
}

// value decodes one Value; a list only where it may stand.
func (d *headerDecoder) value(s scanner, list bool) error {
	var seen bool
	for {
		f, more, err := s.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if f.number < valueNull || f.number > valueList {
			continue
		}
		if err := once(&seen, "kind of value"); err != nil {
			return err
		}
		switch {
		case f.is(valueString, protowire.BytesType):
			err = d.push(d.cut(f))
		case f.is(valueBool, protowire.VarintType) && f.num != 0:
			err = d.push("")
		case list && f.is(valueList, protowire.BytesType):
			err = d.list(s.within(f))
		case list && f.is(valueStruct, protowire.BytesType) && f.from == f.to:
			// Lua's empty table: no values.
		default:
			err = malformed("kind of header value")
		}
		if err != nil {
			return err
		}
	}
	if !seen {
		return d.push("")
	}
	return nil
}

func (d *headerDecoder) list(s scanner) error {
	for {
		f, more, err := s.next()
		if err != nil || !more {
			return err
		}
		if !f.is(listValues, protowire.BytesType) {
			continue
		}
		if err := d.value(s.within(f), false); err != nil {
			return err
		}
	}
}

func (d *headerDecoder) push(v string) error {
	if over(len(d.slab)+1, d.most) {
		return tooLarge("values", d.most)
	}
	d.slab = append(d.slab, v)
	return nil
}

func (d *headerDecoder) cut(f field) string { return d.text[f.from:f.to] }
