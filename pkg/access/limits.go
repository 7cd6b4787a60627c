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
	ietfHeaders  bool
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
		kongHeaders:  !rl.HideClientHeaders && (rl.HeaderStyle == config.HeaderStyleKong || rl.HeaderStyle == config.HeaderStyleBoth),
		ietfHeaders:  !rl.HideClientHeaders && (rl.HeaderStyle == config.HeaderStyleIETF || rl.HeaderStyle == config.HeaderStyleBoth),
		hideHeaders:  rl.HideClientHeaders,
		errorCode:    rl.ErrorCode,
		errorMessage: rl.ErrorMessage,
		reportOnly:   rl.ReportOnly,
	}
	for _, t := range rl.Tiers {
		tier := ratelimit.Tier{
			Name: t.Name, Second: int64(t.Second), Burst: int64(t.Burst),
			Minute: int64(t.Minute), Hour: int64(t.Hour), Day: int64(t.Day),
		}
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
	if l.limiter, err = e.counters.limiter(rl); err != nil {
		return nil, err
	}
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
	r.engine.tally.decision(d)
	if d.Degraded && (d.Allowed || d.Window != ratelimit.WindowNone) {
		v.diagnosis.Findings = append(v.diagnosis.Findings, diagnosis.Finding{Name: diagnosis.LimiterDegraded})
	}
	if !d.Allowed {
		if v.pass != passToken { // the log keeps why it goes on without a token
			v.diagnosis.Others = append([]diagnosis.Failure{v.diagnosis.Failure}, v.diagnosis.Others...)
		}
		v.diagnosis.Failure = denial(d, tier)
	}
	if l.reportOnly {
		d.Allowed = true
	}
	v.limitHeaders = l.headers(d)
	return nil
}

// denial words a decision that refuses. One without a window is not about the
// client: the store could not count, and the configuration wants no request
// uncounted.
func denial(d ratelimit.Decision, tier ratelimit.Tier) diagnosis.Failure {
	f := diagnosis.Failure{Code: diagnosis.RateLimited, RetryAfter: int(d.RetrySeconds())}
	switch d.Window {
	case ratelimit.WindowNone:
		f.Code = diagnosis.LimiterUnavailable
		return f
	case ratelimit.WindowDay:
		f.Code = diagnosis.QuotaExceeded
	}
	f.Tier, f.Window = tier.Name, d.Window.String()
	return f
}

// hidesRetryAfter reports whether a denial keeps its time to itself. A 503
// always tells: clients take one without for an outage and try at once.
func (l *limits) hidesRetryAfter() bool {
	return l.hideHeaders && l.errorCode != http.StatusServiceUnavailable
}

// headers lists what the client is told besides Retry-After, which every
// rejection has of its own. The names of the two styles do not clash: Kong's
// have RateLimit-Limit where the draft has RateLimit.
func (l *limits) headers(d ratelimit.Decision) []Header {
	var buf [ratelimit.MaxHeaders]ratelimit.Header
	list := buf[:0]
	if l.kongHeaders {
		list = ratelimit.AppendHeaders(list, d)
	}
	if l.ietfHeaders {
		list = ratelimit.AppendIETFHeaders(list, d)
	}
	if len(list) == 0 {
		return nil
	}
	h := make([]Header, 0, len(list)+1)
	values := make([]string, len(list))
	for i, l := range list {
		if l.Name == ratelimit.HeaderRetryAfter {
			continue
		}
		values[i] = l.Value
		h = append(h, Header{Name: l.Name, Values: values[i : i+1 : i+1]})
	}
	return h
}
