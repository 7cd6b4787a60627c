// Package diagnosis holds the closed catalogue of verdicts and the four places
// a verdict is written to: the diagnosis header, WWW-Authenticate, the JSON
// body and the log object.
//
// A check that fails produces a [Failure]. The request flow gathers failures
// and findings into one [Diagnosis]; the encodings in header.go, challenge.go,
// body.go and log.go turn that into bytes for one [Level] of detail. Everything
// that is sent below [Full] comes from the catalogue or is a number: nothing of
// the request is reflected.
//
// The package imports nothing else of this project.
package diagnosis
