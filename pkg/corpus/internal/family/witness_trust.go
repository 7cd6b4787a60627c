package family

import "strings"

// ignored are witnesses that count for nothing: the verdict is the one without.
func (b *book) ignored() {
	w := b.ways()
	unknown := is("credential_missing").finding("witness_ignored")
	stripped := []sight{saw(in, w.line), sees(out)}
	raw := func(lines ...string) headers { return arrives("-").and("x-auth-witness", lines...) }

	b.add("forged: no key", "whoever lacks the key accuses nobody", "", arrives("-", saw(in, w.line).under(edgeKey, strings.Repeat("x", 32)), sees(out).under(edgeKey, strings.Repeat("x", 32))), unknown)
	b.add("forged: an unknown key's id", "a key that the gateway does not have", "", arrives("-", saw(in, w.line).under("2027", edgeSecret)), unknown)
	b.add("forged: another point", "a key signs for its own points", "", arrives("-", saw("waf", w.line)), unknown)
	b.add("forged: a parameter changed", "the code covers each byte", "", raw(strings.Replace(sees(in).member(), "p=0;n=0", "p=1;n=1", 1)), unknown)
	b.add("forged beside valid ones", "what is valid counts", "", arrives("-", stripped...).and("x-auth-witness", "edge-in;v=1"), is("credential_stripped").finding("witness_ignored"))
	b.add("forged, with a good token", "nothing is refused for it", "", arrives(w.line).and("x-auth-witness", "edge-in;v=1"), passes())

	b.add("replayed from another request", "another credential's statement fits none", "", arrives("Bearer null", saw(in, w.line), saw(out, w.line)), is("credential_rewritten").and("token_placeholder"))
	b.add("replayed after a day", "a statement is good for seconds", "", arrives("-", saw(in, w.line).at(-86400), sees(out).at(-86400)), unknown)
	b.add("as old as allowed", "max_age itself is allowed", "", arrives("-", saw(in, w.line).at(-30), sees(out).at(-30)), is("credential_stripped"))
	b.add("a second too old", "max_age is over", "", arrives("-", saw(in, w.line).at(-31), sees(out).at(-31)), unknown)
	b.add("as far ahead as allowed", "clocks differ", "", arrives("-", saw(in, w.line).at(30), sees(out).at(30)), is("credential_stripped"))
	b.add("from the future", "clocks do not differ that much", "", arrives("-", saw(in, w.line).at(31), sees(out).at(31)), unknown)
	b.add("duplicated", "two statements of one point: which is it?", "", arrives("-", saw(in, w.line), saw(in, w.line)), unknown)
	b.add("duplicated, and another one", "the other one counts", "", arrives("-", sees(in), saw(in, w.line), saw(out, w.line)), is("credential_stripped").finding("witness_ignored"))
	b.add("joined by a comma", "hops join lines", "RFC 9110 5.3", raw(stripped[0].member()+", "+stripped[1].member()), is("credential_stripped"))
	b.add("8 KB", "longer than any member", "", raw(saw(in, w.line).member()+strings.Repeat("0", 8192)), unknown)
	b.add("8 KB of commas", "nothing is stated", "", raw(strings.Repeat(",", 8192)), is("credential_missing"))
	b.add("a hundred members", "more than any edge has points", "", raw(strings.Repeat("x,", 100)+stripped[0].member()), unknown)

	set := func(i int, text string) func([]string) []string {
		return func(parts []string) []string { parts[i] = text; return parts }
	}
	for _, m := range []struct {
		name  string
		shape func(parts []string) []string
	}{
		{"another version", set(1, "v=2")},
		{"a version of two digits", set(1, "v=01")},
		{"a name in quotes", set(0, `"edge-in"`)},
		{"a time beyond reason", set(3, "t=99999999999999")},
		{"a host that was not checked", set(5, `h="a";p=1;x=""`)},
		{"a host with an escape", set(5, `h="a\";p=1;x=\""`)},
		{"present without a line", set(7, "n=0")},
		{"a scheme nobody states", set(8, `s="secret"`)},
		{"a fingerprint in capitals", func(parts []string) []string { parts[10] = strings.ToUpper(parts[10]); return parts }},
		{"a parameter more", func(parts []string) []string { return append(parts, "x=1") }},
		{"a parameter twice", func(parts []string) []string { return append(parts, "p=0") }},
		{"a parameter less", func(parts []string) []string { return parts[:10] }},
		{"another order", func(parts []string) []string { parts[6], parts[7] = parts[7], parts[6]; return parts }},
		{"white space", set(6, " p=1")},
	} {
		b.add("malformed: "+m.name, "there is one form, even for who has the key", "RFC 9651 4.1", arrives("-", saw(in, w.line).shaped(m.shape)), unknown)
	}
	b.add("malformed: an open quote before", "a client cannot swallow the edge's members", "RFC 9651 4.2", raw(`x;y="`, stripped[0].member(), stripped[1].member()), is("credential_stripped").finding("witness_ignored"))

	peers := func(cidr string) change {
		return config("edge", signing("optional", object{"trusted_ips": list{cidr}}))
	}
	b.add("from a trusted peer", "requests come from 203.0.113.7", "edge.trusted_ips", arrives("-", stripped...), is("credential_stripped"), peers("203.0.113.0/24"))
	b.add("from another peer", "with addresses configured a key alone makes no edge", "edge.trusted_ips", arrives("-", stripped...), unknown, peers("192.0.2.0/24"))
	b.add("from another peer that forwards", "and says for whom", "edge.trusted_ips", arrives("-", stripped...).and("x-forwarded-for", "198.51.100.1"), unknown.finding("witness_ignored", "forwarded_peer_untrusted"), peers("192.0.2.0/24"))
	b.add("witness off", "nothing is read", "", arrives("-", stripped...), is("credential_missing"), config("edge", object{"witness": "off"}))

	filled := func(lines int) headers {
		return arrives("-", stripped...).and("x-filler", strings.Split(strings.Repeat("x,", lines-4)+"x", ",")...)
	}
	b.add("999 header lines", "all of them are known", "gateways tell of 1,000 at most", filled(999), is("credential_stripped"))
	b.add("1,000 header lines", "there may be more: nothing counts as gone", "gateways tell of 1,000 at most", filled(1000), is("credential_missing"))
}

