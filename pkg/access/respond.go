package access

import (
	"cmp"
	"strconv"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// LogName is the member of Kong's log entries that holds a diagnosis.
const LogName = "auth_diagnosis"

// reject answers the request with its diagnosis: one log line, the log object
// and the answer, in one write.
func (r *Route) reject(g Gateway, v *verdict) error {
	d := &v.diagnosis
	if err := r.complete(g, d); err != nil {
		return err
	}
	if err := g.Log(Notice, d.Line()); err != nil {
		return err
	}
	if err := g.LogObject(LogName, r.logged(v)); err != nil {
		return err
	}
	status, message := d.Status(), ""
	if limited(d.Code) {
		status, message = r.limits.errorCode, r.limits.errorMessage
	}
	body := d.Body(message, r.body)
	if v.grpc {
		body = []byte(cmp.Or(message, d.Message()))
	}
	return g.Exit(status, body, r.rejection(v))
}

// rejection lists the answer's header fields.
func (r *Route) rejection(v *verdict) []Header {
	d := &v.diagnosis
	h := make([]Header, 0, 6+len(v.limitHeaders))
	h = append(h, one(r.headerName, d.Header()), one("Cache-Control", "no-store"))
	if !v.grpc {
		h = append(h, one("Content-Type", diagnosis.ContentType))
	}
	if c := d.Challenge(r.realm); c != "" {
		h = append(h, one("WWW-Authenticate", c))
	}
	if d.RetryAfter > 0 && !(limited(d.Code) && r.limits.hidesRetryAfter()) {
		h = append(h, one("Retry-After", strconv.Itoa(d.RetryAfter)))
	}
	return append(h, v.limitHeaders...)
}

// accept lets the request through: the service gets the verified identity and
// nothing of what the client claimed to be.
func (r *Route) accept(g Gateway, v *verdict) error {
	if err := r.introduce(g, v); err != nil {
		return err
	}
	if err := g.SetUpstreamHeaders(r.upstream(v)); err != nil {
		return err
	}
	if err := r.hideArguments(g, v); err != nil {
		return err
	}
	d := &v.diagnosis
	plain := d.Code == diagnosis.Accepted
	if plain && !r.onAccept && len(d.Findings) == 0 {
		if len(v.limitHeaders) == 0 {
			return nil
		}
		return g.SetResponseHeaders(v.limitHeaders)
	}
	return r.tell(g, v, r.onAccept || !plain)
}

// advise sets the diagnosis header and leaves the decision to the plugins
// behind. What earlier parties may have set for them stays as it is.
func (r *Route) advise(g Gateway, v *verdict) error {
	v.diagnosis.Advise = true
	if err := g.SetUpstreamHeaders(r.cleared); err != nil {
		return err
	}
	return r.tell(g, v, true)
}

// tell explains a request that goes on: in the log where there is something to
// explain, and in the diagnosis header where show says so.
func (r *Route) tell(g Gateway, v *verdict, show bool) error {
	d := &v.diagnosis
	if err := r.complete(g, d); err != nil {
		return err
	}
	if d.Row().Family != diagnosis.FamilyNotice {
		if err := g.Log(Notice, d.Line()); err != nil {
			return err
		}
	}
	// In advise mode a plugin behind may reject: the log needs the object even
	// when there was nothing to find.
	if d.Advise || len(d.Findings) > 0 {
		if err := g.LogObject(LogName, r.logged(v)); err != nil {
			return err
		}
	}
	h := v.limitHeaders
	if show {
		h = append(h, one(r.headerName, d.Header()))
	}
	if len(h) == 0 {
		return nil
	}
	return g.SetResponseHeaders(h)
}

// complete adds what only an explained request needs: its id and the level of
// detail that its client may see.
func (r *Route) complete(g Gateway, d *diagnosis.Diagnosis) (err error) {
	if d.RequestID, err = g.RequestID(); err != nil {
		return err
	}
	d.Level, err = r.level(g)
	return err
}

// level is the configured level, or Full for the addresses that get it. A
// forwarded address counts only when the edge wrote it, or nobody forwarded.
func (r *Route) level(g Gateway) (diagnosis.Level, error) {
	if r.detail == diagnosis.Full || len(r.fullDetailIPs) == 0 {
		return r.detail, nil
	}
	forwarded, err := g.ForwardedAddress()
	if err != nil || !within(r.fullDetailIPs, forwarded) {
		return r.detail, err
	}
	peer, err := g.PeerAddress()
	if err != nil || peer != forwarded && !within(r.trustedIPs, peer) {
		return r.detail, err
	}
	return diagnosis.Full, nil
}

func (r *Route) logged(v *verdict) []diagnosis.Member {
	m := v.diagnosis.Log()
	if limited(v.diagnosis.Code) && !v.diagnosis.Advise {
		for i := range m {
			if m[i].Name == "status" {
				m[i].Value = int64(r.limits.errorCode)
			}
		}
	}
	if c := v.consumer; c != nil {
		m = append(m, diagnosis.Member{Name: "consumer_id", Value: c.ID})
		if c.Username != "" {
			m = append(m, diagnosis.Member{Name: "consumer_username", Value: c.Username})
		}
	}
	if !r.logIdentity || v.token == nil {
		return m
	}
	for _, name := range []string{"client_id", "sub"} {
		if s, ok := v.text(name); ok {
			m = append(m, diagnosis.Member{Name: name, Value: s})
		}
	}
	return m
}

// limited reports whether a code answers with rate_limiting's own status.
func limited(c diagnosis.Code) bool {
	return c == diagnosis.RateLimited || c == diagnosis.QuotaExceeded
}

// uncounted reports whether a code refuses what the limiter could not count.
func uncounted(c diagnosis.Code) bool { return c == diagnosis.LimiterUnavailable }

func one(name, value string) Header { return Header{Name: name, Values: []string{value}} }

// Fault words the answer to a request on which the plugin itself failed,
// without asking Kong anything more. A nil Route is one that never started.
func (r *Route) Fault(c diagnosis.Code) (status int, body []byte, headers []Header) {
	name, explain, d := config.Default().Diagnosis.HeaderName, true, diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: c}, Level: diagnosis.Standard}
	if r != nil {
		name, explain, d.Level = r.headerName, r.body, r.detail
	}
	return d.Status(), d.Body("", explain), []Header{
		one(name, d.Header()), one("Content-Type", diagnosis.ContentType), one("Cache-Control", "no-store"),
	}
}
