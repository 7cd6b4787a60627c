// Package rawhttp reads and writes HTTP/1.1 messages without touching their bytes.
//
// net/http canonicalises header names, trims values, joins and refuses lines; a
// stand-in for a proxy that damages headers must do none of that unasked. Here a
// header field stays the bytes of its line.
//
// Where to look:
//   - [ReadHead], [Head], [Field]: the start line and the fields, in order, as received.
//   - [Head.RequestBody], [Head.ResponseBody]: how the body is delimited (RFC 9112, 6.3).
//   - [Framing.Copy]: move one body, framing included, without buffering it.
package rawhttp
