package edge

import "kong-plugin-auth-diagnosis/pkg/diagnosis"

// sign is a trace of a hop: if a failure has one of the codes and the request
// shows the trace, the hop is the edge and this is what happened there. However
// telling a trace is where it was observed, a client can write it too, so that
// every row counts as [diagnosis.Weak].
type sign struct {
	codes []diagnosis.Code
	// name is how testdata/observed.json refers to the row; trace says for
	// docs/EDGE.md what seen looks for.
	name, trace string
	seen        func(*Seen) bool
	// says is what happened, look where its setting is, fix what to set.
	says, look, fix string
	// becomes replaces the code, "" keeps it. What is missing without an edge to
	// blame becomes StrippedSuspected with one.
	becomes diagnosis.Code
}

func codes(c ...diagnosis.Code) []diagnosis.Code { return c }

// Codes that several rows are about.
var (
	onMoved     = codes(diagnosis.CredentialMoved)
	onMissing   = codes(diagnosis.CredentialMissing)
	onJoined    = codes(diagnosis.CredentialCommaJoined)
	onBlank     = codes(diagnosis.CredentialEmpty)
	onScheme    = codes(diagnosis.SchemeUnsupported)
	onIssuer    = codes(diagnosis.IssuerUntrusted)
	onSignature = codes(diagnosis.SignatureInvalid, diagnosis.SignatureLength, diagnosis.SignatureBadBase64, diagnosis.CredentialTruncated, diagnosis.TokenSegments)
	onCut       = codes(diagnosis.CredentialTruncated, diagnosis.TokenSegments, diagnosis.PayloadBadBase64, diagnosis.PayloadBadJSON)
)

