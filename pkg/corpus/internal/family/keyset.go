package family

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/corpus"
	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

func keyset(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()
	serves := func(a corpus.Answer) change { return document(federateKeys, a) }
	fails := func(f corpus.Fault) change { return serves(corpus.Answer{Fault: f}) }
	const why = "the fault is not the client's: 503, and the token stays good"

	b.add("first fetch under way", "nothing is known yet, and no request waits", "", good, is("jwks_never_loaded").retry(1), fails(corpus.Timeout))
	b.add("name does not resolve", why, "", good, is("jwks_dns"), fails(corpus.DNS))
	b.add("connection refused", why, "", good, is("jwks_connect"), fails(corpus.Connect))
	b.add("no answer in time", why, "", good, is("jwks_timeout"), fails(corpus.Timeout), started(5))
	b.add("unknown authority", why, "", good, is("jwks_tls_untrusted"), fails(corpus.TLSUntrusted))
	b.add("certificate of another host", why, "", good, is("jwks_tls_hostname"), fails(corpus.TLSHostname))
	b.add("certificate expired", why, "", good, is("jwks_tls_expired"), fails(corpus.TLSExpired))
	b.add("no TLS", why, "", good, is("jwks_tls_handshake"), fails(corpus.TLSHandshake))
	b.add("proxy out of reach", why, "", good, is("jwks_proxy"), config("jwks", object{"http_proxy": "http://proxy.example.com:3128"}),
		document("http://proxy.example.com:3128", corpus.Answer{Fault: corpus.Connect}))
	b.add("proxy's name does not resolve", "the proxy's fault, not the key server's", "", good, is("jwks_proxy"), config("jwks", object{"http_proxy": "http://proxy.example.com:3128"}),
		document("http://proxy.example.com:3128", corpus.Answer{Fault: corpus.DNS}))

	for _, s := range []struct {
		status int
		name   string
	}{{500, "internal error"}, {403, "forbidden"}, {404, "not found"}, {429, "too many requests"}, {503, "unavailable"}, {204, "no content"}} {
		b.add("HTTP "+s.name, why, "", good, is("jwks_status").n(int64(s.status)), serves(corpus.Answer{Status: s.status, Text: "no keys here"}))
	}
	b.add("status with a good body", "only 200 carries a document", "", good, is("jwks_status").n(500), serves(corpus.Answer{Status: 500, Body: b.federateSet().Body}))
	b.add("redirect", "following would let an answer choose where keys come from", "GO-2026-5853", good, is("jwks_redirect").n(302), serves(corpus.Answer{Status: 302, Location: "https://sso.example.com:9031/ext/oauth/jwks"}))
	b.add("permanent redirect", "the same for good", "GO-2026-5853", good, is("jwks_redirect").n(308), serves(corpus.Answer{Status: 308, Location: "https://evil.example.com/jwks"}))

	b.add("login page", "HTML with status 200", "an F5 APM policy before the IdP", good, is("jwks_not_json"), serves(corpus.Answer{Text: "<!DOCTYPE html><html><title>Log on</title></html>"}))
	b.add("empty answer", "no document at all", "", good, is("jwks_not_json"), serves(corpus.Answer{Text: " "}))
	b.add("JSON cut off", "half a document is none", "", good, is("jwks_not_json"), serves(corpus.Answer{Text: `{"keys":[{"kty":"RSA"`}))
	b.add("another document", "JSON, and no key set", "RFC 7517 5.1", good, is("jwks_invalid"), serves(answers(`{"issuer":"`+federateIssuer+`"}`)))
	b.add("keys is no array", "an object in place of the array", "RFC 7517 5.1", good, is("jwks_invalid"), serves(answers(`{"keys":{}}`)))
	b.add("an array at the top", "a key set is an object", "RFC 7517 5", good, is("jwks_invalid"), serves(answers(`[]`)))
	b.add("a single key", "a JWK is no JWKS", "RFC 7517 5", good, is("jwks_invalid"), serves(answers(b.ring["federate-rsa"].Public())))
	b.add("no keys", "an empty array", "Publish Keys to the PingFederate JWKS Endpoint is off by default", good, is("jwks_empty"), serves(set()))
	b.add("no usable key", "one, for encryption", "PingFederate", good, is("jwks_empty"), serves(set(b.ring["federate-encryption"].Public("use", `"enc"`))))
	b.add("too large", "two megabytes", "", good, is("jwks_too_large"), serves(corpus.Answer{Text: strings.Repeat(" ", 64), Repeat: 1 << 15}))
	b.add("too many keys", "513 of them", "", good, is("jwks_too_large"), serves(corpus.Answer{Text: `{"keys":[` + strings.Repeat("{},", 512) + `{}]}`}))

	b.under("pingone", b.one())
	one := b.oneToken()
	finds := func(a corpus.Answer) change { return document(oneDiscovery, a) }
	b.add("discovery", "the issuer says where its keys are", "OpenID Connect Discovery 1.0 4", one, passes())
	b.add("no discovery document", "404 at the well-known address", "OpenID Connect Discovery 1.0 4", one, is("discovery_failed"), finds(corpus.Answer{Status: 404}))
	b.add("discovery is a login page", "HTML with status 200", "", one, is("discovery_failed"), finds(corpus.Answer{Text: "<html></html>"}))
	b.add("discovery redirects", "not followed, as with keys", "", one, is("discovery_failed"), finds(corpus.Answer{Status: 301, Location: "https://evil.example.com/"}))
	b.add("discovery names another issuer", "it must equal the one that was asked, exactly", "OpenID Connect Discovery 1.0 4.3", one, is("discovery_issuer_mismatch"), finds(answers(forge.JSON(object{"issuer": oneIssuer + "/", "jwks_uri": oneKeys}))))
	b.add("discovery names no issuer", "nothing to compare is no match", "OpenID Connect Discovery 1.0 3", one, is("discovery_issuer_mismatch"), finds(answers(forge.JSON(object{"jwks_uri": oneKeys}))))
	b.add("discovery names no keys", "the address of the keys is missing", "OpenID Connect Discovery 1.0 3", one, is("discovery_no_jwks_uri"), finds(answers(forge.JSON(object{"issuer": oneIssuer}))))
	b.add("discovery names keys over http", "the issuer's TLS would be worth nothing", "", one, is("discovery_no_jwks_uri"), finds(answers(forge.JSON(object{"issuer": oneIssuer, "jwks_uri": "http://auth.pingone.eu/jwks"}))))
	b.add("discovery cannot be reached", "what fails below HTTP keeps its name", "", one, is("jwks_connect"), finds(corpus.Answer{Fault: corpus.Connect}))
	b.add("discovery works, the keys do not", "the key set's own failure is told", "", one, is("jwks_status").n(502), document(oneKeys, corpus.Answer{Status: 502}))

	b.under("two key sets", b.managers())
	b.add("a key of the central set", "the sets of one issuer are merged", "PingFederate: one set per access token manager", good, passes())
	b.add("a key of the manager's set", "the sets of one issuer are merged", "PingFederate: one set per access token manager", b.managerToken(), passes())
	b.add("one of two sets is away", "the keys of the other one serve", "", good, passes(), document(federateManager, corpus.Answer{Status: 503}))
	b.add("a kid of the set that is away", "whether it is there cannot be told: not 401", "", b.managerToken(), is("kid_unknown_throttled").retry(30), document(federateManager, corpus.Answer{Status: 503}))
}

// managers trusts PingFederate's central set and that of one token manager.
func (b *book) managers() corpus.Setup {
	s := b.federate()
	s.Config = members(object{"issuers": list{with(federateTrust(), object{"jwks_uris": list{federateKeys, federateManager}})}})
	s.Documents[federateManager] = []corpus.Answer{set(b.ring["federate-manager"].Public("use", `"sig"`))}
	return s
}

// managerToken is signed by the token manager's own key.
func (b *book) managerToken() token {
	return b.federateToken().by(b.ring["federate-manager"], "RS256").h("pi.atm", "5")
}
