package edge

import (
	"fmt"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// word returns the failure as the judgement makes it, nil if it says nothing of
// this one. What is proved is definite.
func (j *judgement) word(f *diagnosis.Failure) *diagnosis.Failure {
	switch j.fate {
	case fateIntact:
		return j.wordIntact(f)
	case fateNeverCame:
		return j.wordNeverCame(f)
	case fateStripped:
		if f.Code == diagnosis.CredentialEmpty && f.Hop == diagnosis.HopUnset {
			return j.blame(f, f.Code, "blanked "+j.stretch())
		}
		return j.blame(f, diagnosis.CredentialStripped, "removed "+j.stretch())
	case fateMoved:
		c := diagnosis.CredentialMoved
		if f.Code == diagnosis.CredentialRewritten { // a good token came in its place
			c = f.Code
		}
		return j.blame(f, c, fmt.Sprintf("moved to %s %s", j.moved, j.stretch()))
	case fateRewritten:
		return j.wordRewritten(f)
	case fateInjected:
		return j.blame(f, f.Code, "put there "+j.stretch())
	}
	return nil
}

// blame makes the edge's what failed.
func (j *judgement) blame(f *diagnosis.Failure, c diagnosis.Code, says string) *diagnosis.Failure {
	g := &diagnosis.Failure{Code: c, Hop: diagnosis.Edge, Certainty: diagnosis.Definite, Detail: says}
	if c == f.Code {
		g.By, g.Scope, g.RetryAfter = f.By, f.Scope, f.RetryAfter
		g.Detail = join(says, f.Detail)
	}
	return g
}

// wordIntact acquits the edge: what is wrong with the credential was so when it
// arrived there.
func (j *judgement) wordIntact(f *diagnosis.Failure) *diagnosis.Failure {
	if f.Hop != diagnosis.HopUnset && f.Hop != diagnosis.Edge || f.Code == diagnosis.CredentialRewritten {
		return nil
	}
	g := *f
	g.Detail = join(fmt.Sprintf("Authorization arrived as %s saw it", j.in.Name), f.Detail)
	if row := f.Row(); blamesEdge(f) || row.Family == diagnosis.FamilyCredential {
		g.Hop, g.Certainty = otherHop(row), diagnosis.Definite
	}
	return &g
}

// otherHop is the first hop of a row that is not the edge.
func otherHop(row *diagnosis.Row) diagnosis.Hop {
	for _, h := range row.Hops {
		if h != diagnosis.Edge {
			return h
		}
	}
	return diagnosis.Client
}

// wordNeverCame says of an absent credential that the first signing point did
// not see it either. A lone point at the exit cannot tell the edge from those
// before it.
func (j *judgement) wordNeverCame(f *diagnosis.Failure) *diagnosis.Failure {
	switch f.Code {
	case diagnosis.CredentialMissing, diagnosis.CredentialEmpty, diagnosis.CredentialMoved:
	default:
		return nil
	}
	if j.in == j.out && strings.HasSuffix(j.in.Name, "-out") {
		return nil
	}
	g := *f
	g.Hop, g.Certainty = diagnosis.Client, diagnosis.Definite
	g.Detail = join("no credential reached "+j.in.Name+": look at the client, a redirect, a CDN or WAF before it, and (BIG-IP) an LTM policy, which runs before any iRule", f.Detail)
	return &g
}

// wordRewritten tells damage that has a code of its own from another credential.
func (j *judgement) wordRewritten(f *diagnosis.Failure) *diagnosis.Failure {
	from := j.out
	if j.where == inside || !from.saw() {
		from = j.in
	}
	scheme := schemeOf(j.value)
	switch {
	case f.Code == diagnosis.CredentialCommaJoined && from.among(j.value):
		return j.blame(f, f.Code, "joined with another one "+j.stretch())
	case f.Code == diagnosis.SchemeMissing && from.is("Bearer "+j.value):
		return j.blame(f, f.Code, "the scheme was cut off "+j.stretch())
	case f.Code == diagnosis.SchemeRepeated && from.is(withoutScheme(j.value)):
		return j.blame(f, f.Code, "the scheme was added a second time "+j.stretch())
	case scheme == from.Scheme && from.Length > len(j.value) && wasCut(f.Code, j.value):
		missing := int64(from.Length - len(j.value))
		g := j.blame(f, diagnosis.CredentialTruncated, fmt.Sprintf("expected %d bytes, got %d: cut off %s", from.Length, len(j.value), j.stretch()))
		g.By = &missing
		return g
	case scheme != from.Scheme && f.Code != diagnosis.CredentialRewritten:
		return j.blame(f, diagnosis.CredentialReplaced, fmt.Sprintf("%s replaced by %s %s", from.Scheme, scheme, j.stretch()))
	}
	return j.blame(f, diagnosis.CredentialRewritten, fmt.Sprintf("expected the value that %s saw (%d bytes), got another (%d bytes): rewritten %s", from.Name, from.Length, len(j.value), j.stretch()))
}

// wasCut reports whether a value that got shorter was cut off, rather than
// exchanged for a shorter one: what is left is the beginning of a JWT.
func wasCut(c diagnosis.Code, value string) bool {
	switch c {
	case diagnosis.CredentialTruncated, diagnosis.SignatureEmpty, diagnosis.SignatureLength, diagnosis.SignatureBadBase64,
		diagnosis.TokenSegments, diagnosis.TokenOpaque, diagnosis.HeaderBadBase64, diagnosis.HeaderBadJSON, diagnosis.PayloadBadBase64, diagnosis.PayloadBadJSON:
		return strings.HasPrefix(withoutScheme(value), "eyJ") && !strings.HasSuffix(value, removedByGoogle)
	}
	return false
}

// among reports whether the point saw one of two values that a comma joins.
func (p *Point) among(value string) bool {
	for at := range len(value) {
		if value[at] == ',' && (p.is(trim(value[:at])) || p.is(trim(value[at+1:]))) {
			return true
		}
	}
	return false
}

// withoutScheme returns what stands behind the first word.
func withoutScheme(value string) string {
	_, rest, _ := strings.Cut(value, " ")
	return trim(rest)
}

func join(says, detail string) string {
	if detail == "" {
		return says
	}
	return says + "; " + detail
}
