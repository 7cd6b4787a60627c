package access

import (
	"slices"
	"time"

	"kong-plugin-auth-diagnosis/pkg/credential"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/edge"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// verdict is the outcome of one request.
type verdict struct {
	diagnosis diagnosis.Diagnosis
	// token is set once its signature holds; nothing of an unverified token
	// leaves the checks.
	token  *token.Verified
	judged *judged // what is remembered of token
	// issuer is the trusted issuer of token.
	issuer string
	// spoof are the request's headers that a service may take for one of ours.
	spoof []Header
	// carriers are the headers that carried the credential; only set when they
	// are to be hidden.
	carriers []Header
	// query and method are the request's, where they were asked for.
	query, method string
	// seen is what traces of hops are looked for in.
	seen         edge.Seen
	limitHeaders []Header
	// grpc is set for a client that reads no bodies.
	grpc bool

	// pass says on what the request goes on; anything but passToken is for a
	// verdict that would reject.
	pass pass
	// consumer is Kong's: the token's, or the anonymous one; nil for none.
	consumer *Consumer
	// credential and groups are what Kong is told of the token.
	credential string
	groups     []string
}

// Access runs one request. An error means that the gateway took the request
// back or sent what cannot be read, and that nothing was answered.
func (r *Route) Access(g Gateway) error {
	if err := r.tellOnce(g); err != nil {
		return err
	}
	if err := r.engine.notices.tell(g); err != nil {
		return err
	}
	v := &verdict{}
	if r.broken != nil {
		r.instance.touch(r.engine.now())
		v.diagnosis.Code = diagnosis.ConfigInvalid
		v.diagnosis.Detail = r.broken[0].Error()
		return r.answer(g, v)
	}
	if !r.preflight {
		method, err := g.Method()
		if err != nil {
			return err
		}
		v.method = method
		if method == "OPTIONS" { // not judged, so it may not claim to be anybody
			return g.SetUpstreamHeaders(r.cleared)
		}
	}
	headers, err := g.Headers()
	if err != nil {
		return err
	}
	v.grpc = isGRPC(headers)
	found, err := r.find(g, v, headers)
	if err != nil {
		return err
	}
	now := r.engine.now()
	r.instance.touch(now)
	r.judge(v, headers, found, now)
	if err := r.explain(g, v, headers, found, now); err != nil {
		return err
	}
	if err := r.identify(g, v, now); err != nil {
		return err
	}
	if r.limits != nil && v.counts() {
		if err := r.limit(g, v, now); err != nil {
			return err
		}
	}
	return r.answer(g, v)
}

// counts reports whether the limiter has a say: the request has a good token,
// or goes on without.
func (v *verdict) counts() bool {
	return v.token != nil && v.diagnosis.Code == diagnosis.Accepted || v.pass != passToken
}

// answer gives a verdict and counts it. What the gateway did not take counts as
// nothing: there was no answer, or it is a fault's.
func (r *Route) answer(g Gateway, v *verdict) error {
	if err := r.give(g, v); err != nil {
		return err
	}
	r.engine.tally.verdict(&v.diagnosis)
	return nil
}

// give turns a verdict into what the mode makes of it. What goes on although
// the verdict is against it is marked as advice: others decide.
func (r *Route) give(g Gateway, v *verdict) error {
	code := v.diagnosis.Code
	byLimiter := limited(code) || uncounted(code)
	switch {
	case r.advises:
		return r.advise(g, v)
	case code == diagnosis.Accepted:
		return r.accept(g, v)
	case byLimiter && !r.limits.reportOnly:
		return r.reject(g, v)
	case byLimiter, v.pass != passToken:
		v.diagnosis.Advise = true
		return r.accept(g, v)
	}
	return r.reject(g, v)
}

// find looks for the credential. The query is asked for when a token may stand
// there, since a second one is a conflict; for an API key only when the headers
// have none.
func (r *Route) find(g Gateway, v *verdict, headers map[string][]string) (found credential.Found, err error) {
	w := r.want
	if len(w.ArgumentNames) == 0 || !slices.Contains(w.Expects, credential.Bearer) {
		found = credential.Find(headers, w)
		if found.Failure == nil || !slices.Contains(w.Expects, credential.Key) {
			return found, nil
		}
	}
	if v.query, err = g.RawQuery(); err != nil {
		return found, err
	}
	w.Query = v.query
	return credential.Find(headers, w), nil
}

// judge decides what the credential is worth. It is a function of headers, keys
// and time.
func (r *Route) judge(v *verdict, headers map[string][]string, found credential.Found, now time.Time) {
	v.spoof = r.lookalikes(headers)
	if r.hide && found.Failure == nil {
		v.carriers = r.carriers(headers, found.Token)
	}
	var failures []diagnosis.Failure
	switch {
	case found.Failure != nil:
		failures = []diagnosis.Failure{*found.Failure}
	case found.Kind != credential.Bearer:
		v.diagnosis.Code = diagnosis.CredentialArrived
		return
	default:
		v.seen.Token = found.Token
		v.seen.Issuer, failures = r.judgeToken(v, found.Token, now)
	}
	if len(failures) == 0 {
		v.diagnosis.Code = diagnosis.Accepted
		return
	}
	v.diagnosis.Failure, v.diagnosis.Others = failures[0], failures[1:]
}

// text returns a claim of the verified token as text.
func (v *verdict) text(name string) (string, bool) {
	return token.Text(v.token.Claim(name))
}

// tellOnce writes what is wrong with the configuration to the error log, with
// the first request: an instance has no other way to Kong's log.
func (r *Route) tellOnce(g Gateway) error {
	if len(r.broken)+len(r.warnings) == 0 || r.told.Swap(true) {
		return nil
	}
	for _, w := range r.warnings {
		if err := g.Log(Warn, w); err != nil {
			return err
		}
	}
	for _, p := range r.broken {
		if err := g.Log(Err, "auth-diagnosis: configuration refused: "+p.Error()); err != nil {
			return err
		}
	}
	return nil
}
