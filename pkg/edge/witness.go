package edge

import (
	"errors"
	"strings"
	"time"
)

// WitnessHeader is the request header, in lower case, in which signing points
// of the edge state what they saw of Authorization: an RFC 9651 list with one
// member for each point, all parameters present and in this order.
//
//	edge-in;v=1;kid="2026a";t=1795304235;a="GET";h="api.example.com:8443";
//	p=1;n=1;s="bearer";l=812;f="<16 hex>";m="<32 hex>"
//
// The outermost signer removes what the client sent under that name and sets
// its member; those behind it add a line. Nothing of it goes to the service.
const WitnessHeader = "x-auth-witness"

// Point is a verified member: what one signing point saw.
type Point struct {
	// Name of the point, such as "edge-in".
	Name string
	// Time of the statement, in whole seconds.
	Time time.Time
	// Method and Host as the point received them; Host with case and port.
	// "?" stands for one with characters that are never signed.
	Method, Host string
	// Present says that there was an Authorization line, if only a blank one,
	// and Lines how many.
	Present bool
	Lines   int
	// Scheme is bearer, basic, dpop, digest, negotiate, ntlm, other or none.
	Scheme string
	// Length of the trimmed value in bytes, of the last line if there were more.
	Length int
	// Fingerprint of the same bytes under the point's key: 16 hexadecimal digits,
	// "" without a line.
	Fingerprint string

	key *secretKey
}

// saw reports whether a value was there; a blank line is none.
func (p *Point) saw() bool { return p.Present && p.Length > 0 }

// Witness is what the members of one request come to.
type Witness struct {
	// In is the first valid member and Out the last: the same one if there is
	// only one, nil if there is none.
	In, Out *Point
	// Fault says why a member that arrived does not count, nil if all do. Of
	// several reasons it is the one nearest to validity.
	Fault error
}

// Reasons for which a member does not count, from the farthest from validity to
// the nearest.
var (
	ErrMalformed = errors.New("expected a member in canonical form, got another text")
	ErrKey       = errors.New("expected the id of a configured key, got another")
	ErrMAC       = errors.New("expected a code made with the key, got another")
	ErrPoint     = errors.New("expected a point that the key may sign for, got another")
	ErrDuplicate = errors.New("expected one member of each point, got several")
	ErrStale     = errors.New("expected a recent time, got one too far from now")
)

var faults = []error{ErrMalformed, ErrKey, ErrMAC, ErrPoint, ErrDuplicate, ErrStale}

// Bounds of what is read. A valid member is shorter whatever it states.
const (
	maxMembers = 8
	maxMember  = 768
)

// Key is a secret that signing points share with the gateway.
type Key struct {
	ID     string
	Secret []byte
	// Points are the members that it may sign.
	Points []string
}

// Verifier checks members. It is safe for concurrent use.
type Verifier struct {
	keys   map[string]*secretKey
	maxAge time.Duration
}

// NewVerifier returns a Verifier for keys with distinct ids. A member is good
// for maxAge before and after its time.
func NewVerifier(keys []Key, maxAge time.Duration) *Verifier {
	v := &Verifier{keys: make(map[string]*secretKey, len(keys)), maxAge: maxAge}
	for _, k := range keys {
		v.keys[k.ID] = newSecretKey(k)
	}
	return v
}

// Verify reads the lines of [WitnessHeader] in the order in which they arrived.
// Members that are not valid count for nothing but the Fault.
func (v *Verifier) Verify(lines []string, now time.Time) Witness {
	var w Witness
	members, ok := split(lines)
	if !ok {
		w.Fault = ErrMalformed
		return w
	}
	points := make([]*Point, 0, len(members))
	for _, m := range members {
		p, err := v.member(m, now)
		if err != nil {
			w.worse(err)
			continue
		}
		points = append(points, p)
	}
	for i, p := range points {
		if twice(points, i) {
			w.worse(ErrDuplicate)
			continue
		}
		if w.In == nil {
			w.In = p
		}
		w.Out = p
	}
	return w
}

// worse notes a fault, unless one nearer to validity is known.
func (w *Witness) worse(err error) {
	for i := len(faults) - 1; i >= 0; i-- {
		switch faults[i] {
		case w.Fault:
			return
		case err:
			w.Fault = err
			return
		}
	}
}

// twice reports whether another point has the name of the i-th.
func twice(points []*Point, i int) bool {
	for j, p := range points {
		if j != i && p.Name == points[i].Name {
			return true
		}
	}
	return false
}

// split returns the members of the lines; hops may have joined lines by commas.
// No valid member holds a comma, so that a comma ends one even where a client
// has left a quote open before it. It reports false for more than is read.
func split(lines []string) (members []string, ok bool) {
	for _, line := range lines {
		for m := range strings.SplitSeq(line, ",") {
			if m = trim(m); m == "" {
				continue
			}
			if len(members) == maxMembers {
				return nil, false
			}
			members = append(members, m)
		}
	}
	return members, true
}

// trim drops optional white space (RFC 9110 section 5.6.3).
func trim(s string) string { return strings.Trim(s, " \t") }
