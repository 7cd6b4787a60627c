// Package jwks keeps the key sets of the trusted issuers: it fetches them,
// refreshes them, and answers which keys a token may have been signed with.
//
// [NewStore] makes the process-wide [Store]; [Store.Set] returns the key set of
// a [Source] and [Set.Lookup] asks it for a kid. Keys are bound to the issuer
// of their Source, so the caller picks the Set by the exact iss claim before it
// looks at the kid.
//
// Nothing on the request path waits for the network. Each set has one
// goroutine that fetches at once, then every refresh interval, sooner after a
// failure, and when a Lookup misses (at most once per cooldown). It publishes
// an immutable state; Lookup reads that and decides. An answer without keys
// carries the catalogue's code and when to come back:
//
//   - the kid is not in a set that was fetched just now: kid_unknown;
//   - it is not in an older set: one refresh starts, kid_unknown_throttled;
//   - there are no keys to judge by: the class of the failed fetch,
//     jwks_never_loaded before the first one ended, jwks_stale_expired when the
//     last good fetch is longer ago than allowed.
//
// An answer that is empty, malformed or not there never replaces good keys. With
// a [StateDir] the last good keys outlive the process, and their ages go on.
//
// Keys that a set no longer has are remembered, to call a token that names one
// kid_retired, and one whose kid names another key now
// signature_key_reused_kid. They never make a token good.
//
// Where to look: source.go for what names a set, store.go and set.go for the
// sets and their lifetime, worker.go and refresh.go for when a set is fetched
// and what becomes of it, state.go and history.go for what a Lookup answers,
// statedir.go, saved.go and restore.go for the disk, fetch.go and classify.go for
// the network and its failures, parse.go, key.go and keyring.go for the way from
// bytes to keys, health.go for how it all fares.
//
// MicahParks/keyfunc and jwkset turn each published JWK into a key, one at a
// time. Their storage of whole sets is not used: over HTTP it blocks the request
// on an unknown kid, gives up the set for one malformed key, replaces good keys
// by an empty answer, reads bodies without limit, and cannot tell an unknown kid
// from an issuer that is down; and its Keyfunc returns one key where a diagnosis
// needs all that fit and all that do not.
package jwks
