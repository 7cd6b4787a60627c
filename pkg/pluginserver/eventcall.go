package pluginserver

import "google.golang.org/protobuf/encoding/protowire"

// eventCall is a cmd_handle_event: the command that comes with every request.
type eventCall struct {
	sequence int64
	instance int32
	phase    string
}

// Field numbers of RpcCall, CmdHandleEvent and RpcReturn (kong/pluginsocket.proto).
const (
	callSequence  = 1
	callEvent     = 36
	eventInstance = 1
	eventName     = 2
	retSequence   = 1
)

// readEvent reads an RpcCall that holds a sequence and an event in one of the phases,
// in any order. It reports false for everything else, which is for the generated types
// to read or to refuse: they cost a dozen times as much.
func readEvent(b []byte, phases []string) (call eventCall, ok bool) {
	events := 0
	ok = eachField(b, func(number protowire.Number, num uint64, content []byte) bool {
		switch {
		case number == callSequence && content == nil:
			call.sequence = int64(num)
			return true
		case number == callEvent && content != nil:
			events++
			return call.readEvent(content, phases)
		}
		return false
	})
	return call, ok && events == 1 && call.phase != ""
}

func (call *eventCall) readEvent(b []byte, phases []string) bool {
	return eachField(b, func(number protowire.Number, num uint64, content []byte) bool {
		switch {
		case number == eventInstance && content == nil:
			call.instance = int32(num)
			return true
		case number == eventName && content != nil:
			for _, phase := range phases {
				if phase == string(content) {
					call.phase = phase
					return true
				}
			}
		}
		return false
	})
}

// eachField calls take with the fields of a message: a varint's value, or the bytes of
// a length-delimited field, which are not nil even if there are none. It reports false
// for another type of field, for what is no message, and once take has reported it.
func eachField(b []byte, take func(number protowire.Number, num uint64, content []byte) bool) bool {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		var num uint64
		var content []byte
		switch kind {
		case protowire.VarintType:
			num, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			content, n = protowire.ConsumeBytes(b)
		default:
			return false
		}
		if n < 0 || !take(number, num, content) {
			return false
		}
		b = b[n:]
	}
	return true
}

// appendReturn appends an RpcReturn that says only which call has ended.
func appendReturn(dst []byte, sequence int64) []byte {
	dst = protowire.AppendTag(dst, retSequence, protowire.VarintType)
	return protowire.AppendVarint(dst, uint64(sequence))
}
