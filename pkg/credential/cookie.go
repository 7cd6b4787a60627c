package credential

import (
	"iter"
	"slices"
	"strings"
)

// cookies yields the values of a cookie in a request's Cookie lines, in order;
// browsers do send one name twice, for two paths.
//
// The grammar is RFC 6265's (section 4.2.1) as servers have to read it: pairs
// end at semicolons, whatever quotes stand around, blanks about names and values
// do not count, names have a case. One pair of double quotes around a value is
// not part of it (section 4.1.1). Nothing is decoded: cookies have no encoding.
func cookies(lines []string, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for pair := range strings.SplitSeq(line, ";") {
				if found, value := cutCookie(pair); found == name && !yield(value) {
					return
				}
			}
		}
	}
}

// cutCookie returns a cookie's name, "" for a pair that has none, and its value.
func cutCookie(pair string) (name, value string) {
	name, value, named := strings.Cut(pair, "=")
	if !named {
		return "", ""
	}
	value = trim(value)
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	return trim(name), value
}

// WithoutCookies returns a request's Cookie lines without the named cookies. All
// other cookies keep their bytes and their order; a line that held nothing else
// is left out. The lines given are not changed.
func WithoutCookies(lines, names []string) []string {
	var rest []string
	for _, line := range lines {
		pairs := strings.Split(line, ";")
		kept := slices.DeleteFunc(slices.Clone(pairs), func(pair string) bool {
			name, _ := cutCookie(pair)
			return name != "" && slices.Contains(names, name)
		})
		if len(kept) < len(pairs) {
			line = strings.TrimLeft(strings.Join(kept, ";"), " \t")
			if strings.Trim(line, "; \t") == "" {
				continue
			}
		}
		rest = append(rest, line)
	}
	return rest
}
