package corpus

import (
	"encoding/json"
	"time"
)

// Family is one file: cases that test one thing.
type Family struct {
	Family string `json:"family"`
	About  string `json:"about"`
	// Clock is the instant of every request that names none.
	Clock time.Time `json:"clock"`
	// Setups are what cases run under, by name.
	Setups map[string]Setup `json:"setups"`
	Cases  []Case           `json:"cases"`
}

// Setup is a configuration and the web that its issuers live on.
type Setup struct {
	// Config is the plugin's config as docs/CONFIGURATION.md has it.
	Config map[string]json.RawMessage `json:"config"`
	// Documents maps a URL to what it answers with, the latest change last. A
	// URL that is not there answers 404.
	Documents map[string][]Answer `json:"documents,omitempty"`
	// Consumers are those of the gateway.
	Consumers []Consumer `json:"consumers,omitempty"`
}

// Consumer is whom a gateway knows.
type Consumer struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	CustomID string `json:"custom_id,omitempty"`
}

// Answer is what a URL answers with from an instant on.
type Answer struct {
	// From is when it begins; the zero time for always.
	From time.Time `json:"from,omitzero"`
	// Status is 200 if it is 0.
	Status   int    `json:"status,omitempty"`
	Location string `json:"location,omitempty"`
	// Body is a JSON document, Text anything else, sent Repeat times.
	Body   json.RawMessage `json:"body,omitempty"`
	Text   string          `json:"text,omitempty"`
	Repeat int             `json:"repeat,omitempty"`
	// Fault happens in place of an answer.
	Fault Fault `json:"fault,omitempty"`
}

// Fault is a way in which a fetch fails before HTTP.
type Fault string

// Faults.
const (
	DNS          Fault = "dns"           // the name does not resolve
	Connect      Fault = "connect"       // the connection is refused
	Timeout      Fault = "timeout"       // the request is read and never answered
	TLSUntrusted Fault = "tls_untrusted" // the certificate's authority is unknown
	TLSHostname  Fault = "tls_hostname"  // the certificate is another host's
	TLSExpired   Fault = "tls_expired"   // the certificate has expired
	TLSHandshake Fault = "tls_handshake" // the server does not speak TLS
)

// Case is one labelled request.
type Case struct {
	Name string `json:"name"`
	// Why says what the case is good for, Source where that comes from: an RFC's
	// section, a CVE, a test suite's case, a product's shape.
	Why    string `json:"why"`
	Source string `json:"source,omitempty"`
	Setup  string `json:"setup"`
	// Config replaces members of the setup's config as wholes, Documents answers
	// of its documents.
	Config    map[string]json.RawMessage `json:"config,omitempty"`
	Documents map[string][]Answer        `json:"documents,omitempty"`
	// Start is when the process starts and fetches its keys, Earlier are the
	// requests since, Now is the instant of the request. Without Start the
	// process starts at Now, and its keys are there when the request arrives.
	Start   time.Time `json:"start,omitzero"`
	Now     time.Time `json:"now,omitzero"`
	Earlier []Request `json:"earlier,omitempty"`
	Request
	Parts  *Parts `json:"parts,omitempty"`
	Expect Expect `json:"expect"`
}

// Request is what arrives.
type Request struct {
	// At is the instant of an earlier request.
	At time.Time `json:"at,omitzero"`
	// Token arrives as "authorization: Bearer TOKEN", unless Headers has an
	// authorization of its own.
	Token string `json:"token,omitempty"`
	// Headers by lower-case name, values in the order of arrival.
	Headers map[string][]string `json:"headers,omitempty"`
	// Query is the query string, as it stands in the URL.
	Query string `json:"query,omitempty"`
}

// Parts says how Token was made, for readers and for those who make more.
type Parts struct {
	Header    string `json:"header"`
	Payload   string `json:"payload"`
	Algorithm string `json:"algorithm"` // of the signature, whatever the header says
	Key       string `json:"key"`       // name in keys.json
	// Altered says what was done to the token afterwards. Without it the token
	// is base64url(Header) "." base64url(Payload) "." its signature, which holds.
	Altered string `json:"altered,omitempty"`
}

// Expect is the label.
type Expect struct {
	// Code, Hop and Certainty are the exact verdict; By is its number and Also
	// are the codes of the further checks that fail, in order.
	Code      string   `json:"code"`
	Hop       string   `json:"hop"`
	Certainty string   `json:"certainty"`
	By        *int64   `json:"by,omitempty"`
	Also      []string `json:"also,omitempty"`
	// Findings are the names of what else is odd about the request, in order.
	Findings []string `json:"findings,omitempty"`
	// Shown is what the client learns where that is less.
	Shown *Shown `json:"shown,omitempty"`
	// Status of the answer, 0 when the request goes on to the service. It then
	// carries a diagnosis unless the code is accepted and nobody asked for one.
	Status int `json:"status,omitempty"`
	// Error and Scope are the parameters of the challenge (RFC 6750 section 3).
	Error string `json:"error,omitempty"`
	Scope string `json:"scope,omitempty"`
	// RetryAfter is the exact Retry-After. When it is 0 a 503 or 429 has any of
	// at least a second, and every other status has none.
	RetryAfter int `json:"retry_after,omitempty"`
	// Upstream are headers that the service gets, or, with "", must not get.
	Upstream map[string]string `json:"upstream,omitempty"`
}

// Shown is a verdict as a level of detail merges it.
type Shown struct {
	Code      string `json:"code"`
	Hop       string `json:"hop,omitempty"`
	Certainty string `json:"certainty,omitempty"`
	By        *int64 `json:"by,omitempty"`
}
