// Package exchange holds the state of one request on its way through the
// gateway: what nginx keeps in ngx.var, ngx.req and ngx.header and Kong in
// ngx.ctx. Plugins change it through the PDK, the runloop reads it.
//
// An Exchange belongs to one goroutine.
package exchange

import (
	"net/netip"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/router"
)

// Version is the Kong version this gateway behaves like, and what its Server
// and Via headers name.
const Version = "3.9.3"

// ServerToken is the value of the Server header.
const ServerToken = "kong/" + Version

// Gateway is what a request needs of the process it runs in.
type Gateway struct {
	Conf   *conf.Conf
	NodeID string
	Log    *errlog.Log
	Now    func() time.Time
}

// Exchange is one request and its response.
type Exchange struct {
	*Gateway
	Set     *entity.Set // the configuration the request was accepted under
	ID      string      // 32 hexadecimal digits, kong_request_id
	Worker  int
	Started time.Time

	Head       *h1.Request // as received, never changed
	Peer       netip.AddrPort
	Client     netip.AddrPort // after real_ip: ngx.var.remote_addr
	ServerAddr netip.AddrPort
	Body       BodySource

	// Upstream side, changed by plugins.
	Method   string
	Header   h1.Header // request headers as plugins see them
	Args     string    // raw query without "?"
	Match    *router.Match
	Upstream Upstream

	// ngx.ctx and kong.ctx.shared, Lua tables.
	Ctx    map[string]any
	Shared map[string]any

	// Response side.
	Out     h1.Header // ngx.header
	Status  int
	Delayed *Answer // a plugin's kong.response.exit, sent after the access phase
	Source  Source

	Serialize []SerializeValue
	Times     Times
	Skip      map[string]bool // per plugin: kong.ctx.plugin.skip_response_headers
	atEnd     []func()
}

// BodySource gives plugins the request body; the front buffers it.
type BodySource interface {
	// Bytes returns the body if it fits nginx's body buffer, else the path of
	// the file it was written to.
	Bytes() (content []byte, path string, err error)
}

// Upstream is where and how the request is proxied.
type Upstream struct {
	Scheme string
	Host   string // target host name or address
	Port   int
	Path   string // escaped, without arguments
	Header string // Host header; "" takes the target's
}

// Answer is a response made by the gateway or a plugin.
//
// Body and Table are what Lua code gives as one argument: a string, or a table that is
// sent as JSON. Both are nil for an answer without a body, which gRPC tells from one
// with an empty body.
type Answer struct {
	Status  int
	Body    []byte
	Table   map[string]any
	Headers h1.Header
}

// Source says who made the response (kong.response.get_source).
type Source string

// The sources.
const (
	SourceExit    Source = "exit"
	SourceError   Source = "error"
	SourceService Source = "service"
)

// SerializeValue is one kong.log.set_serialize_value.
type SerializeValue struct {
	Key   string
	Value any
}

// Times are the latencies of one exchange; zero when a step did not happen.
type Times struct {
	AccessEnded   time.Time
	UpstreamHead  time.Time // first byte of the upstream's answer
	UpstreamEnded time.Time
	BytesSent     int
	UpstreamCode  int
}

// New starts an exchange for a request head.
func New(g *Gateway, set *entity.Set, head *h1.Request, id string) *Exchange {
	x := &Exchange{Gateway: g, Set: set, Head: head, ID: id, Started: g.Now(), Method: head.Method,
		Header: head.Header.Clone(), Ctx: map[string]any{}, Shared: map[string]any{}, Skip: map[string]bool{}}
	for i := range len(head.Target) {
		if head.Target[i] == '?' {
			x.Args = head.Target[i+1:]
			break
		}
	}
	return x
}

// OnEnd registers f to run when the response has been sent.
func (x *Exchange) OnEnd(f func()) { x.atEnd = append(x.atEnd, f) }

// End runs what OnEnd registered, in reverse order.
func (x *Exchange) End() {
	for i := len(x.atEnd) - 1; i >= 0; i-- {
		x.atEnd[i]()
	}
	x.atEnd = nil
}

// Service returns the matched service, nil without one.
func (x *Exchange) Service() *entity.Service {
	if x.Match == nil {
		return nil
	}
	return x.Match.Route.Service
}

// Consumer returns the authenticated consumer's table, nil without one.
func (x *Exchange) Consumer() map[string]any { return table(x.Ctx["authenticated_consumer"]) }

// Credential returns the authenticated credential's table, nil without one.
func (x *Exchange) Credential() map[string]any { return table(x.Ctx["authenticated_credential"]) }

// Authenticate is kong.client.authenticate; nil clears.
func (x *Exchange) Authenticate(consumer, credential map[string]any) {
	x.setTable("authenticated_consumer", consumer)
	x.setTable("authenticated_credential", credential)
}

func (x *Exchange) setTable(key string, t map[string]any) {
	if t == nil {
		delete(x.Ctx, key)
		return
	}
	x.Ctx[key] = t
}

// table returns v as a Lua table with string keys; an empty list is one too.
func table(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case []any:
		return map[string]any{}
	}
	return nil
}

// Trusted reports whether an address lies in trusted_ips.
func (g *Gateway) Trusted(addr netip.Addr) bool {
	for _, p := range g.Conf.TrustedIPs {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
