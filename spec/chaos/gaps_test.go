//go:build spec

package chaos

import (
	"os"
	"time"
)

// The gaps: for how long a fault may be felt, as 5xx answers to good requests. Where
// a test names none of these, there is no gap.
const (
	// restartGap: Kong starts a plugin process that has ended anew, but not within a
	// second of the start before. Then it reads its saved keys.
	restartGap = 3 * time.Second
	// claimGap: a worker of Kong starts an instance anew when it reads that its
	// connection was closed. Is the next one of its pool dead as well, and that not
	// noticed yet, the write is a Lua error that leaves the instance claimed by nobody:
	// requests of this worker wait for 10 s, and the first of them ends as a 500
	// (get_instance_id in plugin.lua, Rpc:call in pb_rpc.lua). The embedded gateway
	// takes no dead connection of its pool.
	claimGap = 10*time.Second + slack
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

// killedGap is for how long the end of the plugin process may be felt.
func killedGap() time.Duration {
	if os.Getenv("KONG_BIN") == "" {
		return restartGap
	}
	return restartGap + claimGap
}
