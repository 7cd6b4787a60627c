package edge

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

// Mode is what happens to one header on its way. The zero value is [Pass].
type Mode struct {
	name string
	text string
	n    int
}

// Pass leaves the header alone.
func Pass() Mode { return Mode{} }

// Strip removes every line of the header.
func Strip() Mode { return Mode{name: "strip"} }

// Blank overwrites the value with as many spaces, which is how BIG-IP's HTTP profile
// erases a header: the name and the length stay.
func Blank() Mode { return Mode{name: "blank"} }

// Rewrite puts value in place of the value, as single sign-on at the edge does.
func Rewrite(value string) Mode { return Mode{name: "rewrite", text: value} }

// Truncate cuts the last n bytes off the value, all of it when it is shorter.
func Truncate(n int) Mode { return Mode{name: "truncate", n: n} }

// Limit keeps the first n bytes of the value, as a field of fixed width does.
func Limit(n int) Mode { return Mode{name: "limit", n: n} }

// Join appends a second credential to the value, after a comma.
func Join(second string) Mode { return Mode{name: "join", text: second} }

// Insert adds a second line of the header after the first, with that value; a request
// without the header gets its first.
func Insert(value string) Mode { return Mode{name: "insert", text: value} }

// Move renames the header, its value unchanged.
func Move(to string) Mode { return Mode{name: "move", text: to} }

// ParseMode reads a mode as flags and [Mode.String] write it: "pass", "strip",
// "blank", "rewrite:VALUE", "truncate:N", "limit:N", "join:VALUE", "insert:VALUE",
// "move:HEADER".
func ParseMode(s string) (Mode, error) {
	name, argument, _ := strings.Cut(s, ":")
	mode := Mode{name: name}
	switch name {
	case "pass":
		mode = Pass()
	case "strip", "blank":
	case "rewrite", "join", "insert", "move":
		mode.text = argument
	case "truncate", "limit":
		n, err := strconv.Atoi(argument)
		if err != nil {
			return Mode{}, fmt.Errorf("expected %s:N with a number of bytes, got %q", name, s)
		}
		mode.n = n
	default:
		return Mode{}, fmt.Errorf("expected a mode like strip or move:HEADER, got %q", s)
	}
	if mode.String() != s {
		return Mode{}, fmt.Errorf("expected mode %q, got %q", mode, s)
	}
	return mode, mode.check()
}

// String writes the mode as [ParseMode] reads it.
func (m Mode) String() string {
	switch m.name {
	case "":
		return "pass"
	case "truncate", "limit":
		return m.name + ":" + strconv.Itoa(m.n)
	case "rewrite", "join", "insert", "move":
		return m.name + ":" + m.text
	}
	return m.name
}

// check refuses arguments that would break the message rather than the header.
func (m Mode) check() error {
	switch {
	case m.name == "move" && !rawhttp.IsToken(m.text):
		return fmt.Errorf("expected move to a header name, got %q", m.text)
	case strings.ContainsAny(m.text, "\r\n\x00"):
		return errors.New("expected a header value without line ends")
	case m.n < 0:
		return fmt.Errorf("expected %s of at least 0 bytes, got %d", m.name, m.n)
	}
	return nil
}

// apply returns the fields with the named header treated.
func (m Mode) apply(fields []rawhttp.Field, name string) []rawhttp.Field {
	switch m.name {
	case "":
		return fields
	case "strip":
		return slices.DeleteFunc(fields, func(f rawhttp.Field) bool { return f.Is(name) })
	case "insert":
		at := 1 + slices.IndexFunc(fields, func(f rawhttp.Field) bool { return f.Is(name) })
		if at == 0 {
			at = len(fields)
		}
		return slices.Insert(fields, at, rawhttp.NewField(name, m.text))
	}
	for i, f := range fields {
		if f.Is(name) {
			fields[i] = m.line(f)
		}
	}
	return fields
}

// line returns one line of the header treated, its name in the case it came in.
func (m Mode) line(f rawhttp.Field) rawhttp.Field {
	name, value := f.Name(), f.Value()
	switch m.name {
	case "blank":
		rest := len(f) - len(name) - 1
		return rawhttp.Field(name + ":" + strings.Repeat(" ", rest))
	case "rewrite":
		value = m.text
	case "truncate":
		value = value[:max(0, len(value)-m.n)]
	case "limit":
		value = value[:min(len(value), m.n)]
	case "join":
		value += ", " + m.text
	case "move":
		name = m.text
	}
	return rawhttp.NewField(name, value)
}
