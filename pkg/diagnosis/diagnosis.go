package diagnosis

// Failure is one check that failed. Only Code is required; zero values leave
// the rest to the catalogue.
type Failure struct {
	Code      Code
	Hop       Hop
	Certainty Certainty
	// By is a number in the unit of the code's row (seconds past expiry, bytes
	// missing, …); nil where there is none.
	By *int64
	// Detail says expected against received, for the full level and the log.
	// It may hold values of the request: [Clean] is applied before it leaves.
	Detail string
	// Scope lists the required scopes, space-separated, for the scope codes'
	// challenge (RFC 6750 section 3).
	Scope string
	// Tier and Window name the limit that denied, as the configuration has them:
	// "free", "second". Both are "" where none did.
	Tier, Window string
	// RetryAfter is the Retry-After header in seconds, 0 for none.
	RetryAfter int
}

// Fail returns a failure with a detail.
func Fail(c Code, detail string) *Failure { return &Failure{Code: c, Detail: detail} }

// FailBy returns a failure with a number and a detail.
func FailBy(c Code, by int64, detail string) *Failure {
	return &Failure{Code: c, By: &by, Detail: detail}
}

// Row returns the catalogue's row of the failure.
func (f *Failure) Row() *Row { return Lookup(f.Code) }

// Diagnosis is the verdict on one request, ready to be encoded.
type Diagnosis struct {
	// Failure gives the code. Accepted and CredentialArrived are codes too.
	Failure
	// Others are the further checks that failed, in decision order.
	Others   []Failure
	Findings []Finding
	// Advise marks verdicts of advise mode, where nothing was rejected.
	Advise bool
	// Level and RequestID are set by the request flow before encoding.
	Level     Level
	RequestID string
	// Context is shown behind the detail at the full level: key-set age and
	// the like. Never a value of the request.
	Context string
}

// Level is how much a client is told.
type Level uint8

// Levels, from the least to the most.
const (
	// Minimal shows the code and the request id.
	Minimal Level = iota
	// Standard adds hop, certainty, number and fix.
	Standard
	// Full adds what was expected and received.
	Full
)

// ParseLevel reads the configuration's word for a level; anything unknown is
// Minimal, the level that tells least.
func ParseLevel(s string) Level {
	switch s {
	case "standard":
		return Standard
	case "full":
		return Full
	}
	return Minimal
}

// mergedBelowFull hides what only the operator should learn: that a key of
// another issuer, or another key, was involved, and who is registered.
var mergedBelowFull = map[Code]Code{
	KidOtherIssuer:        KidUnknown,
	SignatureOtherKey:     SignatureInvalid,
	SignatureKeyReusedKid: SignatureInvalid,
	ConsumerNotFound:      AuthorizationDenied,
	ConsumerAmbiguous:     AuthorizationDenied,
}

// mergedAtMinimal hides how close a guess came.
var mergedAtMinimal = map[Code]Code{
	IssuerNearMiss: IssuerUntrusted,
	KidRetired:     KidUnknown,
}

// Shown returns the code that a client sees at a level. Status, RFC 6750 error,
// hop and certainty follow it: a merged code must not be told apart by them.
func Shown(c Code, l Level) Code {
	if l < Full {
		if m, ok := mergedBelowFull[c]; ok {
			return m
		}
	}
	if l == Minimal {
		if m, ok := mergedAtMinimal[c]; ok {
			return m
		}
		if Lookup(c).Family == FamilyStructure {
			return TokenMalformed
		}
	}
	return c
}

// view is a verdict as one level shows it.
type view struct {
	row       *Row
	hop       Hop
	certainty Certainty
	by        *int64
}

func (d *Diagnosis) view() view {
	if shown := Shown(d.Code, d.Level); shown != d.Code {
		row := Lookup(shown)
		return view{row: row, hop: row.Hops[0], certainty: row.Certainty}
	}
	return d.exact()
}

// exact is the verdict before any merging, as the log has it.
func (d *Diagnosis) exact() view {
	v := view{row: d.Row(), hop: d.Hop, certainty: d.Certainty, by: d.By}
	if v.hop == HopUnset {
		v.hop = v.row.Hops[0]
	}
	if v.certainty == CertaintyUnset {
		v.certainty = v.row.Certainty
	}
	return v
}

// Status is the HTTP status of the rejection as this level shows it.
func (d *Diagnosis) Status() int { return d.view().row.Status }

// Message is the body's message, as Kong's own plugins word it.
func (d *Diagnosis) Message() string { return d.view().row.Message() }
