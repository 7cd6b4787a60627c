package limitertest

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

func remainingAtMostRate(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "wide", Second: 10, Burst: 35})
	equal(t, "first", c.pass(1).Second.Remaining, 10)
	equal(t, "twenty-fifth", c.pass(24).Second.Remaining, 10)
	equal(t, "twenty-sixth", c.pass(1).Second.Remaining, 9)
}

func upgradeKeepsUse(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "free", Second: 20, Day: 20})
	c.pass(20)
	c.denied(1, ratelimit.WindowDay)
	c.tier = premium
	d := c.pass(1)
	equal(t, "second remaining", d.Second.Remaining, 79)
	equal(t, "day remaining", d.Day.Remaining, 1_000_000-21)
	equal(t, "rest of the bucket", c.burst(200), 79)
}

func downgradeKeepsUse(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, premium)
	c.pass(30)
	c.tier = free
	d := c.denied(1, ratelimit.WindowSecond)
	equal(t, "day remaining", d.Day.Remaining, 50_000-30)
	// 30 in the bucket, leaving it at 100 per second: the 20th has room when 11 have left.
	equal(t, "retry after", d.RetryAfter, 110*time.Millisecond)
	c.wait(110 * time.Millisecond)
	equal(t, "then", c.burst(100), 1)
	c.wait(50 * time.Millisecond)
	equal(t, "and at its own rate", c.burst(100), 1)
}

func limitsChange(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "t", Day: 10})
	c.pass(10)
	c.denied(1, ratelimit.WindowDay)
	c.tier.Day = 15
	equal(t, "raised", c.burst(100), 5)
	c.tier.Day = 3
	equal(t, "lowered", c.denied(1, ratelimit.WindowDay).Day.Remaining, 0)
}

func dayOnly(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "day", Day: 300})
	d := c.pass(300)
	equal(t, "second", d.Second, ratelimit.Quota{})
	equal(t, "second", c.denied(1, ratelimit.WindowDay).Second, ratelimit.Quota{})
}

func secondOnly(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, ratelimit.Tier{Name: "second", Second: 5})
	for range 100 {
		c.pass(5)
		equal(t, "day", c.denied(1, ratelimit.WindowSecond).Day, ratelimit.Quota{})
		c.wait(time.Second)
	}
}

// windowsCountTheirTiers changes to a tier that has fewer windows, and back.
func windowsCountTheirTiers(t *testing.T, s suite) {
	all := ratelimit.Tier{Name: "all", Second: 50, Minute: 20, Hour: 30, Day: 40}
	c := newClient(t, s, noonTime, all)
	c.pass(5)
	c.tier = ratelimit.Tier{Name: "hours", Hour: 30}
	d := c.pass(5)
	equal(t, "windows", d, ratelimit.Decision{Allowed: true, Hour: ratelimit.Quota{Limit: 30, Remaining: 20, Reset: time.Hour}})
	c.tier = all
	d = c.pass(1)
	equal(t, "second", d.Second.Remaining, 50-6)
	equal(t, "minute", d.Minute.Remaining, 20-6)
	equal(t, "hour", d.Hour.Remaining, 30-11)
	equal(t, "day", d.Day.Remaining, 40-6)
}
