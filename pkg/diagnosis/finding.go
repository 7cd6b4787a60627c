package diagnosis

import "slices"

// Finding is an observation that explains but never rejects.
type Finding struct {
	Name   FindingName
	Detail string
}

// FindingName names a finding.
type FindingName string

// Findings, for the log object and the full level's detail.
const (
	// Proved by the edge's signed statements.
	CredentialInjected FindingName = "credential_injected"
	HostRewritten      FindingName = "host_rewritten"
	MethodRewritten    FindingName = "method_rewritten"
	WitnessIgnored     FindingName = "witness_ignored"

	// Odd about the request.
	ForwardedProtoHTTP               FindingName = "forwarded_proto_http"
	ForwardedPeerUntrusted           FindingName = "forwarded_peer_untrusted"
	ConsumerHeaderFromOutside        FindingName = "consumer_header_from_outside"
	ClientCertHeaderMalformed        FindingName = "client_cert_header_malformed"
	ConnectionNominatesAuthorization FindingName = "connection_nominates_authorization"

	// About what goes to the service.
	ClaimNotForwarded FindingName = "claim_not_forwarded"

	// LimiterDegraded is a decision on the limits made without the store that
	// the gateway's nodes share. The header says limiter=degraded.
	LimiterDegraded FindingName = "limiter_degraded"
)

var findingNames = []FindingName{
	CredentialInjected, HostRewritten, MethodRewritten, WitnessIgnored,
	ForwardedProtoHTTP, ForwardedPeerUntrusted, ConsumerHeaderFromOutside, ClientCertHeaderMalformed, ConnectionNominatesAuthorization,
	ClaimNotForwarded,
	LimiterDegraded,
}

// found reports whether the finding is among the verdict's.
func (d *Diagnosis) found(name FindingName) bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Name == name })
}

// FindingNames lists all findings.
func FindingNames() []FindingName { return slices.Clone(findingNames) }
