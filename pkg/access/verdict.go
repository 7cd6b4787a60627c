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
	token *token.Token
	// issuer is the trusted issuer of token.
	issuer string
	// source is the header that carried the credential.
	source       string
	limitHeaders []Header
}

// Access runs one request. An error means that the gateway took the request
// back or sent what cannot be read, and that nothing was answered.
func (r *Route) Access(g Gateway) error {
	if err := r.tellOnce(g); err != nil {
		return err
	}
	if !r.preflight {
		method, err := g.Method()
		if err != nil || method == "OPTIONS" {
			return err
		}
	}
	headers, err := g.Headers()
	if err != nil {
		return err
	}
	v := &verdict{}
	if r.broken != nil {
		v.diagnosis.Code = diagnosis.ConfigInvalid
		v.diagnosis.Detail = r.broken[0].Error()
		return r.answer(g, v)
	}
	found, err := r.find(g, headers)
	if err != nil {
		return err
	}
	now := r.engine.now()
	r.judge(v, headers, found, now)
	if v.token != nil && v.diagnosis.Code == diagnosis.Accepted && r.limits != nil {
		if err := r.limit(g, v, now); err != nil {
			return err
		}
	}
	return r.answer(g, v)
}

// answer turns a verdict into what the mode makes of it.
func (r *Route) answer(g Gateway, v *verdict) error {
	code := v.diagnosis.Code
	switch {
	case r.advises:
		return r.advise(g, v)
	case code == diagnosis.Accepted:
		return r.accept(g, v)
	case limited(code) && r.limits.reportOnly:
		v.diagnosis.Advise = true
		return r.accept(g, v)
	}
	return r.reject(g, v)
}

// find looks for the credential. The query is asked for only when an API key
// may stand there and the headers have none.
func (r *Route) find(g Gateway, headers map[string][]string) (credential.Found, error) {
	found := credential.Find(headers, r.want)
	if found.Failure == nil || !slices.Contains(r.want.Expects, credential.Key) {
		return found, nil
	}
	w := r.want
	var err error
	if w.Query, err = g.Query(); err != nil {
		return found, err
	}
	return credential.Find(headers, w), nil
}

// judge decides what the credential is worth. It is a function of headers, keys
// and time.
func (r *Route) judge(v *verdict, headers map[string][]string, found credential.Found, now time.Time) {
	v.source = found.Source
	seen := edge.Seen{Headers: headers, Edge: r.edgeName}
	var failures []diagnosis.Failure
	switch {
	case found.Failure != nil:
		failures = []diagnosis.Failure{*found.Failure}
	case found.Kind != credential.Bearer:
		v.diagnosis.Code = diagnosis.CredentialArrived
		return
	default:
		seen.Token = found.Token
		seen.Issuer, failures = r.judgeToken(v, found.Token, now)
	}
	if len(failures) == 0 {
		v.diagnosis.Code = diagnosis.Accepted
		return
	}
	v.diagnosis.Failure, v.diagnosis.Others = *edge.Explain(&failures[0], seen), failures[1:]
}

// text returns a claim of the verified token as text.
func (v *verdict) text(name string) (string, bool) {
	if value, ok := v.token.Claims.Find([]string{name}); ok {
		return token.Text(value)
	}
	return "", false
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
