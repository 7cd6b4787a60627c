package edge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"sync"
	"time"
)

// Sizes in hexadecimal digits, and bounds of the numbers.
const (
	macDigits         = 32
	fingerprintDigits = 16
	maxTime           = 1<<40 - 1
	maxLines          = 1000
	maxLength         = 1 << 24
)

// witnessed are the scheme words that a point may state.
var witnessed = []string{"bearer", "basic", "dpop", "digest", "negotiate", "ntlm", schemeOther, schemeNone}

const (
	schemeOther = "other"
	schemeNone  = "none"
)

// member verifies one member. The error is one of the package's reasons.
func (v *Verifier) member(raw string, now time.Time) (*Point, error) {
	if len(raw) > maxMember {
		return nil, ErrMalformed
	}
	p, kid, mac, ok := read(raw)
	if !ok {
		return nil, ErrMalformed
	}
	if p.key = v.keys[kid]; p.key == nil {
		return nil, ErrKey
	}
	signed := raw[:len(raw)-len(`;m=""`)-len(mac)]
	if !hmac.Equal([]byte(mac), []byte(p.key.digits("aw1|", signed, macDigits))) {
		return nil, ErrMAC
	}
	if !slices.Contains(p.key.Points, p.Name) {
		return nil, ErrPoint
	}
	if age := now.Sub(p.Time); age > v.maxAge || age < -v.maxAge {
		return nil, ErrStale
	}
	return p, nil
}

// read takes a member apart. It knows no form but the canonical one (RFC 9651
// section 4.1), the one that a parser would write again: the code covers the
// text, and what reads differently than it was written could smuggle something
// by it. That is why this is no parser for structured fields; a test holds the
// two together.
func read(raw string) (p *Point, kid, mac string, ok bool) {
	name, _, _ := strings.Cut(raw, ";")
	r := reader{rest: raw[len(name):], ok: isWord(name, maxMember, "._-") && isWord(name[:1], 1, "") && name[0] > '9'}
	r.number("v", 1, 1)
	kid = r.text("kid", isKeyID)
	t := r.number("t", 1, maxTime)
	p = &Point{Name: name, Time: time.Unix(int64(t), 0), Method: r.text("a", isMethod), Host: r.text("h", isHost)}
	present := r.number("p", 0, 1)
	p.Present = present == 1
	p.Lines = r.number("n", present, present*maxLines)
	p.Scheme = r.text("s", isScheme)
	p.Length = r.number("l", 0, present*maxLength)
	p.Fingerprint = r.hex("f", present*fingerprintDigits)
	mac = r.hex("m", macDigits)
	ok = r.ok && r.rest == "" && (p.Scheme == schemeNone || p.Length >= len("a b"))
	return p, kid, mac, ok
}

// reader takes parameters off the front; ok turns false for good at the first
// that is another one or has another form.
type reader struct {
	rest string
	ok   bool
}

// value takes what stands behind the name, up to the next parameter. No value
// of a member holds a semicolon.
func (r *reader) value(name string) string {
	rest, begins := r.rest, false
	if at := len(name) + 1; len(rest) > at && rest[0] == ';' && rest[1:at] == name && rest[at] == '=' {
		rest, begins = rest[at+1:], true
	}
	end := strings.IndexByte(rest, ';')
	if end < 0 {
		end = len(rest)
	}
	r.ok, r.rest = r.ok && begins, rest[end:]
	return rest[:end]
}

func (r *reader) number(name string, from, to int) int {
	s := r.value(name)
	n := 0
	for i := 0; i < len(s) && n <= to; i++ {
		r.ok = r.ok && '0' <= s[i] && s[i] <= '9'
		n = 10*n + int(s[i]-'0')
	}
	r.ok = r.ok && s != "" && (s[0] != '0' || s == "0") && from <= n && n <= to
	return n
}

func (r *reader) text(name string, is func(string) bool) string {
	s := r.value(name)
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		r.ok = false
		return ""
	}
	s = s[1 : len(s)-1]
	r.ok = r.ok && is(s)
	return s
}

// hex takes a text of so many lower-case hexadecimal digits.
func (r *reader) hex(name string, digits int) string {
	s := r.text(name, isHex)
	r.ok = r.ok && len(s) == digits
	return s
}

// isHex reports whether s is of lower-case hexadecimal digits; none are.
func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

const unfit = "?" // what a point states for a method or host that it may not repeat

func isKeyID(s string) bool { return isWord(s, maxMember, "._-") }

func isScheme(s string) bool { return slices.Contains(witnessed, s) }

func isMethod(s string) bool { return s == unfit || isWord(s, 32, "._-") }

func isHost(s string) bool { return s == unfit || isWord(s, 255, "._:[]-") }

// isWord reports whether s is of letters, digits and the marks, at most max bytes.
func isWord(s string, max int, marks string) bool {
	if s == "" || len(s) > max {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte(marks, c) < 0 {
			return false
		}
	}
	return true
}

// secretKey is a Key ready for use. Making an HMAC of a key costs as much as
// using it, so those made are kept, each with room for a member.
type secretKey struct {
	Key
	made sync.Pool // of *coder
}

type coder struct {
	hash.Hash
	room [maxMember + sha256.Size]byte
}

func newSecretKey(k Key) *secretKey {
	s := &secretKey{Key: k}
	s.made.New = func() any { return &coder{Hash: hmac.New(sha256.New, k.Secret)} }
	return s
}

// digits returns the first hexadecimal digits of HMAC-SHA-256 (RFC 2104) over a
// label and a text. The labels keep the uses of a key apart.
func (k *secretKey) digits(label, text string, n int) string {
	c := k.made.Get().(*coder)
	c.Reset()
	b := append(append(c.room[:0], label...), text...)
	c.Write(b)
	clear(b) // it may be a credential
	digits := hex.EncodeToString(c.Sum(c.room[:0])[:n/2])
	k.made.Put(c)
	return digits
}

// is reports whether a value that arrived is the one that the point saw.
func (p *Point) is(value string) bool {
	return p.Present && p.Length == len(value) &&
		hmac.Equal([]byte(p.Fingerprint), []byte(p.key.digits("fp|", value, fingerprintDigits)))
}

// schemeOf returns the word that a point states for a trimmed value: schemes
// are compared without regard to case and must have a space behind them.
func schemeOf(value string) string {
	word, _, spaced := strings.Cut(value, " ")
	if !spaced {
		return schemeNone
	}
	if word = strings.ToLower(word); slices.Contains(witnessed[:len(witnessed)-2], word) {
		return word
	}
	return schemeOther
}
