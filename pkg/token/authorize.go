package token

import (
	"fmt"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// CheckAuthorization judges scopes, roles and groups. A failure about scopes
// carries the first required entry for the challenge's scope parameter (RFC 6750
// section 3).
func (r *Rules) CheckAuthorization(t *Token) []diagnosis.Failure {
	var fs []diagnosis.Failure
	if f := r.Scopes.check(t.Claims, diagnosis.ScopeClaimMissing, diagnosis.ScopeInsufficient); f != nil {
		f.Scope = r.Scopes.Required[0]
		fs = append(fs, *f)
	}
	if f := r.Roles.check(t.Claims, diagnosis.RoleInsufficient, diagnosis.RoleInsufficient); f != nil {
		fs = append(fs, *f)
	}
	if f := r.Groups.check(t.Claims, diagnosis.GroupInsufficient, diagnosis.GroupInsufficient); f != nil {
		fs = append(fs, *f)
	}
	return fs
}

// check names in the detail what is required and counts what the token has: the
// roles and groups of a person are not for a log.
func (q *Requirement) check(c Claims, missing, insufficient diagnosis.Code) *diagnosis.Failure {
	if len(q.Required) == 0 {
		return nil
	}
	v, ok := c.FindFirst(q.Claims)
	if !ok {
		return diagnosis.Fail(missing, "required "+oneOf(q.Required)+", the token has none of the claims "+oneOf(joined(q.Claims)))
	}
	words, ok := Words(v)
	if !ok {
		return diagnosis.Fail(insufficient, "required "+oneOf(q.Required)+", the claim is neither a string nor an array of strings")
	}
	for _, entry := range q.Required {
		if grants(words, entry) {
			return nil
		}
	}
	return diagnosis.Fail(insufficient, fmt.Sprintf("required %s, none of it complete among the %d that the token has", oneOf(q.Required), len(words)))
}

// grants reports whether all words of an entry are there. An entry without words
// grants nothing: a blank in a configuration must not open a route.
func grants(words []string, entry string) bool {
	need := strings.Fields(entry)
	return len(need) > 0 && !slices.ContainsFunc(need, func(w string) bool { return !slices.Contains(words, w) })
}

// Words reads a list of words: a string with spaces between them (RFC 6749
// section 3.3), or an array with one word in each string, as PingFederate and
// PingAM send scopes. Strings of an array are not taken apart, else a role
// named "read admin" would count as the role "admin". It reports false for any
// other value.
func Words(v any) ([]string, bool) {
	if s, ok := v.(string); ok {
		return strings.FieldsFunc(s, func(c rune) bool { return c == ' ' }), true
	}
	return stringsOf(v)
}

func joined(paths [][]string) []string {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = strings.Join(p, ".")
	}
	return names
}
