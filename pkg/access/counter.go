package access

import (
	"net/netip"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// counter says whose counter the request falls under, and at which tier. A
// token that names nobody, and a request that goes on without one, counts by its
// address at the default tier, apart from those that do.
func (r *Route) counter(g Gateway, v *verdict) (ratelimit.Key, ratelimit.Tier, error) {
	l, tier := r.limits, r.limits.defaultTier
	if v.pass == passToken {
		tier = l.tier(v)
		if key, ok := l.identity(v); ok {
			return key, tier, nil
		}
	}
	addr, err := g.ForwardedAddress()
	if l.byAddress {
		return ratelimit.ByAddress(l.namespace, network(addr)), tier, err
	}
	return ratelimit.FallbackAddress(l.namespace, network(addr)), l.defaultTier, err
}

// identity returns the counter of whom the token names.
func (l *limits) identity(v *verdict) (ratelimit.Key, bool) {
	switch {
	case l.byAddress:
		return ratelimit.Key{}, false
	case l.byConsumer:
		if v.consumer == nil {
			return ratelimit.Key{}, false
		}
		return ratelimit.ByConsumer(l.namespace, v.consumer.ID), true
	}
	if known := v.judged.counter.Load(); known != nil && known.namespace == l.namespace {
		return known.key, true
	}
	for _, c := range l.byClaim {
		if value, ok := v.token.Find(c.path); ok {
			if text, ok := token.Plain(value); ok && text != "" {
				key := ratelimit.ByClaim(l.namespace, v.issuer, c.name, text)
				v.judged.counter.Store(&counted{l.namespace, key})
				return key, true
			}
		}
	}
	return ratelimit.Key{}, false
}

// tier is what the claim names, or else the consumer's tag; a name that is not
// configured is the default tier. Counters of consumers ask the tag first: the
// tokens of a consumer share one counter, and should not disagree on its size.
func (l *limits) tier(v *verdict) ratelimit.Tier {
	value, claimed := v.token.FindFirst(l.tierClaim)
	if tier, ok := l.taggedTier(v.consumer); ok && (l.byConsumer || !claimed) {
		return tier
	}
	name, _ := token.Plain(value)
	if tier, ok := l.tiers[name]; ok {
		return tier
	}
	return l.defaultTier
}

// tierTag begins the tag of a Kong consumer that names its tier.
const tierTag = "tier:"

// taggedTier reads the first tag that names a configured tier.
func (l *limits) taggedTier(c *Consumer) (ratelimit.Tier, bool) {
	if c == nil {
		return ratelimit.Tier{}, false
	}
	for _, tag := range c.Tags {
		if name, ok := strings.CutPrefix(tag, tierTag); ok {
			if tier, ok := l.tiers[name]; ok {
				return tier, true
			}
		}
	}
	return ratelimit.Tier{}, false
}

// network counts an IPv6 /64 as one client: that is what a single subscriber
// gets, with 2^64 addresses to come from.
func network(a netip.Addr) netip.Addr {
	if a.Is6() && !a.Is4In6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
