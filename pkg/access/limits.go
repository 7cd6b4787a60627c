package access

import (
	"net/http"
	"time"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// limits is a route's compiled rate_limiting.
type limits struct {
	limiter      ratelimit.Limiter
	namespace    string
	tiers        map[string]ratelimit.Tier
	defaultTier  ratelimit.Tier
	tierClaim    [][]string
	byAddress    bool
	byConsumer   bool
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
		byConsumer:   rl.LimitBy == config.LimitByConsumer,
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
		if v.pass != passToken { // the log keeps why it goes on without a token
			v.diagnosis.Others = append([]diagnosis.Failure{v.diagnosis.Failure}, v.diagnosis.Others...)
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

// hidesRetryAfter reports whether a denial keeps its time to itself. A 503
// always tells: clients take one without for an outage and try at once.
func (l *limits) hidesRetryAfter() bool {
	return l.hideHeaders && l.errorCode != http.StatusServiceUnavailable
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
