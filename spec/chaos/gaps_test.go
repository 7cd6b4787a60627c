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

	// With fault_policy: deny, a Redis that does not answer is a 503; with the others
	// there is no gap. These begin when Redis is back.
	//
	// strictGap: one request a second asks it. The last that fails may take the whole
	// timeout, and the next is due at most 1.25 s later.
	strictGap = redisTimeout + 1250*time.Millisecond + slack
	// asyncGap: exchanges that fail are tried again after 5.5 s at most, and may take
	// the timeout, too.
	asyncGap = redisTimeout + 5500*time.Millisecond + slack

	// slack is for a busy machine.
	slack = 3 * time.Second
)
