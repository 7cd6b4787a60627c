package edge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Arrived is what the gateway sees of the request that a witness speaks of.
type Arrived struct {
	// Headers by lower-case name.
	Headers map[string][]string
	// Partial says that there may be headers beside these: then nothing that is
	// not among them counts as gone.
	Partial bool
	// Method is the request's, "" if it is not known.
	Method string
	// Elsewhere says that what failed did not stand in Authorization, so that the
	// witness has only findings to add.
	Elsewhere bool
}

const authorization = "authorization"

// value returns what stands in Authorization, trimmed, of the last line if
// there are several; present reports whether there is a line.
func (a *Arrived) value() (value string, present bool) {
	lines := a.Headers[authorization]
	if len(lines) == 0 {
		return "", false
	}
	return trim(lines[len(lines)-1]), true
}

// Vouches reports whether the last point saw in Authorization what arrived. Of
// several lines that arrived nobody knows which one is meant.
func (w *Witness) Vouches(a Arrived) bool {
	if w.Out == nil || len(a.Headers[authorization]) > 1 {
		return false
	}
	value, present := a.value()
	if value == "" {
		return !w.Out.saw() && (present || !a.Partial)
	}
	return w.Out.is(value)
}

// Testimony is what a witness has to say of a request that is refused.
type Testimony struct {
	// Failure is the one that explains the request: the failure that the witness
	// was asked about, or another.
	Failure *diagnosis.Failure
	// Decided says that the witness proves whether the edge is to blame, so that
	// no weaker evidence needs to be heard.
	Decided bool
	// Findings are what else it proves.
	Findings []diagnosis.Finding
}

// Testify says what became of the credential on the way to f. A failure that
// is no verdict on the credential (limits, keys that cannot be fetched) stays
// as it is; f is never changed. Without a valid member nothing is said.
func (w *Witness) Testify(f *diagnosis.Failure, a Arrived) Testimony {
	t := Testimony{Failure: f}
	if w.In == nil {
		return t
	}
	t.Findings = w.rewrites(a)
	value, present := a.value()
	if a.Elsewhere || a.Partial && !present {
		return t
	}
	j := w.judgement(a, value)
	if j.fate == fateInjected {
		t.Findings = append(t.Findings, diagnosis.Finding{Name: diagnosis.CredentialInjected, Detail: j.stretch()})
	}
	if status := f.Row().Status; status >= 500 || status == 429 {
		return t
	}
	if g := j.word(f); g != nil {
		t.Failure, t.Decided = g, true
	}
	return t
}

// judgement is the row of the decision table that fits, with what it takes to
// word it.
type judgement struct {
	fate  fate
	where where

	in, out *Point
	value   string // in Authorization
	moved   string // the header that holds the credential, "" for none
}

func (w *Witness) judgement(a Arrived, value string) judgement {
	in, out := w.In, w.Out
	seen := passage{in: answerOf(in.saw()), out: answerOf(out.saw()), here: answerOf(value != "")}
	if seen.here == yes {
		seen.inHere, seen.outHere = answerOf(in.is(value)), answerOf(out.is(value))
	}
	switch {
	case in == out, in.key == out.key:
		seen.inOut = answerOf(in.Fingerprint == out.Fingerprint && in.Length == out.Length)
	case in.Length != out.Length:
		seen.inOut = no
	}
	j := judgement{in: in, out: out, value: value}
	if seen.in == yes && seen.inHere != yes {
		j.moved = in.foundIn(a.Headers)
		seen.moved = answerOf(j.moved != "")
	}
	j.fate, j.where = decide(seen)
	return j
}

// maxCompared bounds the values whose fingerprints are made for one request.
const maxCompared = 16

// foundIn returns a header other than Authorization that holds what the point
// saw, with the scheme or, for Bearer, without; "" for none.
func (p *Point) foundIn(headers map[string][]string) string {
	const scheme = "Bearer "
	compared := 0
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if name == authorization {
			continue
		}
		for _, line := range headers[name] {
			value := trim(line)
			if p.Scheme == "bearer" && len(value)+len(scheme) == p.Length {
				value = scheme + value
			}
			if len(value) != p.Length {
				continue
			}
			if compared++; compared > maxCompared {
				return ""
			}
			if p.is(value) {
				return name
			}
		}
	}
	return ""
}

// rewrites lists what the edge changed of the request line and Host.
func (w *Witness) rewrites(a Arrived) (found []diagnosis.Finding) {
	var host string
	if lines := a.Headers["host"]; len(lines) == 1 {
		host = lines[0]
	}
	for _, c := range []struct {
		name          diagnosis.FindingName
		in, out, here string
	}{
		{diagnosis.HostRewritten, authority(w.In.Host), authority(w.Out.Host), authority(host)},
		{diagnosis.MethodRewritten, stated(w.In.Method), stated(w.Out.Method), a.Method},
	} {
		switch j := (judgement{in: w.In, out: w.Out}); {
		case differ(c.in, c.out):
			j.where = inside
			found = append(found, diagnosis.Finding{Name: c.name, Detail: j.stretch()})
		case differ(c.out, c.here):
			j.where = after
			found = append(found, diagnosis.Finding{Name: c.name, Detail: j.stretch()})
		}
	}
	return found
}

// differ reports whether both are known and not the same.
func differ(a, b string) bool { return a != "" && b != "" && a != b }

// stated returns a method or host as a point states it, "" for the mark that
// stands for one that it may not repeat.
func stated(s string) string {
	if s == unfit {
		return ""
	}
	return s
}

// authority returns a host for comparison: in lower case and without the ports
// that stand for none. Which of the two it is depends on the edge's listener,
// and a request to :80 does not become one to :443 by accident.
func authority(host string) string {
	host = strings.ToLower(stated(host))
	for _, port := range []string{":443", ":80"} {
		if rest, ok := strings.CutSuffix(host, port); ok {
			return rest
		}
	}
	return host
}

// stretch names the part of the way for a detail.
func (j *judgement) stretch() string {
	switch {
	case j.where == before:
		return "before " + j.in.Name
	case j.where == inside:
		return fmt.Sprintf("inside the edge, between %s and %s", j.in.Name, j.out.Name)
	case j.in == j.out:
		return fmt.Sprintf("between %s and the gateway", j.out.Name)
	case j.where == after:
		return fmt.Sprintf("behind the edge, between %s and the gateway", j.out.Name)
	}
	return fmt.Sprintf("between %s and the gateway", j.in.Name)
}

// blamesEdge reports whether the edge is among the hops of a failure.
func blamesEdge(f *diagnosis.Failure) bool {
	if f.Hop != diagnosis.HopUnset {
		return f.Hop == diagnosis.Edge
	}
	return slices.Contains(f.Row().Hops, diagnosis.Edge)
}