// signs are tried in order, the first that fits is taken.
var signs = []sign{
	// Moved: the header that holds the credential now tells who renamed it.
	{codes: onMoved, name: "AWS API Gateway", seen: header("x-amzn-remapped-authorization"), trace: "`X-Amzn-Remapped-Authorization`",
		says: "AWS API Gateway renames the header", look: "the integration's header mappings", fix: "map Authorization explicitly"},
	{codes: onMoved, name: "AWS sign-in", seen: header("x-amzn-oidc-accesstoken"), trace: "`X-Amzn-Oidc-Accesstoken`",
		says: "an AWS load balancer signed the user in itself", look: "the listener's authenticate-oidc action", fix: "decide which of the two headers the gateway reads"},
	{codes: onMoved, name: "Azure sign-in", seen: header("x-ms-token-aad-access-token"), trace: "`X-Ms-Token-Aad-Access-Token`",
		says: "Azure App Service signed the user in itself", look: "its authentication settings", fix: "decide which of the two headers the gateway reads"},
	{codes: onMoved, name: "oauth2-proxy", seen: header("x-forwarded-access-token"), trace: "`X-Forwarded-Access-Token`",
		says: "oauth2-proxy passes the token in a header of its own", look: "header_names", fix: "read that header"},

	// Replaced by a hop that signs in to the next one itself.
	{codes: onScheme, name: "SPNEGO module", seen: password("bogus"), trace: "Basic with the password `bogus`",
		says: "the SPNEGO module of nginx wrote this Basic credential", look: "proxy_set_header behind auth_gss", fix: "pass on the client's Authorization"},
	{codes: onScheme, name: "Kerberos sign-on", seen: credentials("negotiate", "YII"), trace: "`Negotiate YII…`",
		says: "single sign-on put a Kerberos ticket or an NTLM message in place of the credential", look: "the hop's single sign-on (F5: the access profile)", fix: "turn it off for this path (F5: WEBSSO::disable)"},
	{codes: onScheme, name: "NTLM sign-on", seen: credentials("ntlm", "TlRMTVNTUAAB"), trace: "`NTLM TlRMTVNTUAAB…`",
		says: "single sign-on put a Kerberos ticket or an NTLM message in place of the credential", look: "the hop's single sign-on (F5: the access profile)", fix: "turn it off for this path (F5: WEBSSO::disable)"},
	{codes: onScheme, name: "APM Basic sign-on", seen: all((*Seen).sessionOfAPM, credentials("basic", "")), trace: "Basic and a cookie `MRHSession`, `LastMRH_Session` or `F5_ST`",
		says: "F5 APM is on the way, whose sign-on writes Basic credentials", look: "the access profile's SSO configuration", fix: "remove it, or WEBSSO::disable for this path"},
	{codes: codes(diagnosis.IssuerUntrusted, diagnosis.AlgSymmetricForbidden), name: "Azure Static Web Apps", seen: fromAzure, trace: "`iss` under `.scm.azurewebsites.net`",
		says: "Azure Static Web Apps replaced the token with its own", look: "the client", fix: "send the token in another header too"},
	{codes: onIssuer, name: "Google gateway", seen: all(header("x-forwarded-authorization"), either(fromGoogle, header("x-endpoint-api-userinfo"))), trace: "`X-Forwarded-Authorization`, and `iss` is Google's or `X-Endpoint-Api-Userinfo` is there",
		says: "a Google API gateway replaced the token with its own and keeps the original in x-forwarded-authorization", look: "the x-google-backend of the API", fix: "disable_auth: true, or read the other header"},
	{codes: onIssuer, name: "PingAccess", seen: fromPingAccess, trace: "`iss` ends in `/pa`",
		says: "PingAccess replaced the token with its own identity mapping", look: "the application's identity mapping", fix: "map into another header, or trust that issuer"},
	{codes: onIssuer, name: "APM bearer sign-on", seen: (*Seen).sessionOfAPM, trace: "a cookie `MRHSession`, `LastMRH_Session` or `F5_ST`",
		says: "F5 APM is on the way, whose OAuth sign-on puts a token of its own in place", look: "the per-request policy and iRules with HTTP::header", fix: "pass on the client's token, or trust the issuer of the other"},
	{codes: onSignature, name: "Cloud Run", seen: unsignedByGoogle, trace: "the signature is `SIGNATURE_REMOVED_BY_GOOGLE`",
		says: "Google Cloud Run removed the signature", look: "the client", fix: "send Google's own token in x-serverless-authorization", becomes: diagnosis.SignatureInvalid},
	{codes: codes(diagnosis.TokenIsIDToken), name: "oauth2-proxy's ID token", seen: header("x-forwarded-preferred-username", "x-auth-request-preferred-username", "x-auth-request-email"), trace: "`X-Forwarded-Preferred-Username`, `X-Auth-Request-Preferred-Username` or `X-Auth-Request-Email`",
		says: "oauth2-proxy with --pass-authorization-header puts the ID token there", look: "its command line", fix: "--pass-access-token, and read x-forwarded-access-token"},

	// Joined with a second one.
	{codes: onJoined, name: "APM appends", seen: (*Seen).sessionOfAPM, trace: "a cookie `MRHSession`, `LastMRH_Session` or `F5_ST`",
		says: "F5 APM is on the way, whose HTTP Headers agent can append", look: "the per-request policy", fix: "replace instead of append"},
	{codes: onJoined, name: "Apache joins", seen: all(header("x-forwarded-server"), header("x-forwarded-host")), trace: "`X-Forwarded-Server` and `X-Forwarded-Host`",
		says: "Apache httpd is on the way, which joins two lines into one", look: "what adds a line in front of it, and RequestHeader append", fix: "set instead of add"},

	// Cut off.
	{codes: onCut, name: "buffer", seen: (*Seen).endsAtBuffer,
		says: "the header line is as long as a usual buffer", look: "header size limits (nginx buffers, AJP packets, database columns)", fix: "raise the limit"},

	// Removed: what is known to be on the way and to do so.
	{codes: codes(diagnosis.CredentialMissing, diagnosis.CredentialEmpty, diagnosis.SchemeUnsupported), name: "APM session rule", seen: either(header("clientless-mode"), all(header("username"), header("password"))), trace: "`Clientless-Mode`, or `Username` and `Password`",
		says: "an F5 APM session rule is on the way; it removes or replaces credentials that are not Basic", look: "iRules with ACCESS_ACL_ALLOWED", fix: "exempt this host or path"},
	{codes: onMissing, name: "Connection", seen: (*Seen).nominated, trace: "`Connection: Authorization`",
		says: "Connection names the credential's header, and a proxy deletes what it names", look: "who writes Connection", fix: "remove the name there, or at the edge"},
	{codes: onMissing, name: "CloudFront", seen: all(header("x-amz-cf-id"), via("cloudfront")), trace: "`Via` with CloudFront, and `X-Amz-Cf-Id`",
		says: "CloudFront is on the way; it forwards such a header only where a policy says so", look: "the path's cache and origin request policies", fix: "forward the header (AllViewer forwards all)"},
	{codes: onMissing, name: "Squid", seen: all(authorized, via("(squid")), trace: "`Via` with `(squid`",
		says: "Squid is on the way; it removes Authorization unless told to pass it", look: "cache_peer", fix: "login=PASSTHRU"},
	{codes: onMissing, name: "Envoy oauth2", seen: all(authorized, cookie("OauthHMAC=")), trace: "a cookie `OauthHMAC`",
		says: "Envoy's oauth2 filter is on the way; it removes Authorization", look: "the filter's configuration", fix: "preserve_authorization_header or forward_bearer_token"},
	{codes: onMissing, name: "Envoy jwt_authn", seen: all(authorized, either(header("x-envoy-internal", "x-envoy-external-address", "x-envoy-expected-rq-timeout-ms", "x-envoy-attempt-count", "x-envoy-peer-metadata-id"), all(header("x-forwarded-client-cert"), (*Seen).certificateOfEnvoy))), trace: "`X-Envoy-Internal`, `X-Envoy-External-Address`, `X-Envoy-Expected-Rq-Timeout-Ms`, `X-Envoy-Attempt-Count`, `X-Envoy-Peer-Metadata-Id`, or Envoy's form of `X-Forwarded-Client-Cert`",
		says: "Envoy is on the way; its jwt_authn filter removes the token unless told to forward it", look: "the filter, in Istio RequestAuthentication", fix: "forward: true, in Istio forwardOriginalToken: true"},
	{codes: onMissing, name: "Zuul", seen: all(authorized, header("x-forwarded-prefix"), header("x-forwarded-host"), not(either(header("via"), header("x-forwarded-server")))), trace: "`X-Forwarded-Prefix` and `X-Forwarded-Host` without `Via`",
		says: "a gateway like Zuul is on the way; it forwards no Authorization by default", look: "zuul.sensitiveHeaders", fix: "set it without Authorization"},
	{codes: onMissing, name: "kubectl proxy", seen: all(authorized, header("x-forwarded-uri"), (*Seen).throughAPIServer), trace: "`X-Forwarded-Uri` under `/api/v1/` with `/proxy/`",
		says: "the proxy of a Kubernetes API server is on the way; it removes Authorization by design", look: "how the service is reached", fix: "an ingress or kubectl port-forward"},
	{codes: onMissing, name: "DPoP", seen: header("dpop"), trace: "`DPoP` without a token",
		says: "a DPoP proof came without the token that it belongs to", look: "each hop in turn", fix: "compare what it receives with what it sends on"},
	{codes: onMissing, name: "proxy authorization", seen: all((*Seen).forwarded, only(func(name string) bool { return name == "proxy-authorization" })), trace: "only `Proxy-Authorization` is read, and the request was forwarded",
		says: "Proxy-Authorization is for the next proxy alone, and proxies remove it", look: "header_names", fix: "use Authorization"},
	{codes: onMissing, name: "AWS underscores", seen: all(header("x-amzn-trace-id"), only(unfitName)), trace: "only names with `_` or `.` are read, and `X-Amzn-Trace-Id` is there",
		says: "an AWS load balancer is on the way; it can drop names with other characters than letters, digits and hyphens", look: "routing.http.drop_invalid_header_fields", fix: "rename the header"},
	{codes: onMissing, name: "underscores", seen: all((*Seen).forwarded, only(unfitName)), trace: "only names with `_` or `.` are read, and the request was forwarded",
		says: "nginx and others drop names with other characters than letters, digits and hyphens", look: "underscores_in_headers and ignore_invalid_headers", fix: "rename the header"},

	// Blanked: no proxy is known to do it to a header but by such a rule.
	{codes: onBlank, name: "F5 erases", seen: (*Seen).throughF5, trace: "a cookie `BIGipServer…`, `TS…`, `MRHSession`, `LastMRH_Session` or `F5_ST`",
		says: "F5 BIG-IP is on the way; Request Header Erase keeps a header's name and blanks its value", look: "the HTTP profile (AS3: whiteOutHeader)", fix: "header-erase none"},
	{codes: onBlank, name: "blanked", seen: func(*Seen) bool { return true },
		says: "a rule that overwrites a header keeps its name and blanks its value", look: "F5: Request Header Erase in the HTTP profile", fix: "remove the rule"},
}
