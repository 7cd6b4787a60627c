// Package edge is a stand-in for the proxy in front of a gateway (an F5 BIG-IP, say)
// that damages credentials on purpose: one header is dropped, blanked, rewritten, cut,
// joined, doubled or renamed, and every other byte of the message stays as it came.
//
// Where to look:
//   - [Start], [Options], [Edge]: one running edge.
//   - [Rule]: which requests are damaged, by path or by a header of the request.
//   - [Mode], [ParseMode], [ParseRule]: what is done to them.
//
// It speaks HTTP/1.1 without upgrades, keeps connections alive on both sides, streams
// bodies with their framing, and adds X-Forwarded-For and X-Forwarded-Proto.
package edge
