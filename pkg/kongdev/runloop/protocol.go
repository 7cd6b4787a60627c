package runloop

import (
	"cmp"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

// isGRPC reports whether a service's protocol is one of gRPC's.
func isGRPC(protocol string) bool { return protocol == "grpc" || protocol == "grpcs" }

// protocolMismatch answers a request that does not speak what its route is for, as
// runloop.access.before does; nil lets it through.
func (r *run) protocolMismatch() *exchange.Answer {
	route := r.Match.Route
	serves := func(protocol string) bool { return slices.Contains(route.Protocols, protocol) }
	proto, host := "http", r.Head.Host
	if r.Trusted(r.Peer.Addr()) {
		proto = cmp.Or(r.Head.Header.Value("X-Forwarded-Proto"), proto)
		host = cmp.Or(r.Head.Header.Value("X-Forwarded-Host"), host)
	}
	if serves("https") && !serves("http") && proto != "https" {
		if route.RedirectCode == 426 {
			return r.ErrorAnswer(426, "Please use HTTPS protocol",
				h1.Field{Name: "Connection", Value: "Upgrade"}, h1.Field{Name: "Upgrade", Value: "TLS/1.2, HTTP/1.1"})
		}
		return &exchange.Answer{Status: route.RedirectCode,
			Headers: h1.Header{{Name: "Location", Value: "https://" + host + r.Head.Target}}}
	}
	if !serves("grpc") && !serves("grpcs") {
		return nil
	}
	switch {
	case !strings.HasPrefix(r.Head.Header.Value("Content-Type"), "application/grpc"):
		return r.ErrorAnswer(415, "Non-gRPC request matched gRPC route")
	case r.Head.Major != 2:
		return r.ErrorAnswer(426, "Please use HTTP2 protocol",
			h1.Field{Name: "connection", Value: "Upgrade"}, h1.Field{Name: "upgrade", Value: "HTTP/2"})
	case !serves("grpc") && proto != "https":
		return &exchange.Answer{Status: 200, Headers: h1.Header{{Name: "content-type", Value: "application/grpc"},
			{Name: "grpc-status", Value: "1"}, {Name: "grpc-message", Value: "gRPC request matched gRPCs route"}}}
	}
	return nil
}
