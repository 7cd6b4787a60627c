package diagnosis

// Code names a verdict. Codes are stable: dashboards and alerts rely on them.
type Code string

// The catalogue's codes, by family in the order in which they are decided.
// A new code needs its row in a catalogue_*.go file; TestEveryCodeHasOneRow
// holds the two together.
const (
	// P0, the credential and its way here.
	WitnessMissing        Code = "witness_missing"
	WitnessInvalid        Code = "witness_invalid"
	WitnessStale          Code = "witness_stale"
	CredentialStripped    Code = "credential_stripped"
	CredentialReplaced    Code = "credential_replaced"
	CredentialRewritten   Code = "credential_rewritten"
	CredentialMissing     Code = "credential_missing"
	CredentialMoved       Code = "credential_moved"
	StrippedSuspected     Code = "credential_stripped_suspected"
	CredentialEmpty       Code = "credential_empty"
	SchemeOnly            Code = "scheme_only"
	SchemeMissing         Code = "scheme_missing"
	SchemeRepeated        Code = "scheme_repeated"
	SchemeUnsupported     Code = "scheme_unsupported"
	CredentialTruncated   Code = "credential_truncated"
	CredentialCommaJoined Code = "credential_comma_joined"
	CredentialConflict    Code = "credential_conflict"
	TokenPlaceholder      Code = "token_placeholder"
	TokenBadCharset       Code = "token_bad_charset"
	CredentialTooLarge    Code = "credential_too_large"

	// P1, the token's structure.
	TokenOpaque           Code = "token_opaque"
	TokenEncrypted        Code = "token_encrypted"
	TokenSegments         Code = "token_segments"
	TokenJSONSerialized   Code = "token_json_serialized"
	HeaderBadBase64       Code = "header_bad_base64"
	PayloadBadBase64      Code = "payload_bad_base64"
	SignatureBadBase64    Code = "signature_bad_base64"
	HeaderBadJSON         Code = "header_bad_json"
	PayloadBadJSON        Code = "payload_bad_json"
	HeaderDuplicateMember Code = "header_duplicate_member"
	ClaimDuplicate        Code = "claim_duplicate"
	ClaimNameAmbiguous    Code = "claim_name_ambiguous"
	TokenTooComplex       Code = "token_too_complex"
	SignatureEmpty        Code = "signature_empty"

	// P2, header policy. The kind of token (typ_not_allowed,
	// token_is_id_token, token_wrong_kind) is judged after the signature.
	AlgMissing             Code = "alg_missing"
	AlgNone                Code = "alg_none"
	AlgUnsupported         Code = "alg_unsupported"
	AlgNotAllowed          Code = "alg_not_allowed"
	AlgSymmetricForbidden  Code = "alg_symmetric_forbidden"
	AlgKeyMismatch         Code = "alg_key_mismatch"
	TypNotAllowed          Code = "typ_not_allowed"
	TokenIsIDToken         Code = "token_is_id_token"
	TokenWrongKind         Code = "token_wrong_kind"
	CritUnsupported        Code = "crit_unsupported"
	EmbeddedKeyForbidden   Code = "embedded_key_forbidden"
	NestedTokenUnsupported Code = "nested_token_unsupported"
	KidMissing             Code = "kid_missing"
	KidInvalid             Code = "kid_invalid"

	// P3, issuer and keys.
	IssuerMissing           Code = "issuer_missing"
	IssuerUntrusted         Code = "issuer_untrusted"
	IssuerNearMiss          Code = "issuer_near_miss"
	KidUnknown              Code = "kid_unknown"
	KidUnknownThrottled     Code = "kid_unknown_throttled"
	KidRetired              Code = "kid_retired"
	KidOtherIssuer          Code = "kid_other_issuer"
	KidAmbiguous            Code = "kid_ambiguous"
	KeyUseForbidden         Code = "key_use_forbidden"
	KeyUnusable             Code = "key_unusable"
	KeyTooWeak              Code = "key_too_weak"
	JWKSNeverLoaded         Code = "jwks_never_loaded"
	JWKSStaleExpired        Code = "jwks_stale_expired"
	JWKSDNS                 Code = "jwks_dns"
	JWKSConnect             Code = "jwks_connect"
	JWKSTimeout             Code = "jwks_timeout"
	JWKSTLSUntrusted        Code = "jwks_tls_untrusted"
	JWKSTLSHostname         Code = "jwks_tls_hostname"
	JWKSTLSExpired          Code = "jwks_tls_expired"
	JWKSTLSHandshake        Code = "jwks_tls_handshake"
	JWKSProxy               Code = "jwks_proxy"
	JWKSStatus              Code = "jwks_status"
	JWKSRedirect            Code = "jwks_redirect"
	JWKSNotJSON             Code = "jwks_not_json"
	JWKSInvalid             Code = "jwks_invalid"
	JWKSEmpty               Code = "jwks_empty"
	JWKSTooLarge            Code = "jwks_too_large"
	DiscoveryFailed         Code = "discovery_failed"
	DiscoveryIssuerMismatch Code = "discovery_issuer_mismatch"
	DiscoveryNoJWKSURI      Code = "discovery_no_jwks_uri"

	// P4, the signature.
	SignatureInvalid      Code = "signature_invalid"
	SignatureLength       Code = "signature_length"
	SignatureOtherKey     Code = "signature_other_key"
	SignatureKeyReusedKid Code = "signature_key_reused_kid"

	// P5, time.
	TokenExpired          Code = "token_expired"
	TokenExpiredSkew      Code = "token_expired_skew"
	TokenNotYetValid      Code = "token_not_yet_valid"
	TokenIssuedInFuture   Code = "token_issued_in_future"
	LifetimeTooLong       Code = "lifetime_too_long"
	ExpMissing            Code = "exp_missing"
	IatMissing            Code = "iat_missing"
	TimeClaimBadType      Code = "time_claim_bad_type"
	TimeClaimMilliseconds Code = "time_claim_milliseconds"
	TimeClaimOutOfRange   Code = "time_claim_out_of_range"

	// P6, claims.
	AudienceMissing      Code = "audience_missing"
	AudienceMismatch     Code = "audience_mismatch"
	AudienceBadType      Code = "audience_bad_type"
	ClaimMissing         Code = "claim_missing"
	ClaimBadType         Code = "claim_bad_type"
	ClaimValueMismatch   Code = "claim_value_mismatch"
	ClaimPatternMismatch Code = "claim_pattern_mismatch"

	// P7, authorization.
	ScopeClaimMissing Code = "scope_claim_missing"
	ScopeInsufficient Code = "scope_insufficient"
	RoleInsufficient  Code = "role_insufficient"
	GroupInsufficient Code = "group_insufficient"
	ConsumerNotFound  Code = "consumer_not_found"
	ConsumerAmbiguous Code = "consumer_ambiguous"

	// AuthorizationDenied is only ever shown: below the full level it stands
	// for the two before.
	AuthorizationDenied Code = "authorization_denied"

	// P10, limits and the plugin itself.
	RateLimited        Code = "rate_limited"
	QuotaExceeded      Code = "quota_exceeded"
	LimiterUnavailable Code = "limiter_unavailable"
	ConfigInvalid      Code = "config_invalid"
	InternalError      Code = "internal_error"
	DeadlineExceeded   Code = "deadline_exceeded"

	// Not rejections.
	Accepted          Code = "accepted"
	CredentialArrived Code = "credential_arrived"

	// TokenMalformed is only ever shown: it stands for every P1 code at the
	// minimal level and is never the exact code of a verdict.
	TokenMalformed Code = "token_malformed"
)
