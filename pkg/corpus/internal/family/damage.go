package family

import (
	"encoding/base64"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

func decode(segment string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		panic("family: a segment of our own is not base64url")
	}
	return b
}

func damage(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()
	text := good.String()
	const cutSource = "header buffers of nginx, Apache, AJP and F5"

	// RS256 with 2048 bits: 256 bytes, 342 characters.
	b.add("one character missing", "the last character holds only half a byte of the signature", cutSource, good.cut(1, "1 character cut off"), is("credential_truncated").n(1))
	b.add("two characters missing", "whole bytes are counted", cutSource, good.cut(2, "2 characters cut off"), is("credential_truncated").n(1))
	b.add("four characters missing", "four characters hold three bytes", cutSource, good.cut(4, "4 characters cut off"), is("credential_truncated").n(3))
	b.add("hundred characters missing", "242 characters hold 181 bytes", cutSource, good.cut(100, "100 characters cut off"), is("credential_truncated").n(75))
	b.add("nearly all of the signature missing", "three characters hold two bytes", cutSource, good.cut(339, "339 characters cut off"), is("credential_truncated").n(254))
	b.add("ES256 cut", "the length depends on the key: 64 bytes here", cutSource, good.by(b.ring["federate-p256"], "ES256").cut(20, "20 characters cut off"), is("credential_truncated").n(15))
	b.add("EdDSA cut", "64 bytes too", cutSource, good.by(b.ring["federate-ed25519"], "EdDSA").cut(43, "43 characters cut off"), is("credential_truncated").n(32))
	b.add("3072 bits cut", "384 bytes, of which 256 are left: as long as another key's", cutSource, good.by(b.ring["federate-rsa-3072"], "RS256").cut(170, "170 characters cut off"), is("credential_truncated").n(128))
	b.add("expired and cut", "what is cut off cannot be judged further", "", good.times(clock-7260, clock-3600).cut(8, "8 characters cut off"), is("credential_truncated").n(6))
	b.add("cut at the last dot", "all of the signature is gone, and the dot with it", cutSource, good.cut(343, "cut before the last dot"), is("token_segments").n(2))
	b.add("cut behind the last dot", "all of the signature is gone: nothing tells a cut from a token that never had one", cutSource, good.cut(342, "cut behind the last dot"), is("signature_empty"))
	b.add("cut in the payload", "two segments are left", cutSource, good.cut(500, "500 characters cut off"), is("token_segments").n(2))
	b.add("cut in the header", "one segment is left, and looks like a JWT's", cutSource, good.damaged("only 40 characters left", func(s string) string { return s[:40] }), is("token_segments").n(1))
	b.add("beginning missing", "the payload still looks like one", "a value that was split at the wrong place", good.damaged("the first 32 characters cut off", func(s string) string { return s[32:] }), is("header_bad_json"))

	for _, m := range []struct{ name, value, source string }{
		{"x-forwarded-authorization", line(good), "Google ESPv2"},
		{"x-original-authorization", line(good), "gateways that sign in themselves"},
		{"x-amzn-remapped-authorization", line(good), "AWS API Gateway"},
		{"x-forwarded-access-token", text, "oauth2-proxy"},
		{"x-ms-token-aad-access-token", text, "Azure App Service"},
		{"proxy-authorization", line(good), "RFC 9110 11.7.2"},
	} {
		b.add("moved to "+m.name, "the token arrived, where nobody reads it", m.source, headers{m.name: {m.value}}, is("credential_moved"))
	}
	b.add("moved, and the header blanked", "where the token stands explains more than where it does not", "Google ESPv2", headers{"authorization": {""}, "x-forwarded-authorization": {line(good)}}, is("credential_moved"))
	b.add("moved, with single sign-on in its place", "the hop keeps the original and signs in itself", "", headers{"authorization": {"Basic c3ZjOnNlY3JldA=="}, "x-original-authorization": {line(good)}}, is("credential_moved"))
	b.add("not moved: another party's identity", "a bare JWT under a name that is not known for it states something else", "AWS x-amzn-oidc-data", headers{"x-amzn-oidc-data": {text}}, is("credential_missing"))

	b.add("Kerberos in place of the token", "a ticket is written by a hop that signs in itself", "F5 APM Kerberos SSO", authorized("Negotiate YIIZwwYGKwYBBQUCoIIZtzCCGbOgMDAuBgkqhkiC9xIBAgI="), is("scheme_unsupported").from("edge"))
	b.add("NTLM in place of the token", "as with Kerberos", "F5 APM NTLM SSO", authorized("NTLM TlRMTVNTUAABAAAAl4II4gAAAAAAAAAAAAAAAAAAAAAKALpHAAAADw=="), is("scheme_unsupported").from("edge"))
	b.add("Basic in a session of F5 APM", "its single sign-on writes Basic", "F5 APM", headers{"authorization": {"Basic bWFyaWE6c2VjcmV0"}, "cookie": {"MRHSession=0a1b2c3d"}}, is("scheme_unsupported").from("edge"))
	b.add("Basic with a known password", "nginx's SPNEGO module writes it", "stnoonan/spnego-http-auth-nginx-module", authorized("Basic "+base64.StdEncoding.EncodeToString([]byte("maria:bogus"))), is("scheme_unsupported").from("edge"))
	b.add("removed, with F5 APM on the way", "clientless-mode is its header", "F5 APM", headers{"clientless-mode": {"1"}}, is("credential_stripped_suspected"))
	b.add("removed, with CloudFront on the way", "it removes Authorization unless a policy forwards it", "Amazon CloudFront", headers{"via": {"2.0 3f1c.cloudfront.net (CloudFront)"}, "x-amz-cf-id": {"pQ7x"}}, is("credential_stripped_suspected"))
	b.add("removed, with Squid on the way", "it removes Authorization without login=PASSTHRU", "Squid cache_peer", headers{"via": {"1.1 edge-7 (squid/6.6)"}}, is("credential_stripped_suspected"))
	suspected := is("credential_stripped_suspected")
	b.add("removed, with Envoy on the way", "its jwt_authn filter removes the token unless told to forward it", "Envoy, Istio RequestAuthentication", headers{"x-envoy-attempt-count": {"1"}, "x-forwarded-client-cert": {"By=spiffe://cluster.local/ns/kong;URI=spiffe://cluster.local/ns/edge"}}, suspected)
	b.add("removed, with Envoy's own sign-in on the way", "its oauth2 filter removes the header unless told to keep it", "Envoy oauth2", headers{"cookie": {"lang=de; OauthHMAC=r4nd0m"}}, suspected)
	b.add("removed, with Zuul on the way", "it forwards no Authorization by default", "Spring Cloud Netflix Zuul, sensitiveHeaders", headers{"x-forwarded-prefix": {"/orders"}, "x-forwarded-host": {"edge.example.com"}}, suspected)
	b.add("removed, with kubectl proxy on the way", "the API server's proxy removes it by design", "kubernetes/kubernetes#38775", headers{"x-forwarded-uri": {"/api/v1/namespaces/shop/services/orders/proxy/list"}}, suspected)
	b.add("removed, a DPoP proof is left", "a proof of possession makes no sense without its token", "RFC 9449 7.1", headers{"dpop": {"eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.c2ln"}}, suspected)
	b.add("removed, Connection names it", "a proxy deletes what Connection names", "RFC 9110 7.6.1", headers{"connection": {"close, Authorization"}}, suspected.finding("connection_nominates_authorization"))
	b.add("removed, by the name's underscore", "nginx drops such names by default, and the request was forwarded", "nginx underscores_in_headers", headers{"x-forwarded-for": {"203.0.113.7"}}, suspected, config("header_names", list{"x_access_token"}))
	b.add("absent, by a name with an underscore", "nobody has forwarded the request", "", headers{}, is("credential_missing"), config("header_names", list{"x_access_token"}))
	b.add("removed, with another proxy on the way", "Via alone accuses nobody", "", headers{"via": {"1.1 varnish"}, "x-forwarded-for": {"203.0.113.7"}}, is("credential_missing"))

	b.add("signature removed by Cloud Run", "the marker says who did it", "Google Cloud Run", good.damaged("the signature is replaced by SIGNATURE_REMOVED_BY_GOOGLE", segment(2, func(string) string { return "SIGNATURE_REMOVED_BY_GOOGLE" })), is("signature_invalid").from("edge"))
	google := good.c("iss", "https://accounts.google.com").c("aud", "32555940559.apps.googleusercontent.com")
	b.add("replaced by a Google gateway", "its own token, and the original beside it", "Google ESPv2, API Gateway", google.with(headers{"x-forwarded-authorization": {line(good)}}), is("issuer_untrusted").from("edge"))
	b.add("sent by a client of Google", "without the original nothing points to a hop", "", google, is("issuer_untrusted"))
	b.add("replaced by PingAccess", "its identity mapping signs as an issuer of its own", "PingAccess JWT identity mapping, Map as Bearer Token", good.c("iss", "https://access.example.com/pa"), is("issuer_untrusted").from("edge"))
	azure := good.c("iss", "https://orders-func.scm.azurewebsites.net").h("alg", "HS256").noH("kid", "pi.atm")
	b.add("replaced by Azure Static Web Apps", "it signs with a shared secret", "Azure Static Web Apps", azure.signedAs("HS256").forged("signed with a secret", func(in string) []byte { return forge.HMAC([]byte("a secret"), in) }), is("alg_symmetric_forbidden").from("edge"))

	const left = 8192 - len("Bearer ")
	room := (left + 100 - len(good.c("pad", "").String())) * 3 / 4
	filled := good.c("pad", strings.Repeat("x", room)).damaged("cut to 8,185 characters, so that the line has 8,192 bytes", func(s string) string { return s[:left] })
	b.add("a line as long as a buffer", "the length of what is left says who cut it", "nginx large_client_header_buffers", filled, is("credential_truncated").n(missing(filled)))
}

// missing counts the bytes that a cut RS256 signature of 2048 bits lacks.
func missing(t token) int64 {
	s := t.String()
	return 256 - int64(len(s)-strings.LastIndexByte(s, '.')-1)*6/8
}
