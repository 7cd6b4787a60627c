package credential

import (
	"iter"
	"slices"
	"strings"
)

// arguments yields the decoded values of a query argument, in order. An argument
// without an equals sign is there and blank.
func arguments(query, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for pair := range strings.SplitSeq(query, "&") {
			if found, value, _ := strings.Cut(pair, "="); unescape(found) == name && !yield(unescape(value)) {
				return
			}
		}
	}
}

// WithoutArguments returns a query without the named arguments. All others keep
// their bytes and their order.
func WithoutArguments(query string, names []string) string {
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(names, unescape(name))
	})
	return strings.Join(pairs, "&")
}

// unescape decodes a name or a value of the query: a plus sign is a space
// (the form encoding of the URL standard), and what is no escape is left as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s):
			if high, low := digit(s[i+1]), digit(s[i+2]); high >= 0 && low >= 0 {
				c = byte(high<<4 | low)
				i += 2
			}
		}
		b = append(b, c)
	}
	return string(b)
}

// digit returns the value of a hexadecimal digit, -1 for any other character.
func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
