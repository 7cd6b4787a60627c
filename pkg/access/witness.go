package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/credential"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/edge"
)

// witness is what a route does with the edge's signed statements.
type witness struct {
	verifier *edge.Verifier // nil: nothing
	required bool
	// lone says that a credential can stand in Authorization only, so that what
	// is wrong with one is wrong there.
	lone bool
	// names are the headers in which the route looks for a credential.
	names []string
}

func newWitness(c *config.Config) witness {
	names := headerNames(want(c))
	if c.Edge.Witness == config.WitnessOff {
		return witness{names: names}
	}
	keys := make([]edge.Key, len(c.Edge.Keys))
	for i, k := range c.Edge.Keys {
		keys[i] = edge.Key{ID: k.ID, Secret: k.Secret.Bytes(), Points: c.Edge.SigningPoints(&k)}
	}
	return witness{
		verifier: edge.NewVerifier(keys, c.Edge.MaxAge.Duration()),
		required: c.Edge.Witness == config.WitnessRequired,
		lone: slices.Equal(lower(c.HeaderNames), []string{authorization}) && len(c.CookieNames)+len(c.URIParamNames) == 0 &&
			!slices.Contains(c.Expects, config.ExpectKey),
		names: names,
	}
}

// headerNames lists the headers that may hold what a route takes, in lower case.
func headerNames(w credential.Want) (names []string) {
	for _, kind := range w.Expects {
		switch kind {
		case credential.Bearer:
			names = append(names, w.HeaderNames...)
		case credential.Basic:
			names = append(names, authorization)
		case credential.Key:
			names = append(names, lower(w.KeyNames)...)
		}
	}
	return names
}

const authorization = "authorization"

// witnessHeader is [edge.WitnessHeader] as it is written.
const witnessHeader = "X-Auth-Witness"

// explain says why a request is refused: by what the edge has signed, else by
// the traces that hops have left. Where a witness is required it refuses what
// comes without, or with another credential than the edge let out; otherwise an
// accepted request is none of its business and costs nothing.
func (r *Route) explain(g Gateway, v *verdict, headers map[string][]string, found credential.Found, now time.Time) error {
	if v.diagnosis.Row().Status == 0 && (v.diagnosis.Code != diagnosis.Accepted || !r.witness.required) {
		return nil
	}
	said := edge.Witness{}
	if r.witness.verifier != nil {
		var err error
		if said, err = r.hear(g, headers, now); err != nil {
			return err
		}
	}
	arrived := edge.Arrived{Headers: headers, Partial: lineCount(headers) >= many, Elsewhere: !r.inAuthorization(v, found)}
	if r.witness.required && !v.demand(&said, arrived) {
		return nil
	}
	if said.Fault != nil && (said.Out != nil || !r.witness.required) { // else it is the code
		v.find(diagnosis.WitnessIgnored, said.Fault.Error())
	}
	if errors.Is(said.Fault, errOutside) && len(headers["x-forwarded-for"])+len(headers["x-forwarded-proto"]) > 0 {
		v.find(diagnosis.ForwardedPeerUntrusted, "who forwarded the request is not a known edge")
	}
	return r.blame(g, v, &said, arrived)
}

// demand refuses what a required witness does not vouch for. It reports false
// if the request goes on.
func (v *verdict) demand(said *edge.Witness, arrived edge.Arrived) bool {
	switch accepted := v.diagnosis.Code == diagnosis.Accepted; {
	case said.Out == nil && said.Fault == nil:
		v.refuse(diagnosis.Fail(diagnosis.WitnessMissing, "expected a member of "+edge.WitnessHeader+", got none"))
	case said.Out == nil && errors.Is(said.Fault, edge.ErrStale):
		v.refuse(diagnosis.Fail(diagnosis.WitnessStale, said.Fault.Error()))
	case said.Out == nil && errors.Is(said.Fault, errOutside):
		v.refuse(diagnosis.Fail(diagnosis.WitnessMissing, said.Fault.Error()))
	case said.Out == nil:
		v.refuse(diagnosis.Fail(diagnosis.WitnessInvalid, said.Fault.Error()))
	case accepted && said.Vouches(arrived):
		return false
	case accepted:
		v.refuse(diagnosis.Fail(diagnosis.CredentialRewritten, "expected in authorization what "+said.Out.Name+" saw there, got another value"))
	}
	return true
}

