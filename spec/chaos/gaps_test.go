//go:build spec

package chaos

import "time"

// The gaps: for how long a fault may be felt, as 5xx answers to good requests. Where
// a test names none of these, there is no gap.
const (
	// killedGap: Kong starts a plugin process that has ended anew, but not within a
	// second of the start before. Then it reads its saved keys.
	killedGap = 3 * time.Second
	// socketGap: the plugin looks once a second whether its socket is there, and Kong
	// connects anew for most requests, as it drops a connection with each rejection.
	socketGap = 2500 * time.Millisecond
)
