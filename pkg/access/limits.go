package access

import (
	"net/netip"
	"time"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// limits is a route's compiled rate_limiting.
type limits struct {
	limiter      ratelimit.Limiter
	namespace    string
	tiers        map[string]ratelimit.Tier
	defaultTier  ratelimit.Tier
	tierClaim    [][]string
	byAddress    bool
	byClaim      []claimName
	calendar     *ratelimit.Calendar
	jitter       time.Duration
	kongHeaders  bool
	hideHeaders  bool
	errorCode    int
	errorMessage string
	reportOnly   bool
}

type claimName struct {
	name string
	path []string
}

func (e *Engine) newLimits(c *config.Config) (*limits, error) {
	rl := &c.RateLimiting
	if len(rl.Tiers) == 0 {
		return nil, nil
	}
	zone, err := config.Location(rl.DayTimezone)
	if err != nil {
		return nil, err
	}
	l := &limits{
		namespace:    c.LimitNamespace(),
		tiers:        make(map[string]ratelimit.Tier, len(rl.Tiers)),
		byAddress:    rl.LimitBy == config.LimitByIP,
		calendar:     ratelimit.NewCalendar(zone),
		jitter:       rl.RetryAfterJitterMax.Duration(),
		kongHeaders:  rl.HeaderStyle == config.HeaderStyleKong && !rl.HideClientHeaders,
		hideHeaders:  rl.HideClientHeaders,
		errorCode:    rl.ErrorCode,
		errorMessage: rl.ErrorMessage,
		reportOnly:   rl.ReportOnly,
	}
	for _, t := range rl.Tiers {
		tier := ratelimit.Tier{Name: t.Name, Second: int64(t.Second), Burst: int64(t.Burst), Day: int64(t.Day)}
		if err := tier.Validate(); err != nil {
			return nil, err
		}
		l.tiers[t.Name] = tier
	}
	l.defaultTier = l.tiers[rl.DefaultTier]
	if l.tierClaim, err = paths(rl.TierClaim); err != nil {
		return nil, err
	}
	for _, name := range rl.LimitByClaim {
		path, err := config.ParsePath(name)
		if err != nil {
			return nil, err
		}
		l.byClaim = append(l.byClaim, claimName{name, path})
	}
	l.limiter = e.counters(rl.MaxKeys)
	return l, nil
}

// limit counts an accepted request and adds what the limiter says to the
// verdict. A denial becomes the verdict's code.
func (r *Route) limit(g Gateway, v *verdict, now time.Time) error {
	l := r.limits
	key, tier, err := r.counter(g, v)
	if err != nil {
		return err
	}
	d := l.limiter.Allow(now, key, tier, l.calendar).Jitter(l.jitter, r.engine.random)
	if !d.Allowed {
		code := diagnosis.RateLimited
		if d.Window == ratelimit.WindowDay {
			code = diagnosis.QuotaExceeded
		}
		v.diagnosis.Failure = diagnosis.Failure{
			Code:       code,
			Detail:     "tier " + tier.Name + ", window " + d.Window.String(),
			RetryAfter: int(d.RetrySeconds()),
		}
	}
	if l.reportOnly {
		d.Allowed = true
	}
	if l.kongHeaders {
		v.limitHeaders = kongHeaders(d)
	}
	return nil
}

// counter says whose counter the request falls under, and at which tier. A
// token that names nobody counts by its address at the default tier, apart from
// those that do.
func (r *Route) counter(g Gateway, v *verdict) (ratelimit.Key, ratelimit.Tier, error) {
	l := r.limits
	tier := l.tier(v.token)
	if !l.byAddress {
		for _, c := range l.byClaim {
			if value, ok := v.token.Claims.Find(c.path); ok {
				if text, ok := token.Text(value); ok && text != "" {
					return ratelimit.ByClaim(l.namespace, v.issuer, c.name, text), tier, nil
				}
			}
		}
		tier = l.defaultTier
	}
	addr, err := g.ForwardedAddress()
	if l.byAddress {
		return ratelimit.ByAddress(l.namespace, network(addr)), tier, err
	}
	return ratelimit.FallbackAddress(l.namespace, network(addr)), tier, err
}

// tier reads the tier claim; a name that is not configured is the default tier.
func (l *limits) tier(t *token.Token) ratelimit.Tier {
	for _, path := range l.tierClaim {
		if value, ok := t.Claims.Find(path); ok {
			name, _ := value.(string)
			if tier, ok := l.tiers[name]; ok {
				return tier
			}
			return l.defaultTier
		}
	}
	return l.defaultTier
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

// kongHeaders lists what Kong's rate-limiting plugin would send.
func kongHeaders(d ratelimit.Decision) []Header {
	var buf [8]ratelimit.Header
	list := ratelimit.AppendHeaders(buf[:0], d)
	h := make([]Header, 0, len(list)+1)
	values := make([]string, len(list))
	for i, l := range list {
		if l.Name == ratelimit.HeaderRetryAfter {
			continue // every rejection has its own
		}
		values[i] = l.Value
		h = append(h, Header{Name: l.Name, Values: values[i : i+1 : i+1]})
	}
	return h
}
