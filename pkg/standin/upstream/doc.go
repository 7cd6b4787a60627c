// Package upstream is a stand-in for the service behind a gateway: it answers every
// request with what it received, and counts.
//
//   - [Start], [Options], [Upstream]: one running upstream.
//   - [Echo]: the answer's JSON; header names and bytes are those of the wire.
//
// The request says what the answer looks like: the path /status/CODE (or any path that
// ends so) sets the status, ?header=NAME:VALUE, any number of times, sets headers.
package upstream
