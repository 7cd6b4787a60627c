package router

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
)

// upstreamPath joins service path and request path (get_upstream_uri_v0, and
// the v1 variant of path_handling).
func upstreamPath(r *entity.Route, base, path, postfix string) string {
	if r.PathHandling == "v1" {
		if !r.StripPath {
			return base + strings.TrimPrefix(path, "/")
		}
		if strings.HasSuffix(base, "/") {
			return base + strings.TrimPrefix(postfix, "/")
		}
		return base + postfix
	}
	slash := strings.HasSuffix(base, "/")
	if !r.StripPath {
		switch {
		case slash:
			return base + strings.TrimPrefix(path, "/")
		case path == "/":
			return base
		}
		return base + path
	}
	switch {
	case postfix == "" && slash:
		if base == "/" || strings.HasSuffix(path, "/") {
			return base
		}
		return base[:len(base)-1]
	case postfix == "":
		if len(path) > 1 && strings.HasSuffix(path, "/") {
			return base + "/"
		}
		return base
	case slash:
		return base + strings.TrimPrefix(postfix, "/")
	case strings.HasPrefix(postfix, "/"):
		return base + postfix
	}
	return base + "/" + postfix
}

// sanitize keeps what is behind a matched prefix from climbing out of the
// service's path (sanitize_uri_postfix).
func sanitize(postfix string) string {
	if postfix == "." || postfix == ".." {
		return ""
	}
	if rest, ok := strings.CutPrefix(postfix, "./"); ok {
		return rest
	}
	return strings.TrimPrefix(postfix, "../")
}

// reserved characters stay percent-encoded when a path is normalised.
const reserved = "!#$%&'()*+,/:;=?@[]"

// Normalize is kong.tools.uri.normalize with merged slashes: percent-encoded
// bytes are decoded unless they are reserved, dot segments resolved, repeated
// slashes joined.
func Normalize(path string) string {
	decoded := decode(path)
	trailing := strings.HasSuffix(decoded, "/") || strings.HasSuffix(decoded, "/.") || strings.HasSuffix(decoded, "/..")
	var out []string
	for seg := range strings.SplitSeq(decoded, "/") {
		switch seg {
		case "", ".":
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		default:
			out = append(out, seg)
		}
	}
	joined := "/" + strings.Join(out, "/")
	if trailing && joined != "/" {
		joined += "/"
	}
	return joined
}

func decode(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
			b.WriteByte(s[i])
			continue
		}
		c := byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
		if strings.IndexByte(reserved, c) >= 0 {
			b.WriteString(strings.ToUpper(s[i : i+3]))
		} else {
			b.WriteByte(c)
		}
		i += 2
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// Escape makes a normalised path fit for a request line (kong.tools.uri.escape):
// every byte that is neither unreserved, reserved nor part of a percent escape
// is encoded.
func Escape(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("-._~"+reserved, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
