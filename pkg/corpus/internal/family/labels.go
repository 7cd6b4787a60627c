package family

import (
	"fmt"

	"kong-plugin-auth-diagnosis/pkg/corpus"
)

// label is a case's expectation.
type label corpus.Expect

// goes is what belongs to a code wherever it appears: RFC 6750 section 3.1 for
// status and error, and who has to act.
type goes struct {
	hop, certainty string
	status         int
	err            string
}

const (
	badRequest = "invalid_request"
	badToken   = "invalid_token"
	noScope    = "insufficient_scope"
)

// The usual labels. Weak is what rests on nothing but bytes that a client, or
// anybody on the way, can have written, unless it accuses only the client.
var (
	clientToken  = goes{"client", "definite", 401, badToken}
	idpToken     = goes{"idp", "definite", 401, badToken}
	gatewayToken = goes{"gateway", "definite", 401, badToken}
	clientBytes  = goes{"client", "weak", 401, badToken}
	idpBytes     = goes{"idp", "weak", 401, badToken}
	clientSyntax = goes{"client", "definite", 400, badRequest}
	clientShape  = goes{"client", "weak", 400, badRequest}
	gatewayFetch = goes{"gateway", "definite", 503, ""}
	idpFetch     = goes{"idp", "definite", 503, ""}
	limits       = goes{"client", "definite", 429, ""}
	edgeWord     = goes{"edge", "definite", 401, ""}
	clientScope  = goes{"client", "definite", 403, noScope}
	idpScope     = goes{"idp", "definite", 403, noScope}
)

var labels = map[string]goes{
	"witness_missing":      edgeWord,
	"witness_invalid":      edgeWord,
	"witness_stale":        edgeWord,
	"credential_stripped":  edgeWord,
	"credential_replaced":  edgeWord,
	"credential_rewritten": {"edge", "definite", 401, badToken},

	"credential_missing":            {"client", "weak", 401, ""},
	"credential_moved":              {"edge", "weak", 401, ""},
	"credential_stripped_suspected": {"edge", "weak", 401, ""},
	"credential_empty":              {"edge", "weak", 400, badRequest},
	"scheme_only":                   clientSyntax,
	"scheme_missing":                clientShape,
	"scheme_repeated":               clientShape,
	"scheme_unsupported":            {"client", "weak", 401, ""},
	"credential_truncated":          {"edge", "weak", 401, badToken},
	"credential_comma_joined":       {"edge", "weak", 400, badRequest},
	"credential_conflict":           clientSyntax,
	"token_placeholder":             clientSyntax,
	"token_bad_charset":             clientShape,
	"credential_too_large":          {"client", "definite", 431, ""},

	"token_opaque":            idpBytes,
	"token_encrypted":         idpBytes,
	"token_segments":          clientBytes,
	"token_json_serialized":   clientToken,
	"header_bad_base64":       clientBytes,
	"payload_bad_base64":      clientBytes,
	"signature_bad_base64":    clientBytes,
	"header_bad_json":         clientBytes,
	"payload_bad_json":        clientBytes,
	"header_duplicate_member": idpBytes,
	"claim_duplicate":         idpBytes,
	"claim_name_ambiguous":    idpBytes,
	"token_too_complex":       idpBytes,
	"signature_empty":         clientToken,

	"alg_missing":              idpBytes,
	"alg_none":                 clientToken,
	"alg_unsupported":          idpBytes,
	"alg_not_allowed":          idpToken,
	"alg_symmetric_forbidden":  clientToken,
	"alg_key_mismatch":         idpToken,
	"crit_unsupported":         idpBytes,
	"embedded_key_forbidden":   clientToken,
	"nested_token_unsupported": idpBytes,
	"kid_missing":              idpToken,
	"kid_invalid":              idpBytes,

	"issuer_missing":        idpToken,
	"issuer_untrusted":      gatewayToken,
	"issuer_near_miss":      gatewayToken,
	"kid_unknown":           idpToken,
	"kid_unknown_throttled": gatewayFetch,
	"kid_other_issuer":      clientToken,
	"kid_retired":           clientToken,
	"kid_ambiguous":         idpToken,
	"key_use_forbidden":     idpToken,
	"key_unusable":          idpToken,
	"key_too_weak":          idpToken,

	"jwks_never_loaded":         idpFetch,
	"jwks_stale_expired":        idpFetch,
	"jwks_dns":                  gatewayFetch,
	"jwks_connect":              gatewayFetch,
	"jwks_timeout":              gatewayFetch,
	"jwks_tls_untrusted":        gatewayFetch,
	"jwks_tls_hostname":         gatewayFetch,
	"jwks_tls_expired":          idpFetch,
	"jwks_tls_handshake":        gatewayFetch,
	"jwks_proxy":                gatewayFetch,
	"jwks_status":               idpFetch,
	"jwks_redirect":             idpFetch,
	"jwks_not_json":             {"edge", "definite", 503, ""},
	"jwks_invalid":              idpFetch,
	"jwks_empty":                idpFetch,
	"jwks_too_large":            idpFetch,
	"discovery_failed":          gatewayFetch,
	"discovery_issuer_mismatch": gatewayFetch,
	"discovery_no_jwks_uri":     idpFetch,

	"signature_invalid":        clientBytes,
	"signature_length":         clientBytes,
	"signature_other_key":      idpToken,
	"signature_key_reused_kid": idpToken,

	"typ_not_allowed":   idpToken,
	"token_is_id_token": clientToken,
	"token_wrong_kind":  clientToken,

	"token_expired":           clientToken,
	"token_expired_skew":      idpToken,
	"token_not_yet_valid":     idpToken,
	"token_issued_in_future":  idpToken,
	"lifetime_too_long":       idpToken,
	"exp_missing":             idpToken,
	"iat_missing":             idpToken,
	"time_claim_bad_type":     idpToken,
	"time_claim_milliseconds": idpToken,
	"time_claim_out_of_range": idpToken,

	"audience_missing":       idpToken,
	"audience_mismatch":      clientToken,
	"audience_bad_type":      idpToken,
	"claim_missing":          idpToken,
	"claim_bad_type":         idpToken,
	"claim_value_mismatch":   idpToken,
	"claim_pattern_mismatch": idpToken,

	"scope_claim_missing": clientScope,
	"scope_insufficient":  clientScope,
	"role_insufficient":   idpScope,
	"group_insufficient":  idpScope,

	"consumer_not_found":   {"gateway", "definite", 403, ""},
	"consumer_ambiguous":   {"gateway", "definite", 403, ""},
	"authorization_denied": {"gateway", "definite", 403, noScope},

	"rate_limited":   limits,
	"quota_exceeded": limits,
	"config_invalid": {"gateway", "definite", 500, ""},

	"accepted":           {"gateway", "definite", 0, ""},
	"credential_arrived": {"gateway", "weak", 0, ""},
}

