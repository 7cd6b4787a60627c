// Package ratelimit decides whether a caller may pass: so many requests per
// second with a burst, and so many per calendar minute, hour and day.
//
// [Limiter] is the way in; package memory implements it for one process, and
// package limitertest is the suite that every implementation passes. A caller
// makes a [Key] for the identity, picks the [Tier] and keeps one [Calendar] for
// the zone in which its days begin. The [Decision] says what happened, and
// [AppendHeaders] writes it down under the names of Kong's rate-limiting plugin,
// [AppendIETFHeaders] under those of the IETF's draft.
//
// The rules themselves are pure and stand in gcra.go (the second), window.go
// (minute, hour and day), calendar.go (when days end) and state.go
// ([State.Spend], all at once):
//
//   - In any interval t at most burst + second·t requests pass.
//   - A request passes all windows or is counted in none: a denial costs nothing.
//   - What a key has used belongs to the key, not to its tier. A change of tier
//     keeps the counts and the requests still in the bucket.
//   - Time per key never runs backwards, so neither a stepped wall clock nor
//     readings that arrive out of order give requests away.
package ratelimit
