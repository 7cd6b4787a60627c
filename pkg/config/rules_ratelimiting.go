package config

import (
	"slices"

	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

func checkTiers(c *Config, p *problems) {
	const path = "config.rate_limiting"
	limits := c.RateLimiting
	names := make([]string, len(limits.Tiers))
	for i, tier := range limits.Tiers {
		names[i] = tier.Name
		checkTier(shape.At(path+".tiers", i), tier, p)
	}
	unique(p, path+".tiers", ".name", names, exact)
	switch {
	case len(names) == 0:
	case limits.DefaultTier == "":
		p.add(path+".default_tier", "expected the name of a tier with tiers, got none")
	case !slices.Contains(names, limits.DefaultTier):
		p.add(path+".default_tier", "expected the name of one of the tiers, got %s", show(limits.DefaultTier, false))
	}
}

// checkTier refuses a longer window that is below a shorter one, as Kong's
// rate-limiting plugin does: the shorter could never be used up.
func checkTier(at string, tier Tier, p *problems) {
	shorter, least := "", 0
	for _, w := range []struct {
		name  string
		limit int
	}{{"second", tier.Second}, {"minute", tier.Minute}, {"hour", tier.Hour}, {"day", tier.Day}} {
		switch {
		case w.limit == 0:
		case w.limit < least:
			p.add(at+"."+w.name, "expected at least the %d of %s, got %d", least, shorter, w.limit)
		default:
			shorter, least = w.name, w.limit
		}
	}
	if shorter == "" {
		p.add(at, "expected second, minute, hour or day, got none")
	}
	if tier.Burst != 0 && tier.Second == 0 {
		p.add(at+".second", "expected a limit with burst, got none")
	}
}

func checkLimitBy(c *Config, p *problems) {
	switch by := c.RateLimiting.LimitBy; {
	case by == LimitByClaim && len(c.RateLimiting.LimitByClaim) == 0:
		p.add("config.rate_limiting.limit_by_claim", "expected at least 1 element with limit_by claim, got 0")
	case by == LimitByConsumer && len(c.ConsumerClaim) == 0:
		p.add("config.consumer_claim", "expected at least 1 element with limit_by consumer, got 0")
	}
}

// checkRedis wants exactly one way to Redis where one is needed. The addresses
// are judged in any case: they say what the policy would be switched to.
func checkRedis(c *Config, p *problems) {
	const path = "config.rate_limiting"
	rl, r := &c.RateLimiting, &c.RateLimiting.Redis
	if s := rl.SyncRate; !s.Strict() && -1 <= s && s < minSyncRate {
		p.add(path+".sync_rate", "expected -1 or 0.02 to 3600, got %v", float64(s))
	}
	ways := 0
	for _, given := range []bool{r.Host != "", len(r.ClusterNodes) > 0, len(r.SentinelNodes) > 0} {
		if given {
			ways++
		}
	}
	switch {
	case ways > 1:
		p.add(path+".redis", "expected host, cluster_nodes or sentinel_nodes, got %d of them", ways)
	case ways == 0 && rl.Policy == PolicyRedis:
		p.add(path+".redis.host", "expected a value here, in cluster_nodes or in sentinel_nodes with policy redis, got none")
	}
	if (len(r.SentinelNodes) > 0) != (r.SentinelMaster != "") {
		p.add(path+".redis.sentinel_master", "expected both sentinel_nodes and sentinel_master, got one of them")
	}
	if len(r.ClusterNodes) > 0 && r.Database != 0 {
		p.add(path+".redis.database", "expected 0 with cluster_nodes, got %d", r.Database)
	}
	if r.Username != "" && r.Password == "" {
		p.add(path+".redis.password", "expected a value with username, got none")
	}
}
