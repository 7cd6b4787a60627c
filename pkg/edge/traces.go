package edge

import (
	"encoding/base64"
	"slices"
	"strings"
)

// trace looks for something in a request.
type trace = func(*Seen) bool

// header looks for any of some headers with something in it.
func header(names ...string) trace {
	return func(s *Seen) bool { return slices.ContainsFunc(names, s.has) }
}

// via looks for a text in Via, given in lower case.
func via(text string) trace { return func(s *Seen) bool { return s.headerHolds("via", text) } }

// cookie looks for a cookie whose name and value begin with a text.
func cookie(begin string) trace { return func(s *Seen) bool { return s.hasCookie(begin) } }

func all(traces ...trace) trace {
	return func(s *Seen) bool { return !slices.ContainsFunc(traces, func(t trace) bool { return !t(s) }) }
}

func either(traces ...trace) trace {
	return func(s *Seen) bool { return slices.ContainsFunc(traces, func(t trace) bool { return t(s) }) }
}

func not(t trace) trace { return func(s *Seen) bool { return !t(s) } }

// only reports whether all names under which the route looks are of a kind.
func only(is func(name string) bool) trace {
	return func(s *Seen) bool {
		return !slices.ContainsFunc(s.names(), func(name string) bool { return !is(name) })
	}
}

// authorized reports whether the route looks in Authorization.
func authorized(s *Seen) bool { return slices.Contains(s.names(), authorization) }

// nominated reports whether Connection names a header in which the route looks.
func (s *Seen) nominated() bool { return slices.ContainsFunc(s.names(), s.nominates) }

// unfitName reports whether proxies drop headers of a name by default: nginx
// those with underscores, dots and the like, AWS load balancers if so told.
func unfitName(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
}

// forwarded reports whether some hop says that it passed the request on.
func (s *Seen) forwarded() bool {
	return header("x-forwarded-for", "forwarded", "via", "x-real-ip")(s) || len(Passed(*s)) > 0
}

// sessionOfAPM reports whether the request belongs to a session of F5 APM.
func (s *Seen) sessionOfAPM() bool {
	return s.hasCookie("MRHSession=") || s.hasCookie("LastMRH_Session=") || s.hasCookie("F5_ST=")
}

// throughF5 reports whether a BIG-IP has marked the client: by persistence, the
// application firewall's TS cookies or an APM session.
func (s *Seen) throughF5() bool {
	return s.hasCookie("BIGipServer") || s.sessionOfAPM() || s.eachCookie(func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		digits, ok := strings.CutPrefix(name, "TS")
		return ok && len(digits) >= 6 && strings.Trim(digits, "0123456789abcdef") == ""
	})
}

// throughAPIServer reports whether a request came by the proxy of a Kubernetes
// API server, which states the path under which it was called.
func (s *Seen) throughAPIServer() bool {
	return s.headerHolds("x-forwarded-uri", "/api/v1/") && s.headerHolds("x-forwarded-uri", "/proxy/")
}

// has reports whether the request has a header with something in it.
func (s *Seen) has(name string) bool {
	return slices.ContainsFunc(s.Headers[name], func(v string) bool { return v != "" })
}

// headerHolds reports whether a header contains a text, case ignored.
func (s *Seen) headerHolds(name, text string) bool {
	return slices.ContainsFunc(s.Headers[name], func(v string) bool { return strings.Contains(strings.ToLower(v), text) })
}

// hasCookie reports whether a cookie's name and value begin with a text.
func (s *Seen) hasCookie(begin string) bool {
	return s.eachCookie(func(pair string) bool { return strings.HasPrefix(pair, begin) })
}

// eachCookie reports whether any cookie is of a kind.
func (s *Seen) eachCookie(is func(pair string) bool) bool {
	for _, line := range s.Headers["cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if is(trim(pair)) {
				return true
			}
		}
	}
	return false
}

// nominates reports whether Connection names a header.
func (s *Seen) nominates(name string) bool {
	for _, line := range s.Headers["connection"] {
		for option := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(trim(option), name) {
				return true
			}
		}
	}
	return false
}

// standsBehind returns what stands behind a scheme in Authorization, "" if the
// scheme is another. The scheme is given in lower case.
func (s *Seen) standsBehind(scheme string) string {
	for _, v := range s.Headers[authorization] {
		if word, rest, ok := strings.Cut(trim(v), " "); ok && strings.ToLower(word) == scheme {
			return trim(rest)
		}
	}
	return ""
}

// credentials looks for a credential of a scheme that begins with a text.
func credentials(scheme, begin string) trace {
	return func(s *Seen) bool {
		text := s.standsBehind(scheme)
		return text != "" && strings.HasPrefix(text, begin)
	}
}

// maxPair bounds a Basic credential that is decoded, in bytes.
const maxPair = 1024

// password looks for a Basic credential with a password.
func password(password string) trace {
	return func(s *Seen) bool {
		text := strings.TrimRight(s.standsBehind("basic"), "=")
		if text == "" || len(text) > maxPair {
			return false
		}
		pair, err := base64.RawStdEncoding.DecodeString(text)
		return err == nil && strings.HasSuffix(string(pair), ":"+password)
	}
}

// bufferSizes are usual limits of a header line in bytes: an AJP packet, nginx
// and Apache lines, and the doubles of them.
var bufferSizes = []int{4096, 8190, 8192, 16384}

// endsAtBuffer reports whether the credential's line is as long as a buffer,
// give or take the header's name and the line's end.
func (s *Seen) endsAtBuffer() bool {
	for _, v := range s.Headers[authorization] {
		for _, size := range bufferSizes {
			if len(v) <= size && size-len(v) <= len("authorization: \r\n") {
				return true
			}
		}
	}
	return false
}

// removedByGoogle is what Google Cloud Run writes in place of a signature.
const removedByGoogle = ".SIGNATURE_REMOVED_BY_GOOGLE"

func unsignedByGoogle(s *Seen) bool { return strings.HasSuffix(s.Token, removedByGoogle) }

func fromGoogle(s *Seen) bool { return s.Issuer == "https://accounts.google.com" }

func fromPingAccess(s *Seen) bool { return strings.HasSuffix(s.Issuer, "/pa") }

func fromAzure(s *Seen) bool {
	return strings.HasPrefix(s.Issuer, "https://") && strings.HasSuffix(s.Issuer, ".scm.azurewebsites.net")
}
