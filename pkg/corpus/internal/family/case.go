// Package family holds the cases of the corpus, one file for each family, and
// makes their tokens.
//
// The labels are written by hand: labels.go says once for each code what goes
// with it, and a case names its code and what is special about it. Nothing here
// asks the product: a label that the product does not meet is a finding.
package family

import (
	"encoding/json"
	"time"

	"kong-plugin-auth-diagnosis/pkg/corpus"
	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

// clock is the instant of all requests that name none, in seconds since 1970.
const clock = 1772366400 // 2026-03-01T12:00:00Z

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// All makes every family.
func All(ring forge.Ring) []corpus.Family {
	var all []corpus.Family
	for _, f := range families {
		b := &book{ring: ring, family: corpus.Family{
			Family: f.name, About: f.about, Clock: at(clock), Setups: map[string]corpus.Setup{},
		}}
		f.write(b)
		all = append(all, b.family)
	}
	return all
}

var families = []struct {
	name, about string
	write       func(*book)
}{
	{"accepted", "Tokens that are good, odd as some of them look.", accepted},
	{"credential", "What may arrive in place of a bearer token, and where.", credential},
	{"damage", "Credentials that something on the way has cut, moved or replaced.", damage},
	{"witness", "What an edge that signs proves, and statements that prove nothing.", witness},
	{"structure", "Segments, base64url and JSON, before any key is looked up.", structure},
	{"header", "What the JOSE header may say.", header},
	{"issuer", "Trusted issuers, others, and those that differ in spelling.", issuer},
	{"key", "Which published key a token names, and what that key is good for.", key},
	{"keyset", "Key sets that are not there, and what a fetch can run into.", keyset},
	{"rotation", "Keys that change while requests arrive.", rotation},
	{"signature", "Signatures that do not hold.", signature},
	{"kind", "JWTs that are no access tokens.", kind},
	{"time", "exp, nbf and iat at exact seconds.", times},
	{"claim", "Audiences and required claims.", claim},
	{"authorization", "Scopes, roles and groups.", authorization},
	{"place", "Tokens in cookies and query arguments.", place},
	{"consumer", "Whom the gateway takes the holder of a token for.", consumer},
	{"pingfederate", "Shapes of PingFederate.", pingFederate},
	{"pingone", "Shapes of PingOne.", pingOne},
	{"pingam", "Shapes of PingAM.", pingAM},
	{"order", "Several faults at once: which one is told.", order},
	{"level", "What each level of detail shows.", level},
	{"advise", "Advise mode, which never answers.", advise},
	{"limit", "Rate limits and a configuration that is no good.", limit},
}

// book collects the cases of one family.
type book struct {
	ring   forge.Ring
	family corpus.Family
	setup  string
}

// under makes a setup and has the cases that follow run under it.
func (b *book) under(name string, s corpus.Setup) {
	b.family.Setups[name], b.setup = s, name
}

// add appends a case.
func (b *book) add(name, why, source string, r request, want label, changes ...change) {
	c := corpus.Case{Name: name, Why: why, Source: source, Setup: b.setup, Request: r.request(), Parts: r.parts(), Expect: corpus.Expect(want)}
	for _, f := range changes {
		f(&c)
	}
	b.family.Cases = append(b.family.Cases, c)
}

// change sets something of a case that most cases do not have.
type change func(*corpus.Case)

// config replaces one member of the configuration.
func config(name string, value any) change {
	return func(c *corpus.Case) {
		if c.Config == nil {
			c.Config = map[string]json.RawMessage{}
		}
		c.Config[name] = json.RawMessage(forge.JSON(value))
	}
}

// document replaces what a URL answers with.
func document(url string, answers ...corpus.Answer) change {
	return func(c *corpus.Case) {
		if c.Documents == nil {
			c.Documents = map[string][]corpus.Answer{}
		}
		c.Documents[url] = answers
	}
}

// started has the process start some seconds before the request.
func started(ago int64) change { return func(c *corpus.Case) { c.Start = at(clock - ago) } }

// after sends a request some seconds before the one that is judged.
func after(ago int64, r request) change {
	return func(c *corpus.Case) {
		q := r.request()
		q.At = at(clock - ago)
		c.Earlier = append(c.Earlier, q)
	}
}

// object is a JSON object of a configuration.
type object = map[string]any

// list is a JSON array.
type list = []any

// members writes a configuration.
func members(o object) map[string]json.RawMessage {
	m := make(map[string]json.RawMessage, len(o))
	for name, v := range o {
		m[name] = json.RawMessage(forge.JSON(v))
	}
	return m
}
