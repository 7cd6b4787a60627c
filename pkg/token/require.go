package token

import (
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// CheckClaims judges the audience (RFC 7519 section 4.1.3) and the claims that
// the route requires.
func (r *Rules) CheckClaims(t *Token, p *Policy) []diagnosis.Failure {
	var fs []diagnosis.Failure
	if f := checkAudience(t, p); f != nil {
		fs = append(fs, *f)
	}
	for i := range r.RequiredClaims {
		if f := r.RequiredClaims[i].check(t.Claims); f != nil {
			fs = append(fs, *f)
		}
	}
	return inOrder(fs)
}

func checkAudience(t *Token, p *Policy) *diagnosis.Failure {
	if p.SkipAudience {
		return nil
	}
	v, present := t.Claims["aud"]
	audiences, wellTyped := stringsOf(v)
	switch {
	case !present, wellTyped && len(audiences) == 0:
		return diagnosis.Fail(diagnosis.AudienceMissing, withHint("expected aud "+oneOf(p.Audiences)+", received none", t))
	case !wellTyped:
		return diagnosis.Fail(diagnosis.AudienceBadType, "aud is neither a string nor an array of strings")
	case !slices.ContainsFunc(audiences, func(a string) bool { return slices.Contains(p.Audiences, a) }):
		return diagnosis.Fail(diagnosis.AudienceMismatch, withHint("expected aud "+oneOf(p.Audiences)+", received "+strings.ReplaceAll(oneOf(audiences), " or ", " and "), t))
	}
	return nil
}

// stringsOf reads a claim that is one string or an array of strings.
func stringsOf(v any) ([]string, bool) {
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case []any:
		list := make([]string, len(v))
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, false
			}
			list[i] = s
		}
		return list, true
	}
	return nil, false
}

// check never puts the claim's value into the detail, only its name.
func (c *ClaimRule) check(claims Claims) *diagnosis.Failure {
	v, _ := claims.Find(c.Path)
	name := "claim " + quote(strings.Join(c.Path, "."))
	if v == nil {
		return diagnosis.Fail(diagnosis.ClaimMissing, name+" is missing")
	}
	if len(c.Values) == 0 && c.Match == nil {
		return nil
	}
	texts, comparable := textsOf(v)
	if !comparable {
		return diagnosis.Fail(diagnosis.ClaimBadType, name+" has no text to compare")
	}
	if len(c.Values) > 0 {
		texts = slices.DeleteFunc(texts, func(s string) bool { return !slices.Contains(c.Values, s) })
		if len(texts) == 0 {
			return diagnosis.Fail(diagnosis.ClaimValueMismatch, name+" has none of the accepted values")
		}
	}
	if c.Match != nil && !slices.ContainsFunc(texts, c.Match.MatchString) {
		return diagnosis.Fail(diagnosis.ClaimPatternMismatch, name+" does not match the pattern")
	}
	return nil
}

// textsOf reads a claim as texts: a scalar, or the scalars of an array, which
// must not be all something else.
func textsOf(v any) ([]string, bool) {
	if s, ok := scalar(v); ok {
		return []string{s}, true
	}
	list, ok := v.([]any)
	texts := make([]string, 0, len(list))
	for _, e := range list {
		if s, ok := scalar(e); ok {
			texts = append(texts, s)
		}
	}
	return texts, ok && (len(texts) > 0 || len(list) == 0)
}
