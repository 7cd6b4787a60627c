package access

import (
	"net/netip"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

// Header is a name with its values; without values it removes the name.
type Header = pdkwire.Header

// Consumer is a Kong consumer.
type Consumer = pdkwire.Consumer

// Credential is what a request was authenticated by, to Kong. The zero
// Credential is none.
type Credential = pdkwire.Credential

// Gateway is what the flow needs of Kong for one request.
//
// Methods that return a value wait for Kong, and cost a round trip: the flow
// counts them. The others are buffered and leave together. After an error, and
// after Exit, the request is over: the flow MUST return without another call.
type Gateway interface {
	// Headers returns the request's header fields as they arrived, names in
	// lower case, bytes unchanged. A blank field is present with the value "".
	Headers() (map[string][]string, error)
	// RawQuery returns the request's query as it arrived, without the question
	// mark.
	RawQuery() (string, error)
	// RequestID returns the id that Kong shows in X-Kong-Request-Id.
	RequestID() (string, error)
	// Method returns the request's method.
	Method() (string, error)
	// PeerAddress returns the address of the TCP peer.
	PeerAddress() (netip.Addr, error)
	// ForwardedAddress returns the client's address by Kong's real-ip rules.
	ForwardedAddress() (netip.Addr, error)
	// LoadConsumer returns a consumer, the zero Consumer when there is none. By
	// username, Kong takes a UUID for an id first; by id, anything else than a
	// UUID ends the request.
	LoadConsumer(name string, byUsername bool) (Consumer, error)
	// Credential returns what a plugin before authenticated the request by.
	Credential() (Credential, error)

	// SetUpstreamHeaders sets and removes fields of the request that Kong
	// sends to the service.
	SetUpstreamHeaders([]Header) error
	// SetRawQuery replaces the query of the request that Kong sends to the
	// service; "" removes it.
	SetRawQuery(string) error
	// Authenticate tells Kong whom the request is from. The credential may be
	// nil, for a consumer that has proved nothing. No header is set by it.
	Authenticate(*Consumer, *Credential) error
	// SetCredential authenticates the request without a consumer.
	SetCredential(id string) error
	// SetGroups sets the groups that Kong's acl plugin decides on; none removes
	// what a plugin before has set.
	SetGroups([]string) error
	// SetResponseHeaders sets fields of the answer, whoever makes it.
	SetResponseHeaders([]Header) error
	// LogObject adds an object to what Kong's log plugins write.
	LogObject(name string, members []diagnosis.Member) error
	// Log writes a line to Kong's error log.
	Log(Severity, string) error
	// Exit answers the request.
	Exit(status int, body []byte, headers []Header) error
}

// Severity is a level of Kong's error log.
type Severity string

// Severities in use: a rejection is a notice, never an error.
const (
	Notice Severity = "notice"
	Warn   Severity = "warn"
	Err    Severity = "err"
)
