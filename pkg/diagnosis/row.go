package diagnosis

import "strconv"

// Hop is the station on the way of a request that has to act.
type Hop uint8

// Hops. The zero value lets the catalogue decide.
const (
	HopUnset Hop = iota
	Client
	Edge
	Gateway
	IdP
	Upstream
)

var hopNames = [...]string{"", "client", "edge", "gateway", "idp", "upstream"}

// String returns the hop as the header spells it, "" for HopUnset.
func (h Hop) String() string { return hopNames[h] }

// Certainty grades what a verdict rests on.
type Certainty uint8

// Certainties. The zero value lets the catalogue decide.
const (
	CertaintyUnset Certainty = iota
	// Definite: the plugin checked it itself (token content, time, signature,
	// its own configuration, its own fetches).
	Definite
	// Strong: evidence that the client cannot write.
	Strong
	// Weak: everything else. A header that a client could have sent never
	// proves more than this about any other hop.
	Weak
)

var certaintyNames = [...]string{"", "definite", "strong", "weak"}

// String returns the certainty as the header spells it, "" for CertaintyUnset.
func (c Certainty) String() string { return certaintyNames[c] }

// Family groups codes by the check that produces them. Its order is the order
// of the checks: the lowest failed family gives a rejection its code.
type Family uint8

// Families.
const (
	FamilyUnset Family = iota
	FamilyCredential
	FamilyStructure
	FamilyHeader
	FamilyKey
	FamilySignature
	FamilyKind
	FamilyTime
	FamilyClaim
	FamilyAuthorization
	FamilyLimit
	FamilyPlugin
	FamilyNotice
)

var familyNames = [...]string{"", "credential", "token", "header", "key", "signature", "kind", "time", "claim", "authorization", "limit", "plugin", "notice"}

// String returns the family's name in documents.
func (f Family) String() string { return familyNames[f] }

// RFC 6750 section 3.1 error codes.
const (
	InvalidRequest    = "invalid_request"
	InvalidToken      = "invalid_token"
	InsufficientScope = "insufficient_scope"
)

// Row is one line of the catalogue: all that is fixed about a code.
type Row struct {
	Code   Code
	Family Family
	// Hops that can cause it; the first is shown unless evidence picks another.
	Hops      []Hop
	Certainty Certainty
	// Status of the rejection. 0 on codes that are not rejections.
	Status int
	// Error is the RFC 6750 error, "" for a bare challenge or none.
	Error string
	// Cause says what happened, Fix what to do. Both are sent to clients, so
	// they name no value, and fit RFC 6750's error_description alphabet.
	Cause string
	Fix   string
	// Unit of the header's by parameter, "" where the code has none.
	Unit string
}

// Challenges reports whether the rejection carries WWW-Authenticate: 401, 400
// and 403 do; limits and faults that are not the client's do not.
func (r *Row) Challenges() bool {
	return r.Status == 401 || r.Status == 400 || r.Status == 403
}

// Message is the body's message, worded as Kong's own plugins word theirs.
func (r *Row) Message() string {
	switch r.Status {
	case 400:
		return "Bad request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 429:
		return "API rate limit exceeded"
	case 431:
		return "Request header or cookie too large"
	case 500:
		return "An unexpected error occurred"
	case 503:
		return "Service unavailable"
	}
	return strconv.Itoa(r.Status)
}

// Lookup returns the row of a code. It panics on a code outside the catalogue:
// codes are constants, so that is a programming error.
func Lookup(c Code) *Row {
	r, ok := index[c]
	if !ok {
		panic("diagnosis: no row for code " + strconv.Quote(string(c)))
	}
	return r
}

// Rows returns the catalogue in decision order. The caller must not change it.
func Rows() []Row { return catalogue }

var (
	catalogue = concat(credentialRows, structureRows, headerRows, keyRows, fetchRows, signatureRows, kindRows, timeRows, claimRows, authorizationRows, limitRows, pluginRows, noticeRows)
	index     = byCode(catalogue)
)

func concat(parts ...[]Row) []Row {
	var all []Row
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func byCode(rows []Row) map[Code]*Row {
	m := make(map[Code]*Row, len(rows))
	for i := range rows {
		m[rows[i].Code] = &rows[i]
	}
	return m
}