// is labels a request with a code.
func is(code string) label {
	g, ok := labels[code]
	if !ok {
		panic(fmt.Sprintf("family: no label for %q", code))
	}
	return label{Code: code, Hop: g.hop, Certainty: g.certainty, Status: g.status, Error: g.err}
}

// passes labels a good token.
func passes() label { return is("accepted") }

// n adds the number.
func (l label) n(by int64) label { l.By = &by; return l }

// and adds the codes of further checks that fail.
func (l label) and(codes ...string) label { l.Also = codes; return l }

// finding adds the names of what else is odd.
func (l label) finding(names ...string) label { l.Findings = names; return l }

// from picks another hop, on evidence that is never more than weak.
func (l label) from(hop string) label { l.Hop, l.Certainty = hop, "weak"; return l }

// proved picks another hop, by what the edge has signed.
func (l label) proved(hop string) label { l.Hop, l.Certainty = hop, "definite"; return l }

// retry sets the exact Retry-After.
func (l label) retry(seconds int) label { l.RetryAfter = seconds; return l }

// scope sets the challenge's scope.
func (l label) scope(words string) label { l.Scope = words; return l }

// upstream sets a header that the service gets, "" for one it must not get.
func (l label) upstream(name, value string) label {
	m := map[string]string{name: value}
	for k, v := range l.Upstream {
		m[k] = v
	}
	l.Upstream = m
	return l
}

// as says that the client is shown another code, with all that goes with it.
func (l label) as(code string) label {
	g := is(code)
	l.Shown = &corpus.Shown{Code: code, Hop: g.Hop, Certainty: g.Certainty}
	l.Status, l.Error = g.Status, g.Error
	return l
}

// bare says that the client is shown a code and nothing else.
func (l label) bare(code string) label {
	l.Shown = &corpus.Shown{Code: code}
	return l
}

// advised says that nothing is answered, as in advise mode.
func (l label) advised() label { l.Status, l.Error, l.Scope = 0, "", ""; return l }
