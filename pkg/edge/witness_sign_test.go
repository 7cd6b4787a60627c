package edge_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/edge"
)

// sight is what a signing point saw, and with what it signs.
type sight struct {
	point       string
	kid, secret string
	time        int64
	method      string
	host        string
	lines       []string // of Authorization
}

var (
	signedMethod = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)
	signedHost   = regexp.MustCompile(`^[A-Za-z0-9._:\[\]-]{1,255}$`)
	signedScheme = regexp.MustCompile(`(?i)^(bearer|basic|dpop|digest|negotiate|ntlm) `)
)

// sign writes a member the plain way: by joining texts, as the edges do. It
// shares nothing with the code that reads it.
func (s sight) sign() string {
	fit := func(pattern *regexp.Regexp, text string) string {
		if pattern.MatchString(text) {
			return text
		}
		return "?"
	}
	present, scheme, length, print := 0, "none", 0, ""
	if n := len(s.lines); n > 0 {
		value := strings.Trim(s.lines[n-1], " \t")
		present, length, print = 1, len(value), code(s.secret, "fp|"+value)[:16]
		if m := signedScheme.FindStringSubmatch(value); m != nil {
			scheme = strings.ToLower(m[1])
		} else if strings.Contains(value, " ") {
			scheme = "other"
		}
	}
	text := fmt.Sprintf(`%s;v=1;kid="%s";t=%d;a="%s";h="%s";p=%d;n=%d;s="%s";l=%d;f="%s"`,
		s.point, s.kid, s.time, fit(signedMethod, s.method), fit(signedHost, s.host), present, len(s.lines), scheme, length, print)
	return text + `;m="` + code(s.secret, "aw1|"+text)[:32] + `"`
}

func code(secret, text string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

const (
	keyID    = "2026a"
	secret   = "0123456789abcdef0123456789abcdef"
	signedAt = 1795304235
)

// at is the time of the tests' members.
var at = time.Unix(signedAt, 0)

func key(points ...string) edge.Key {
	return edge.Key{ID: keyID, Secret: []byte(secret), Points: points}
}

// saw is a point that takes a request as the tests send it.
func saw(point string, lines ...string) sight {
	return sight{point, keyID, secret, signedAt, "GET", "api.example.com", lines}
}

func verifier() *edge.Verifier {
	return edge.NewVerifier([]edge.Key{key("edge-in", "edge-out")}, 30*time.Second)
}
