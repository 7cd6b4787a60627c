package edge

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

// Rule says what happens to which requests. The first rule that fits applies; a
// request that none fits passes. A rule without PathPrefix and Header fits all.
type Rule struct {
	// PathPrefix fits whole path segments: "/lost" fits /lost and /lost/x, not /lostly.
	PathPrefix  string
	StripPrefix bool // forward the path without PathPrefix

	// Header, with HeaderValue unless that is empty, must be in the request. It is a
	// mark for the edge and not forwarded.
	Header      string
	HeaderValue string

	Field string // the header that Mode treats; Authorization when empty
	Mode  Mode
}

// ParseRule reads "PREFIX=MODE" or "HEADER: VALUE=MODE", MODE as [ParseMode] has it:
// "/lost=strip", "X-Route: moved=move:X-Original-Authorization".
func ParseRule(s string) (Rule, error) {
	match, modeText, found := strings.Cut(s, "=")
	if !found {
		return Rule{}, fmt.Errorf("expected PREFIX=MODE or HEADER: VALUE=MODE, got %q", s)
	}
	mode, err := ParseMode(modeText)
	if err != nil {
		return Rule{}, fmt.Errorf("rule %q: %w", s, err)
	}
	rule := Rule{Mode: mode}
	if strings.HasPrefix(match, "/") {
		rule.PathPrefix = match
	} else {
		header, value, _ := strings.Cut(match, ":")
		rule.Header, rule.HeaderValue = header, strings.TrimSpace(value)
		if header == "" {
			return Rule{}, fmt.Errorf("rule %q: expected a path or a header name", s)
		}
	}
	return rule, rule.check()
}

func (r Rule) check() error {
	var errs []error
	if r.PathPrefix != "" && !strings.HasPrefix(r.PathPrefix, "/") {
		errs = append(errs, fmt.Errorf("expected a path prefix that begins with a slash, got %q", r.PathPrefix))
	}
	if r.StripPrefix && r.PathPrefix == "" {
		errs = append(errs, errors.New("expected a path prefix to strip, got none"))
	}
	for _, name := range []string{r.Header, r.Field} {
		if name != "" && !rawhttp.IsToken(name) {
			errs = append(errs, fmt.Errorf("expected a header name, got %q", name))
		}
	}
	return errors.Join(append(errs, r.Mode.check())...)
}

// fits reports whether the rule applies to a request.
func (r Rule) fits(head rawhttp.Head, target string) bool {
	if r.PathPrefix != "" {
		rest, found := strings.CutPrefix(target, r.PathPrefix)
		whole := strings.HasSuffix(r.PathPrefix, "/") || rest == "" || rest[0] == '/' || rest[0] == '?'
		if !found || !whole {
			return false
		}
	}
	return r.Header == "" || slices.ContainsFunc(head.Values(r.Header), func(value string) bool {
		return r.HeaderValue == "" || value == r.HeaderValue
	})
}

// rewrite returns the head as the first rule that fits leaves it.
func rewrite(rules []Rule, head rawhttp.Head) (rawhttp.Head, error) {
	method, target, version, err := head.RequestLine()
	if err != nil {
		return rawhttp.Head{}, err
	}
	at := slices.IndexFunc(rules, func(r Rule) bool { return r.fits(head, target) })
	if at < 0 {
		return head, nil
	}
	rule := rules[at]
	if rule.StripPrefix {
		rest := strings.TrimPrefix(target, strings.TrimSuffix(rule.PathPrefix, "/"))
		if !strings.HasPrefix(rest, "/") {
			rest = "/" + rest
		}
		head.Start = method + " " + rest + " " + version
	}
	if rule.Header != "" {
		head.Fields = slices.DeleteFunc(head.Fields, func(f rawhttp.Field) bool { return f.Is(rule.Header) })
	}
	field := rule.Field
	if field == "" {
		field = "Authorization"
	}
	head.Fields = rule.Mode.apply(head.Fields, field)
	return head, nil
}
