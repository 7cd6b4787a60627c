package rpc

import "time"

// SetClaimStep replaces the time between two looks at another request's claim.
func (c *Client) SetClaimStep(d time.Duration) { c.claimStep = d }
