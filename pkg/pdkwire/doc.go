// Package pdkwire encodes and decodes the protobuf payloads of Kong's PDK calls
// (kong/pluginsocket.proto) directly on the wire format, bytes in and bytes out.
//
// It exists because google.golang.org/protobuf refuses a string field that is not
// valid UTF-8, in both directions, while Kong's Lua codec passes bytes as they are:
// one Latin-1 byte in any header makes the whole header reply unreadable there.
// A Go string here is therefore a sequence of bytes, never assumed to be UTF-8.
//
// Where to look:
//   - [DecodeHeaders]: the replies of kong.request.get_headers and get_query.
//   - [DecodeString], [DecodeInt], [DecodeNumber], [DecodeBool], [DecodeConsumer],
//     [DecodeValue]: the other replies.
//   - [AppendHeaders], [AppendKV], [AppendList], [AppendExit], [AppendString] and the
//     rest of the Append functions: arguments, appended to a caller's buffer.
//   - [Value]: the small tree for kong.log.set_serialize_value, kong.ctx.shared.set
//     and kong.log.*, with what Kong's Lua side loses spelled out.
//
// Decoders never trust a length in the input for an allocation, are bounded by
// [Limits] or by the input's own size, and fail with [ErrMalformed] or [ErrTooLarge].
// Unknown fields are skipped, as protobuf asks. A field that the message has once is
// refused when it comes twice in one map entry or Value (Kong never sends that), so no
// two readers can disagree about a header.
package pdkwire
