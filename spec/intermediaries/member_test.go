//go:build spec

package intermediaries

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// What the copies of the shipped configurations pin, so that three signers can
// write the same bytes.
const (
	kid    = "2026a"
	secret = "0123456789abcdef0123456789abcdef"
	now    = 1795304235
)

var (
	methodWord = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)
	hostWord   = regexp.MustCompile(`^[A-Za-z0-9._:\[\]-]{1,255}$`)
)

// member is one member of X-Auth-Witness, signed: what each signer must write
// for an input, computed here a fourth time from the wire format alone.
func member(name string, in input) string { return memberAt(now, name, in) }

func memberAt(t int64, name string, in input) string {
	method, host := "?", "?"
	if methodWord.MatchString(in.method) {
		method = in.method
	}
	if hostWord.MatchString(in.host) {
		host = in.host
	}
	present, scheme, length, print := 0, "none", 0, ""
	if n := len(in.lines); n > 0 {
		value := strings.Trim(in.lines[n-1], " \t")
		present, length, print = 1, len(value), mac("fp|" + value)[:16]
		if word, _, ok := strings.Cut(value, " "); ok {
			switch scheme = strings.ToLower(word); scheme {
			case "bearer", "basic", "dpop", "digest", "negotiate", "ntlm":
			default:
				scheme = "other"
			}
		}
	}
	text := fmt.Sprintf(`%s;v=1;kid="%s";t=%d;a="%s";h="%s";p=%d;n=%d;s="%s";l=%d;f="%s"`,
		name, kid, t, method, host, present, len(in.lines), scheme, length, print)
	return fmt.Sprintf(`%s;m="%s"`, text, mac("aw1|" + text)[:32])
}

func mac(text string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}
