package token

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Rules is what a route demands of a token. It is read only and may be shared.
type Rules struct {
	// Issuers are the trusted ones; a token is judged by one of them.
	Issuers []Policy
	// Leeway for clock differences, applied to exp, nbf and iat.
	Leeway time.Duration
	// MaximumLifetime bounds exp - iat; 0 is off and makes iat optional.
	MaximumLifetime       time.Duration
	RequiredClaims        []ClaimRule
	Scopes, Roles, Groups Requirement
}

// Policy is what is demanded of one issuer's tokens.
type Policy struct {
	// Issuer is the exact iss claim.
	Issuer string
	// Audiences that are accepted; a token needs one of them. An empty list
	// accepts none, unless SkipAudience is set.
	Audiences    []string
	SkipAudience bool
	// Algorithms as JWS spells them, such as "RS256".
	Algorithms []string
	// TokenTypes accepted in typ, compared as media types (RFC 7515 section
	// 4.1.9). A token without typ is accepted unless RequireType is set.
	TokenTypes  []string
	RequireType bool
	RequireKid  bool
	// AcceptMissingIssuer takes a token without iss for this issuer's. It only
	// counts when there is no other issuer.
	AcceptMissingIssuer bool
}

// ClaimRule demands a claim. Without Values and Match its presence is enough; a
// null counts as absent.
type ClaimRule struct {
	Path []string
	// Values that are accepted, compared with strings as they are, with numbers
	// by the digits in the token and with booleans as true or false. An array
	// fits when one of its elements does.
	Values []string
	// Match is applied to the same text and finds a match anywhere in it: anchor
	// the expression to match the whole. If Values are given too, one and the
	// same text must satisfy both.
	Match *regexp.Regexp
}

// Requirement demands words (scopes, roles, groups) of a claim. Of the entries
// in Required one is enough; an entry needs all of its space-separated words.
// No entries demand nothing.
type Requirement struct {
	Required []string
	// Claims are the paths to look at; the first one present counts.
	Claims [][]string
}

// Judge collects everything that is wrong with a verified token in the order in
// which it is to be reported: its kind, time, claims and authorization. p is
// the policy that [Rules.SelectIssuer] chose. None means that the token is good.
func (r *Rules) Judge(t *Token, p *Policy, now time.Time) []diagnosis.Failure {
	return slices.Concat(
		p.CheckKind(t),
		r.CheckTime(t.Keep(nil), now),
		r.CheckClaims(t, p),
		r.CheckAuthorization(t),
	)
}

// rank is the place of each code in the catalogue.
var rank = func() map[diagnosis.Code]int {
	m := make(map[diagnosis.Code]int)
	for i, row := range diagnosis.Rows() {
		m[row.Code] = i
	}
	return m
}()

// inOrder sorts failures of one stage as the catalogue has them.
func inOrder(fs []diagnosis.Failure) []diagnosis.Failure {
	slices.SortStableFunc(fs, func(a, b diagnosis.Failure) int { return rank[a.Code] - rank[b.Code] })
	return fs
}

// first returns that of two failures which the catalogue has first.
func first(a, b *diagnosis.Failure) *diagnosis.Failure {
	if a == nil || b != nil && rank[b.Code] < rank[a.Code] {
		return b
	}
	return a
}

// maxQuoted bounds a name of the token in a detail, in bytes: several must fit.
const maxQuoted = 128

func quote(s string) string {
	if len(s) > maxQuoted {
		s = s[:maxQuoted] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// maxListed bounds a list of names in a detail.
const maxListed = 4

// oneOf lists names for a detail.
func oneOf(names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i == maxListed {
			fmt.Fprintf(&b, " or %d more", len(names)-i)
			break
		}
		if i > 0 {
			b.WriteString(" or ")
		}
		b.WriteString(quote(n))
	}
	if len(names) == 0 {
		return "nothing"
	}
	return b.String()
}
