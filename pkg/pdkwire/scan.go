package pdkwire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Decoding errors. Neither carries bytes of the input.
var (
	ErrMalformed = errors.New("malformed protobuf payload")
	ErrTooLarge  = errors.New("protobuf payload over the limit")
)

// Limits bounds a decoded reply. Zero means no bound of that kind, which is for tests:
// a gateway's headers are the client's bytes.
type Limits struct {
	Bytes  int // payload length
	Fields int // map entries, duplicates counted
	Values int // leaf values over all entries
}

// field is one protobuf field of a message: its number, its type and where its content
// lies in the scanned buffer. For a varint or a fixed64, num holds the value.
type field struct {
	number   protowire.Number
	kind     protowire.Type
	from, to int
	num      uint64
}

// scanner walks the fields of the message b[at:end]. It keeps offsets into the whole
// buffer, so that one string copy of the buffer serves every substring.
type scanner struct {
	b       []byte
	at, end int
}

func scan(b []byte) scanner { return scanner{b: b, end: len(b)} }

// within returns a scanner over the content of f.
func (s *scanner) within(f field) scanner { return scanner{b: s.b, at: f.from, end: f.to} }

// next returns the next field; more is false at the end of the message.
func (s *scanner) next() (f field, more bool, err error) {
	if s.at == s.end {
		return field{}, false, nil
	}
	tag, ok := s.varint()
	number, kind := protowire.DecodeTag(tag)
	if !ok || number < protowire.MinValidNumber {
		return field{}, false, malformed("tag")
	}
	f = field{number: number, kind: kind, from: s.at}
	switch kind {
	case protowire.VarintType:
		f.num, ok = s.varint()
	case protowire.BytesType:
		var size uint64
		size, ok = s.varint()
		if !ok || size > uint64(s.end-s.at) {
			return field{}, false, malformed("length")
		}
		f.from = s.at
		s.at += int(size)
	default:
		n := protowire.ConsumeFieldValue(number, kind, s.b[s.at:s.end])
		if ok = n >= 0; !ok {
			break
		}
		if kind == protowire.Fixed64Type {
			f.num = binary.LittleEndian.Uint64(s.b[s.at:])
		}
		s.at += n
	}
	if !ok {
		return field{}, false, malformed("field")
	}
	f.to = s.at
	return f, true, nil
}

// varint takes a varint off the front. Most tags and lengths of a reply are one byte.
func (s *scanner) varint() (v uint64, ok bool) {
	if s.at < s.end && s.b[s.at] < 0x80 {
		s.at++
		return uint64(s.b[s.at-1]), true
	}
	v, n := protowire.ConsumeVarint(s.b[s.at:s.end])
	if n < 0 {
		return 0, false
	}
	s.at += n
	return v, true
}

// is reports whether f is the known field with that number; a known number with another
// wire type is an unknown field and skipped, as in protobuf's own decoders.
func (f field) is(number protowire.Number, kind protowire.Type) bool {
	return f.number == number && f.kind == kind
}

// once marks a singular field as seen and refuses it the second time.
func once(seen *bool, what string) error {
	if *seen {
		return malformed("repeated " + what)
	}
	*seen = true
	return nil
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

func tooLarge(what string, limit int) error {
	return fmt.Errorf("%w: more than %d %s", ErrTooLarge, limit, what)
}

// over reports whether n exceeds the bound; a bound of zero never is.
func over(n, bound int) bool { return bound > 0 && n > bound }