// keyBounds are keys at and beyond the bounds of their length and alphabet.
func (b *book) keyBounds() {
	w := b.ways()
	for _, k := range []struct {
		name, secret string
		usable       bool
	}{
		{"31 bytes", strings.Repeat("k", 31), false},
		{"32 bytes", strings.Repeat("k", 32), true},
		{"128 bytes", strings.Repeat("k", 128), true},
		{"129 bytes", strings.Repeat("k", 129), false},
		{"all visible characters", `!"#$%&'()*+,-./0123456789:;<=>?@[\]^_{|}~`, true},
		{"a space", strings.Repeat("k", 31) + " ", false},
		{"a letter beyond ASCII", strings.Repeat("k", 31) + "é", false},
	} {
		want := is("config_invalid")
		if k.usable {
			want = is("credential_stripped")
		}
		b.add("a key of "+k.name, "32 to 128 visible ASCII characters", "RFC 2104 3", arrives("-", saw(in, w.line).under(edgeKey, k.secret), sees(out).under(edgeKey, k.secret)), want,
			config("edge", signing("optional", object{"keys": list{object{"id": edgeKey, "secret": k.secret}}})))
	}
	b.add("a key for other points", "points name the members that a key may sign", "", arrives("-", saw("waf", w.line)), is("credential_stripped"),
		config("edge", signing("optional", object{"keys": list{object{"id": edgeKey, "secret": edgeSecret, "points": list{"waf"}}}})))
}

// demanded are a gateway that lets nothing pass without a witness.
func (b *book) demanded() {
	w := b.ways()
	const required = "witness required"
	gone := []sight{saw(in, w.line), sees(out)}
	vouched := func(line string) []sight { return []sight{saw(in, line), saw(out, line)} }
	missing, invalid, stale := is("witness_missing"), is("witness_invalid"), is("witness_stale")

	b.add("required: as it was let out", "the last valid member vouches", required, arrives(w.line, vouched(w.line)...), passes().upstream("X-Auth-Witness", ""))
	b.add("required: one point", "one is enough", required, arrives(w.line, saw(in, w.line)), passes())
	b.add("required: exchanged by the edge", "what went out is what counts", required, arrives(w.line, saw(in, w.otherLine), saw(out, w.line)), passes())
	b.add("required: beside a forged one", "what is valid counts", required, arrives(w.line, saw(in, w.line)).and("x-auth-witness", "x"), passes())
	b.add("required: none", "however good the token is", required, arrives(w.line), missing)
	b.add("required: none, and expired", "the way comes before the token", required, arrives(w.staleLine), missing.and("token_expired"))
	b.add("required: none, and nothing", "the way comes before the token", required, arrives("-"), missing.and("credential_missing"))
	b.add("required: malformed", "a text is no statement", required, arrives(w.line).and("x-auth-witness", "edge-in"), invalid)
	b.add("required: an unknown key's id", "a key that the gateway does not have", required, arrives(w.line, saw(in, w.line).under("2027", edgeSecret)), invalid)
	b.add("required: another secret", "the code does not fit", required, arrives(w.line, saw(in, w.line).under(edgeKey, strings.Repeat("x", 32))), invalid)
	b.add("required: duplicated", "two statements of one point", required, arrives(w.line, saw(in, w.line), saw(in, w.line)), invalid)
	b.add("required: too old", "compare the clocks", required, arrives(w.line, saw(in, w.line).at(-31)), stale)
	b.add("required: from the future", "compare the clocks", required, arrives(w.line, saw(in, w.line).at(31)), stale)
	b.add("required: another token, good", "a good token that the edge never let out", required, arrives(w.otherLine, vouched(w.line)...), is("credential_rewritten"))
	b.add("required: put back to what came in", "the last point let out another", required, arrives(w.line, saw(in, w.line), saw(out, w.otherLine)), is("credential_rewritten"))
	b.add("required: expired", "the edge vouches for the way, not for the token", required, arrives(w.staleLine, vouched(w.staleLine)...), is("token_expired").n(312))
	b.add("required: stripped", "as with optional", required, arrives("-", gone...), is("credential_stripped"))
	b.add("required: no keys of the issuer", "an issuer that is down is not the edge's fault", required, arrives(w.line, vouched(w.line)...), is("jwks_connect"), document(federateKeys, connectFault))
}
