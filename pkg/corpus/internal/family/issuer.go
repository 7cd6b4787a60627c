package family

func issuer(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()
	iss := func(v any) token { return good.c("iss", v) }

	b.add("no iss", "who signed it is not said, and keys belong to issuers", "RFC 7519 4.1.1", good.noC("iss"), is("issuer_missing"))
	b.add("another issuer", "signed by a trusted key all the same", "RFC 7519 4.1.1", iss("https://evil.example.com"), is("issuer_untrusted"))
	b.add("another issuer's key too", "keys are not even looked for", "", iss("https://evil.example.com").secretly(b.ring["stranger-rsa"]), is("issuer_untrusted"))
	b.add("iss empty", "an empty name is nobody's", "Kong/kong#4976", iss(""), is("issuer_untrusted"))
	b.add("iss null", "present, and not a name", "", iss(nil), is("issuer_untrusted"))
	b.add("iss an array", "present, and not a name", "", iss(list{federateIssuer}), is("issuer_untrusted"))
	b.add("iss a number", "present, and not a name", "", iss(9031), is("issuer_untrusted"))
	b.add("a longer host", "a name that begins like a trusted one", "", iss(federateIssuer+".evil.example.com"), is("issuer_untrusted"))
	b.add("a trusted name inside", "a name that holds a trusted one", "", iss("https://evil.example.com/"+federateIssuer), is("issuer_untrusted"))
	b.add("credentials in the URL", "what stands before the @ is no host", "", iss("https://sso.example.com:9031@evil.example.com"), is("issuer_untrusted"))
	b.add("a path more", "a path is more than spelling", "", iss(federateIssuer+"/other"), is("issuer_untrusted"))

	near := is("issuer_near_miss")
	b.add("a slash more", "the commonest difference", "issuer near misses", iss(federateIssuer+"/"), near)
	b.add("host in upper case", "iss is compared byte for byte", "RFC 7519 4.1.1", iss("https://SSO.example.com:9031"), near)
	b.add("scheme in upper case", "iss is compared byte for byte", "RFC 7519 4.1.1", iss("HTTPS://sso.example.com:9031"), near)
	b.add("http for https", "a base URL behind a proxy that ends TLS", "PingFederate base URL", iss("http://sso.example.com:9031"), near)
	b.add("no scheme", "a host and port only", "", iss("sso.example.com:9031"), near)
	b.add("no port", "the port is lost behind a load balancer", "PingFederate runtime port 9031", iss("https://sso.example.com"), near)
	b.add("the default port", "another port, written out", "PingFederate behind a load balancer", iss("https://sso.example.com:443"), near)
	b.add("white space around", "pasted with a line break", "", iss(" "+federateIssuer+"\n"), near)
	b.add("a slash less", "the configuration has one", "", good, near, config("issuers", list{with(federateTrust(), object{"issuer": federateIssuer + "/"})}))

	lenient := config("issuers", list{with(federateTrust(), object{"accept_missing_issuer": true})})
	b.add("no iss where that is accepted", "PingFederate writes none by default", "accept_missing_issuer", good.noC("iss"), passes(), lenient)
	b.add("no iss, and a stranger's signature", "the issuer's keys still decide", "accept_missing_issuer", good.noC("iss").secretly(b.ring["stranger-rsa"]), is("signature_invalid"), lenient)
	b.add("another iss where none is accepted", "missing may be, wrong may not", "accept_missing_issuer", iss("https://evil.example.com"), is("issuer_untrusted"), lenient)
	b.add("iss null where none is accepted", "null is not missing", "accept_missing_issuer", iss(nil), is("issuer_untrusted"), lenient)

	b.under("pingfederate and pingone", b.both())
	one := b.oneToken()
	b.add("the first of two issuers", "each has its own keys", "", good, passes())
	b.add("the second of two issuers", "each has its own keys and audiences", "", one, passes())
	b.add("no iss with two issuers", "nothing says whose it is", "RFC 7519 4.1.1", good.noC("iss"), is("issuer_missing"))
	b.add("one issuer's token with the other's audience", "audiences belong to issuers too", "", one.c("aud", list{audience}), is("audience_mismatch"))
	b.add("signed by B, claims A, kid of B", "a key of one issuer never vouches for another", "CVE-2026-49998, GO-2026-5872", one.c("iss", federateIssuer).c("aud", audience), is("kid_other_issuer").as("kid_unknown"))
	b.add("signed by A, claims B, kid of A", "in the other direction", "CVE-2026-49998", good.c("iss", oneIssuer).c("aud", list{"orders.example.com"}), is("kid_other_issuer").as("kid_unknown"))
	b.add("signed by B, claims A, kid of A", "the kid is a lie", "CVE-2026-49998", good.secretly(b.ring["one-rsa"]), is("signature_invalid"))
	b.add("signed by B, claims A, no kid", "A's keys are tried, B's never", "CVE-2026-49998", good.secretly(b.ring["one-rsa"]).noH("kid"), is("signature_invalid"))

	shared := withKid(b.ring["one-rsa"], b.ring["federate-rsa"].Kid)
	clash := document(oneKeys, set(shared.Public("use", `"sig"`)))
	b.add("one kid at two issuers, A's token", "a store by kid alone would take whichever came last", "CVE-2026-49998", good, passes(), clash)
	b.add("one kid at two issuers, B's token", "the same from the other side", "CVE-2026-49998", one.by(shared, "RS256"), passes(), clash)
	b.add("one kid at two issuers, B signs for A", "the same kid does not make it A's key", "CVE-2026-49998", good.secretly(shared), is("signature_invalid"), clash)
}
