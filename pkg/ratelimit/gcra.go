package ratelimit

import (
	"math/bits"
	"time"
)

// The second window is the generic cell rate algorithm (ITU-T I.371) in whole
// nanoseconds. Every admitted request moves a key's theoretical arrival time
// (TAT) one interval ahead; the distance from now to the TAT is the debt, and a
// request fits while the debt is at most burst - 1 intervals. The n requests
// admitted between a and b therefore satisfy n ≤ burst + (b-a)/interval.
//
// A TAT alone would turn into another number of requests when the tier changes,
// so the interval it was built from stays beside it: the debt is compared in
// its own unit and converted only when the next request is admitted.

// meter is the second window of one key at one instant.
type meter struct {
	at       time.Duration // never before the key's last admission
	debt     time.Duration // from at to the TAT, 0 if that has passed
	interval time.Duration // the unit of debt: one request
}

// meterAt reads the window. An at before the key's last admission counts as that
// admission: otherwise a conversion of the debt would count time twice.
func (s State) meterAt(at time.Duration) meter {
	at = max(at, s.Last)
	return meter{at: at, debt: max(0, s.TAT-at), interval: time.Duration(s.Interval)}
}

// wait returns the time from m.at until a request of some cost fits, 0 for now.
func (m meter) wait(burst, cost int64) time.Duration {
	return max(0, m.debt-time.Duration(max(0, burst-cost))*m.interval)
}

// in returns the debt in units of another interval: the same number of requests.
// It rounds up, so that no change of tiers gains anything.
func (m meter) in(interval time.Duration) time.Duration {
	if m.debt == 0 || m.interval == interval {
		return m.debt
	}
	hi, lo := bits.Mul64(uint64(m.debt), uint64(interval))
	lo, carry := bits.Add64(lo, uint64(m.interval)-1, 0)
	// The quotient fits, whatever a store has read: only the debt beside which a
	// request was admitted is converted, less than MaxRate times m.interval.
	debt, _ := bits.Div64(hi+carry, lo, uint64(m.interval))
	return time.Duration(debt)
}

// room returns how many requests of some cost fit into burst beside a debt.
func room(burst, cost int64, debt, interval time.Duration) int64 {
	each := min(cost, burst)
	if interval > 0 { // something was admitted
		burst -= int64((debt + interval - 1) / interval)
	}
	return max(0, burst) / each
}
