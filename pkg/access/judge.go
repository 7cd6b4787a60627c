package access

import (
	"fmt"
	"slices"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// judgeToken returns what is wrong with a token, and the issuer that it names,
// unverified. A token that was judged by the same policy and keys before costs
// no signature check; what depends on the time is looked at each time.
func (r *Route) judgeToken(v *verdict, raw string, now time.Time) (untrustedIssuer string, failures []diagnosis.Failure) {
	key := r.engine.tokens.key(r.policy, raw)
	j, known := r.engine.tokens.get(key)
	var answer jwks.Answer
	if known {
		answer = r.keys[j.issuer].Lookup(j.kid)
		known = answer.Status == jwks.Found && answer.Generation == j.generation
	}
	if !known {
		if j, answer = r.examine(raw); j.generation != 0 {
			r.engine.tokens.put(key, j)
		}
	}
	failures = j.before
	if j.token != nil {
		v.judged, v.token, v.issuer = j, j.token, j.issuer
		failures = slices.Concat(j.before, r.rules.CheckTime(j.token, now), j.after)
	}
	if len(failures) > 0 && j.issuer != "" {
		v.diagnosis.Context = "no keys loaded"
		if answer.Generation != 0 {
			v.diagnosis.Context = fmt.Sprintf("keys fetched %d s ago", int64(answer.Age/time.Second))
		}
	}
	return j.untrusted, failures
}

// examine runs the checks in the order in which they are reported. Up to the
// signature the first failure ends them: nothing about a claim is said before.
func (r *Route) examine(raw string) (*judged, jwks.Answer) {
	t, f := token.Parse(raw, r.tokenLimits)
	if f != nil {
		return &judged{before: []diagnosis.Failure{*f}}, jwks.Answer{}
	}
	j := &judged{untrusted: t.Issuer(), kid: t.Header.KeyID}
	policy := (*token.Policy)(nil)
	if f = r.rules.CheckHeader(t); f == nil {
		policy, f = r.rules.SelectIssuer(t)
	}
	if f != nil {
		j.before = []diagnosis.Failure{*f}
		return j, jwks.Answer{}
	}
	j.issuer = policy.Issuer
	answer := r.keys[j.issuer].Lookup(j.kid)
	if answer.Status == jwks.Found {
		j.detach()
		j.generation = answer.Generation
		r.engine.checks.Add(1)
	}
	if f = verify(t, answer); f != nil {
		if f.Code == diagnosis.KidUnknown {
			if other := r.publishedElsewhere(j.kid, j.issuer); other != "" {
				f = diagnosis.Fail(diagnosis.KidOtherIssuer, fmt.Sprintf("%s; issuer %q publishes it", f.Detail, other))
			}
		}
		if answer.Status == jwks.Found {
			// The key may have been replaced: newer keys would tell.
			r.keys[j.issuer].Suspect()
		}
		j.before = []diagnosis.Failure{*f}
	}
	if f == nil {
		j.before = policy.CheckKind(t)
		j.after = append(r.rules.CheckClaims(t, policy), r.rules.CheckAuthorization(t)...)
		j.token = t.Keep(r.asked)
	}
	return j, answer
}

// verify checks the signature against what the issuer, and only that issuer,
// answered.
func verify(t *token.Token, answer jwks.Answer) *diagnosis.Failure {
	if answer.Status == jwks.Found {
		if token.VerifyWith(t, tokenKeys(answer.Keys), nil) == nil {
			return nil
		}
		// What follows only explains; a good token never needs it.
		if len(answer.Replaced) > 0 && token.VerifyWith(t, tokenKeys(answer.Replaced), nil) == nil {
			return diagnosis.Fail(diagnosis.SignatureKeyReusedKid, fmt.Sprintf("signed with the key that kid %q named before", t.Header.KeyID))
		}
		return token.VerifyWith(t, tokenKeys(answer.Keys), tokenKeys(answer.Others))
	}
	// Structure is judged before keys, but a cut signature shows only here.
	if t.SignatureFault != nil {
		return t.SignatureFault
	}
	f := answer.Failure()
	if hint := t.Hint(); hint != "" && answer.Status == jwks.Unknown {
		f.Detail += "; " + hint
	}
	return f
}

// publishedElsewhere returns another issuer of the route that has the key, "" for
// none. The key is never used: it only explains where the token comes from.
func (r *Route) publishedElsewhere(kid, issuer string) string {
	for _, p := range r.rules.Issuers {
		if p.Issuer != issuer && r.keys[p.Issuer].Has(kid) {
			return p.Issuer
		}
	}
	return ""
}

func tokenKeys(keys []jwks.Key) []token.Key {
	all := make([]token.Key, len(keys))
	for i, k := range keys {
		all[i] = token.Key{ID: k.ID, Algorithm: k.Algorithm, Use: k.Use, Ops: k.Ops, Public: k.Public}
	}
	return all
}
