package credential

import (
	"fmt"
	"strings"
)

// Shape describes a header's value for a log line by its scheme and length,
// such as "bearer, 812 bytes" or "blank". It repeats nothing of the value.
func Shape(value string) string {
	v := trim(value)
	scheme, rest, spaced := cut(v)
	_, known := schemes[strings.ToLower(scheme)]
	switch {
	case v == "":
		return "blank"
	case known:
		return fmt.Sprintf("%s, %d bytes", strings.ToLower(scheme), len(rest))
	case !spaced && looksLikeJWT(v):
		return fmt.Sprintf("jwt without scheme, %d bytes", len(v))
	}
	return fmt.Sprintf("unknown, %d bytes", len(v))
}
