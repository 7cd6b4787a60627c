package ratelimit

import "time"

// Limiter decides requests and counts those it allows.
//
// An implementation
//
//   - MUST be safe for concurrent use, and MUST count two requests of one key
//     that arrive at once as one after the other;
//   - MUST decide as [State.Spend] does: all windows are looked at, and either
//     all count the request or none;
//   - MUST keep counters under the key alone. A key that comes with another tier
//     goes on with what it has used. A window counts the requests admitted under
//     tiers that have it;
//   - MUST NOT forget a counter that could still deny ([State.Idle]). When its
//     room is used up, keys it has no room for MUST share one counter per tier;
//     they are neither let through uncounted nor refused for that reason;
//   - MUST NOT let keys made by [FallbackAddress] take the room of others;
//   - MUST measure the second window on a clock that does not step, such as the
//     monotonic reading of now, and the others by the wall clock of now;
//   - MUST NOT wait for the network, unless it was configured to, and then MUST
//     bound the wait;
//   - MAY count what other processes allowed in the same windows;
//   - MAY, where it cannot count at all, allow or deny without any quota. The
//     decision then has [WindowNone], a Limit of 0 for all windows and Degraded
//     set.
type Limiter interface {
	// Allow decides one request of key at now, under tier, with days as cal has
	// them. now comes from time.Now or a clock made of it, with its monotonic
	// reading; tier must be valid ([Tier.Validate]) and cal not nil.
	Allow(now time.Time, key Key, tier Tier, cal *Calendar) Decision
}
