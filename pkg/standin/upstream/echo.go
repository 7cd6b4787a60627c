package upstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

// Echo is what the upstream received.
type Echo struct {
	Method     string              `json:"method"`
	Path       string              `json:"path"`
	Query      string              `json:"query,omitempty"`
	Headers    map[string][]string `json:"headers"`     // names as sent, values in order; see [Latin1]
	BodyLength int64               `json:"body_length"` // bytes, chunk framing not counted
}

// Get returns the first value of a header whatever the case of its name, and whether
// the header came at all: an empty value is not an absent header.
func (e Echo) Get(name string) (string, bool) {
	for sent, values := range e.Headers {
		if strings.EqualFold(sent, name) {
			return values[0], true
		}
	}
	return "", false
}

// Latin1 returns s with every byte as the code point of the same number, since JSON
// cannot hold arbitrary bytes: the byte 0xE9 reads "é".
func Latin1(s string) string {
	runes := make([]rune, len(s))
	for i, b := range []byte(s) {
		runes[i] = rune(b)
	}
	return string(runes)
}

// answer is what a request asks to be answered with.
type answer struct {
	status  int
	headers []rawhttp.Field
}

// reserved are the headers that delimit the answer.
var reserved = []string{"Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade"}

// wanted reads the status and the headers out of a request target.
func wanted(target string) (*url.URL, answer, error) {
	a := answer{status: 200}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, a, errors.New("expected a valid request target")
	}
	if dir, last := path.Split(u.Path); strings.HasSuffix(dir, "/status/") {
		if a.status, err = strconv.Atoi(last); err != nil || a.status < 200 || a.status > 599 {
			return nil, a, fmt.Errorf("expected a status from 200 to 599, got %q", last)
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, a, errors.New("expected a valid query")
	}
	for _, header := range query["header"] {
		field, err := settable(header)
		if err != nil {
			return nil, a, err
		}
		a.headers = append(a.headers, field)
	}
	return u, a, nil
}

// settable returns the line of a header that a request may set.
func settable(header string) (rawhttp.Field, error) {
	name, value, _ := strings.Cut(header, ":")
	if !rawhttp.IsToken(name) || strings.ContainsAny(value, "\r\n\x00") {
		return "", fmt.Errorf("expected header=NAME:VALUE, got %q", header)
	}
	for _, taken := range reserved {
		if strings.EqualFold(name, taken) {
			return "", fmt.Errorf("expected a header other than %q", taken)
		}
	}
	return rawhttp.NewField(name, strings.Trim(value, " \t")), nil
}

// echo describes a request as JSON, one line.
func echo(head rawhttp.Head, method string, u *url.URL, length int64) []byte {
	e := Echo{Method: method, Path: u.Path, Query: u.RawQuery, Headers: map[string][]string{}, BodyLength: length}
	for _, f := range head.Fields {
		e.Headers[f.Name()] = append(e.Headers[f.Name()], Latin1(f.Value()))
	}
	text, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Errorf("encode an echo: %w", err)) // strings and numbers always encode
	}
	return append(text, '\n')
}
