// Package corpus holds labelled requests: what arrives, under which
// configuration, key sets and clock, and the verdict that is right. The files
// in testdata are meant for other gateways and libraries too; docs/CORPUS.md
// describes them, and the types here are that description in Go.
//
//	[Load]             reads all families
//	internal/family    the cases and their labels, written by hand
//	internal/forge     makes tokens from bytes, with nothing of a JWT library
//	generate           writes testdata; go generate runs it
//
// The tests run every case through the request flow and compare everything.
//
// The private keys in testdata/keys.json are public. They exist so that others
// can add cases; whoever trusts one trusts everybody.
package corpus

//go:generate go run ./generate