// blame words the verdict: proof first, then traces.
func (r *Route) blame(g Gateway, v *verdict, said *edge.Witness, arrived edge.Arrived) (err error) {
	seen := v.seen
	seen.Headers, seen.Names, seen.Edge = arrived.Headers, r.witness.names, r.edgeName
	v.diagnosis.Findings = append(v.diagnosis.Findings, edge.Findings(seen)...)
	if said.In != nil {
		if arrived.Method = v.method; arrived.Method == "" {
			if arrived.Method, err = g.Method(); err != nil {
				return err
			}
		}
	}
	if names := edge.Passed(seen); len(names) > 0 && v.diagnosis.Row().Family <= diagnosis.FamilySignature {
		v.context("passed by " + strings.Join(names, ", "))
	}
	first := v.diagnosis.Failure
	t := said.Testify(&first, arrived)
	v.diagnosis.Findings = append(v.diagnosis.Findings, t.Findings...)
	switch {
	case t.Failure.Code != first.Code:
		v.diagnosis.Failure = *t.Failure
		if !absent(first.Code) {
			v.diagnosis.Others = append([]diagnosis.Failure{first}, v.diagnosis.Others...)
		}
	case t.Decided:
		v.diagnosis.Failure = *t.Failure
	case arrived.Partial && first.Code == diagnosis.CredentialMissing: // it may have come
		v.context(fmt.Sprintf("%d header lines were read, and there may be more", many))
	case first.Hop == diagnosis.HopUnset: // else no trace of a hop changes whose it is
		v.suspect(&first, seen)
	}
	return nil
}

// suspect words the verdict by traces, or lists what may have done it without
// leaving any.
func (v *verdict) suspect(first *diagnosis.Failure, seen edge.Seen) {
	f := edge.Explain(first, seen)
	v.diagnosis.Failure = *f
	if f != first {
		return
	}
	if may := edge.Candidates(first, seen); len(may) > 0 {
		v.context("may be " + strings.Join(may, "; or "))
	}
}

// absent reports whether a code says only that no credential was found, which
// the proof of what became of it says better.
func absent(c diagnosis.Code) bool {
	switch c {
	case diagnosis.CredentialMissing, diagnosis.CredentialEmpty, diagnosis.CredentialMoved:
		return true
	}
	return false
}

// refuse puts a failure before those that are known.
func (v *verdict) refuse(f *diagnosis.Failure) {
	if v.diagnosis.Code != diagnosis.Accepted {
		v.diagnosis.Others = append([]diagnosis.Failure{v.diagnosis.Failure}, v.diagnosis.Others...)
	}
	v.diagnosis.Failure = *f
}

func (v *verdict) find(name diagnosis.FindingName, detail string) {
	v.diagnosis.Findings = append(v.diagnosis.Findings, diagnosis.Finding{Name: name, Detail: detail})
}

// context adds to what is shown behind the detail.
func (v *verdict) context(text string) {
	if v.diagnosis.Context != "" {
		text = v.diagnosis.Context + "; " + text
	}
	v.diagnosis.Context = text
}

// errOutside is why members of an unknown peer do not count: with addresses of
// the edge configured, a key alone does not make an edge.
var errOutside = errors.New("expected a peer inside edge.trusted_ips, got another")

// hear verifies what the edge has signed.
func (r *Route) hear(g Gateway, headers map[string][]string, now time.Time) (edge.Witness, error) {
	lines := headers[edge.WitnessHeader]
	if len(lines) == 0 {
		return edge.Witness{}, nil
	}
	if len(r.trustedIPs) > 0 {
		peer, err := g.PeerAddress()
		if err != nil {
			return edge.Witness{}, err
		}
		if !within(r.trustedIPs, peer) {
			return edge.Witness{Fault: errOutside}, nil
		}
	}
	return r.witness.verifier.Verify(lines, now), nil
}

// inAuthorization reports whether the verdict is about what stood in
// Authorization, or should have.
func (r *Route) inAuthorization(v *verdict, found credential.Found) bool {
	switch {
	case found.Failure == nil:
		return found.Source == authorization
	case r.witness.lone:
		return true
	}
	return absent(v.diagnosis.Code) && slices.Contains(r.want.HeaderNames, authorization)
}

// lineCount returns how many header lines Kong has told of.
func lineCount(headers map[string][]string) (n int) {
	for _, lines := range headers {
		n += len(lines)
	}
	return n
}
