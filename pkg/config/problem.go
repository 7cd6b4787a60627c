package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Problem is one thing that is wrong with a configuration. Its message never
// holds the value of a field that may be a vault reference, and shows at most
// maxShown bytes of any other.
type Problem struct {
	Path    string // "config.issuers[1].audiences"; positions count from 0
	Message string // "expected …, got …"
}

// Error renders the problem as "path: message".
func (p Problem) Error() string { return p.Path + ": " + p.Message }

// Problems returns the problems in an error that [Parse], [Config.Validate] or
// [Load] returned, in the order in which they were found.
func Problems(err error) []Problem {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []Problem
		for _, e := range joined.Unwrap() {
			all = append(all, Problems(e)...)
		}
		return all
	}
	if p, ok := errors.AsType[Problem](err); ok {
		return []Problem{p}
	}
	return []Problem{{Path: "config", Message: err.Error()}}
}

// problems collects what is found; the zero value is ready to use.
type problems []error

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (p *problems) err() error { return errors.Join(*p...) }

// maxShown bounds what of a value goes into a message.
const maxShown = 64

// show quotes a value for a message: cut, or withheld if it may be a secret.
func show(value string, secret bool) string {
	if secret {
		return fmt.Sprintf("a value of %d bytes", len(value))
	}
	if len(value) <= maxShown {
		return fmt.Sprintf("%q", value)
	}
	return fmt.Sprintf("%q… (%d bytes)", cut(value), len(value))
}

// cut shortens s to maxShown bytes, without splitting a character.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// quoted lists alternatives for a message: "a", "b" or "c".
func quoted(values []string) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprintf("%q", v)
	}
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}
