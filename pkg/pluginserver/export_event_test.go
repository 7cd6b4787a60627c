package pluginserver

// EventCall is what readEvent reads.
type EventCall struct {
	Sequence int64
	Instance int32
	Phase    string
}

func ReadEvent(b []byte, phases []string) (EventCall, bool) {
	call, ok := readEvent(b, phases)
	return EventCall{call.sequence, call.instance, call.phase}, ok
}

func AppendReturn(dst []byte, sequence int64) []byte { return appendReturn(dst, sequence) }
