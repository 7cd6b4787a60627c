package diagnosis

import "strings"

// maxDetail bounds the detail in bytes, maxHeader the header below Full: a
// proxy between the gateway and the client may allow little, and the header
// travels beside everything else.
const (
	maxDetail     = 640
	maxHeader     = 256
	maxHeaderFull = 1024
)

// Clean makes a text safe for a header's quoted string and for a log line: it
// keeps printable ASCII, writes ? for each other byte and ' for the two
// characters that a quoted string escapes, and cuts at max bytes, marking the
// cut with "...".
func Clean(s string, max int) string {
	if len(s) > max {
		s = s[:max-3] + "..."
	}
	clean := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\'')
		case c < 0x20 || c > 0x7e:
			b.WriteByte('?')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// detail joins what was expected and received, the other failed checks, the
// findings and the context into one clean text.
func (d *Diagnosis) detail() string {
	parts := make([]string, 0, 4)
	if d.Detail != "" {
		parts = append(parts, d.Detail)
	}
	for i := range d.Others {
		o := string(d.Others[i].Code)
		if t := d.Others[i].Detail; t != "" {
			o += " (" + t + ")"
		}
		parts = append(parts, "also "+o)
	}
	for _, f := range d.Findings {
		n := "finding " + string(f.Name)
		if f.Detail != "" {
			n += " (" + f.Detail + ")"
		}
		parts = append(parts, n)
	}
	if d.Context != "" {
		parts = append(parts, d.Context)
	}
	return Clean(strings.Join(parts, "; "), maxDetail)
}
