package edge

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// sign is a trace of a hop: if a failure has one of the codes and the request
// shows the trace, the hop is the edge and this is what happened there.
type sign struct {
	codes []diagnosis.Code
	seen  func(*Seen) bool
	says  string
	// becomes replaces the code, "" keeps it.
	becomes diagnosis.Code
}

func codes(c ...diagnosis.Code) []diagnosis.Code { return c }

// damage are the codes that a replaced signature shows under.
var damage = codes(diagnosis.SignatureInvalid, diagnosis.SignatureLength, diagnosis.SignatureBadBase64, diagnosis.CredentialTruncated, diagnosis.TokenSegments)

// signs are tried in order, the first that fits is taken.
var signs = []sign{
	// Moved: the header that holds the credential now tells who renamed it.
	{codes: codes(diagnosis.CredentialMoved), seen: header("x-amzn-remapped-authorization"), says: "AWS API Gateway renames the header unless the integration maps it"},
	{codes: codes(diagnosis.CredentialMoved), seen: header("x-amzn-oidc-accesstoken"), says: "an AWS load balancer signed the user in itself"},
	{codes: codes(diagnosis.CredentialMoved), seen: header("x-ms-token-aad-access-token"), says: "Azure App Service signed the user in itself"},
	{codes: codes(diagnosis.CredentialMoved), seen: header("x-forwarded-access-token"), says: "oauth2-proxy passes the token in a header of its own"},

	// Replaced by a hop that signs in to the next one itself.
	{codes: codes(diagnosis.SchemeUnsupported), seen: func(s *Seen) bool { return s.passwordIs("bogus") }, says: "the SPNEGO module of nginx wrote this Basic credential"},
	{codes: codes(diagnosis.SchemeUnsupported), seen: func(s *Seen) bool { return strings.HasPrefix(s.credentials("negotiate"), "YII") }, says: "a Kerberos ticket: single sign-on at a hop replaced the credential"},
	{codes: codes(diagnosis.SchemeUnsupported), seen: func(s *Seen) bool { return strings.HasPrefix(s.credentials("ntlm"), "TlRMTVNTUAAB") }, says: "an NTLM message: single sign-on at a hop replaced the credential"},
	{codes: codes(diagnosis.IssuerUntrusted, diagnosis.AlgSymmetricForbidden), seen: azureFunctions, says: "Azure Static Web Apps replaced the token with its own"},
	{codes: codes(diagnosis.IssuerUntrusted), seen: googleBackend, says: "a Google API gateway replaced the token with its own and keeps the original in x-forwarded-authorization"},
	{codes: codes(diagnosis.IssuerUntrusted), seen: func(s *Seen) bool { return strings.HasSuffix(s.Issuer, "/pa") }, says: "PingAccess replaced the token with its own identity mapping"},
	{codes: damage, seen: func(s *Seen) bool { return strings.HasSuffix(s.Token, removedByGoogle) }, says: "Google Cloud Run removed the signature; send its own token in x-serverless-authorization", becomes: diagnosis.SignatureInvalid},

	// Cut off.
	{codes: codes(diagnosis.CredentialTruncated, diagnosis.TokenSegments, diagnosis.PayloadBadBase64, diagnosis.PayloadBadJSON), seen: (*Seen).endsAtBuffer, says: "the header line is as long as a usual buffer"},

	// Removed: what is known to be on the way and to do so.
	{codes: codes(diagnosis.CredentialMissing, diagnosis.CredentialEmpty, diagnosis.SchemeUnsupported), seen: header("clientless-mode"), says: "an F5 APM session rule is on the way; it removes or replaces credentials that are not Basic"},
	{codes: codes(diagnosis.CredentialMissing), seen: func(s *Seen) bool { return s.has("x-amz-cf-id") && s.headerHolds("via", "cloudfront") }, says: "CloudFront is on the way; it removes Authorization unless a policy forwards it"},
	{codes: codes(diagnosis.CredentialMissing), seen: func(s *Seen) bool { return s.headerHolds("via", "(squid") }, says: "Squid is on the way; it removes Authorization without login=PASSTHRU"},
	{codes: codes(diagnosis.CredentialMissing), seen: header("x-envoy-internal", "x-envoy-external-address", "x-envoy-expected-rq-timeout-ms"), says: "Envoy is on the way; its jwt_authn filter removes the token unless told to forward it"},
	{codes: codes(diagnosis.CredentialMissing), seen: header("dpop"), says: "a DPoP proof came without the token that it belongs to", becomes: diagnosis.StrippedSuspected},
	{codes: codes(diagnosis.CredentialMissing), seen: func(s *Seen) bool { return s.nominates(authorization) }, says: "Connection names Authorization, and a proxy deletes what it names", becomes: diagnosis.StrippedSuspected},

	// Blanked: no proxy is known to do it to a header but by such a rule.
	{codes: codes(diagnosis.CredentialEmpty), seen: func(*Seen) bool { return true }, says: "a rule that overwrites a header keeps its name and blanks its value"},
}

// removedByGoogle is what Google Cloud Run writes in place of a signature.
const removedByGoogle = ".SIGNATURE_REMOVED_BY_GOOGLE"

func header(names ...string) func(*Seen) bool {
	return func(s *Seen) bool {
		for _, n := range names {
			if s.has(n) {
				return true
			}
		}
		return false
	}
}

func azureFunctions(s *Seen) bool {
	return strings.HasPrefix(s.Issuer, "https://") && strings.HasSuffix(s.Issuer, ".scm.azurewebsites.net")
}

func googleBackend(s *Seen) bool {
	return s.Issuer == "https://accounts.google.com" && s.has("x-forwarded-authorization")
}
