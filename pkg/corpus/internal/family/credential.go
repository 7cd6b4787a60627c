package family

import "strings"

func credential(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()
	text := good.String()
	const noCredential = "RFC 6750 3.1: no error without a credential"

	b.add("nothing", "no header at all", noCredential, headers{}, is("credential_missing"))
	b.add("other headers only", "headers that carry no credential", noCredential, headers{"accept": {"*/*"}, "user-agent": {"curl/8.5.0"}}, is("credential_missing"))
	b.add("query and cookie are not read", "a token in a cookie is no credential here", "", headers{"cookie": {"access_token=" + text}}, is("credential_missing"))
	b.add("an API key", "a key is not what this route takes", "", headers{"apikey": {"k-5f1d9a"}}, is("credential_missing"))

	b.add("blank", "the header is there and says nothing, as after proxy_set_header Authorization \"\"", "nginx, F5 Request Header Erase", authorized(""), is("credential_empty"))
	b.add("blank but for white space", "white space is nothing", "", authorized(" \t "), is("credential_empty"))
	b.add("two blank lines", "twice nothing is nothing", "", headers{"authorization": {"", ""}}, is("credential_empty"))

	b.add("scheme only", "an empty variable behind Bearer", "", authorized("Bearer"), is("scheme_only"))
	b.add("scheme and a space", "servers cut white space at the end, or they do not", "RFC 9110 5.5", authorized("Bearer "), is("scheme_only"))
	b.add("scheme only, lower case", "schemes have no case", "RFC 9110 11.1", authorized("bearer"), is("scheme_only"))

	b.add("token without scheme", "the commonest mistake", "", authorized(text), is("scheme_missing"))
	b.add("a colon for the space", "Bearer:token", "", authorized("Bearer:"+text), is("scheme_missing"))
	b.add("a colon and a space", "Bearer: token", "", authorized("Bearer: "+text), is("scheme_missing"))
	b.add("no space", "Bearertoken", "", authorized("Bearer"+text), is("scheme_missing"))
	b.add("opaque word without scheme", "a reference token without scheme", "PingFederate reference token", authorized("kP3vXw8rLs1QnTz5Yb2McF7dHgJ0"), is("scheme_missing"))

	b.add("scheme twice", "a prefix that was added twice", "", authorized("Bearer "+line(good)), is("scheme_repeated"))
	b.add("scheme twice, other case", "Bearer bearer token", "", authorized("Bearer bearer "+text), is("scheme_repeated"))

	for _, s := range []struct{ name, value, source string }{
		{"Basic", "Basic bWFyaWE6c2VjcmV0", "RFC 7617"},
		{"Digest", `Digest username="maria", realm="api", nonce="dcd98b7102dd", uri="/", response="6629fae49393a05397450978507c4ef1"`, "RFC 7616"},
		{"DPoP", "DPoP " + text, "RFC 9449"},
		{"Token", "Token " + text, "Django REST framework"},
		{"JWT", "JWT " + text, "older middleware"},
		{"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-central-1/execute-api/aws4_request, SignedHeaders=host, Signature=5d672d79c15b13162d9279b0855cfba6", "AWS signature version 4"},
		{"unknown", "Frobnicate abcdef", ""},
		{"no token behind", "Negotiate", ""},
	} {
		b.add("scheme "+s.name, "another scheme than the route takes", s.source, authorized(s.value), is("scheme_unsupported"))
	}

	b.add("two joined by a comma", "an intermediary merged two lines", "RFC 9110 5.3", authorized(line(good)+", "+line(good)), is("credential_comma_joined"))
	b.add("Basic joined with Bearer", "a hop added its own", "RFC 9110 5.3", authorized("Basic bWFyaWE6c2VjcmV0, "+line(good)), is("credential_comma_joined"))
	b.add("joined without a space", "the comma alone joins too", "RFC 9110 5.3", authorized(line(good)+","+line(good)), is("credential_comma_joined"))
	b.add("joined with a blank line", "one of the two lines was blank", "RFC 9110 5.3", authorized(", "+line(good)), is("credential_comma_joined"))
	b.add("comma at the end", "the second of the two lines was blank", "RFC 9110 5.3", authorized(line(good)+", "), is("credential_comma_joined"))

	other := good.c("sub", "somebody.else")
	b.add("two lines with different tokens", "which one counts must not depend on who reads", "RFC 6750 3.1", headers{"authorization": {line(good), line(other)}}, is("credential_conflict"))
	b.add("two headers with different tokens", "the same across headers", "RFC 6750 2", good.with(headers{"x-token": {other.String()}}), is("credential_conflict"), config("header_names", list{"authorization", "x-token"}))

	for _, p := range []struct{ name, value string }{
		{"undefined", "undefined"}, {"null", "null"}, {"None", "None"}, {"nil", "nil"}, {"NaN", "NaN"},
		{"a JavaScript object", "[object Object]"}, {"mustache", "{{token}}"}, {"mustache with spaces", "{{ access_token }}"},
		{"shell with braces", "${ACCESS_TOKEN}"}, {"shell", "$TOKEN"}, {"Windows", "%ACCESS_TOKEN%"}, {"angle brackets", "<access_token>"},
		{"a sample word", "YOUR_ACCESS_TOKEN"}, {"printf", "%s"},
	} {
		b.add("placeholder "+p.name, "a variable that nobody filled in", "client templating", authorized("Bearer "+p.value), is("token_placeholder"))
	}
	b.add("placeholder without scheme", "the whole line is the variable", "client templating", authorized("{{token}}"), is("token_placeholder"))

	cut := strings.LastIndexByte(text, '.') + 20
	for _, p := range []struct{ name, value, source string }{
		{"double quotes", `"` + text + `"`, "JSON pasted into a header"},
		{"single quotes", "'" + text + "'", "shell quoting"},
		{"a space inside", text[:cut] + " " + text[cut:], "a line that was folded or wrapped"},
		{"percent-encoding", strings.ReplaceAll(text, ".", "%2E"), "a URL encoder"},
		{"a no-break space at the end", text + "\u00a0", "copied from a web page"},
		{"a byte order mark", "\ufeff" + text, "a file written by an editor"},
		{"a zero-width space inside", text[:cut] + "\u200b" + text[cut:], "copied from a chat"},
		{"a control character", text[:cut] + "\x01" + text[cut:], "RFC 6750 2.1"},
		{"an equals sign inside", text[:cut] + "=" + text[cut:], "RFC 6750 2.1: only at the end"},
		{"an exclamation mark", text + "!", "RFC 6750 2.1"},
		{"letters beyond ASCII", text + "é", "RFC 6750 2.1"},
	} {
		b.add("token with "+p.name, "no token has such bytes", p.source, authorized("Bearer "+p.value), is("token_bad_charset"))
	}
	b.add("quotes around the line", "the whole line is quoted", "shell quoting", authorized(`"`+line(good)+`"`), is("token_bad_charset"))

	b.add("too large", "one byte over the limit, however good the token is", "CVE-2025-30204: bound the bytes before reading", good, is("credential_too_large").n(1), config("maximum_token_size", len(text)-1))
	b.add("as large as allowed", "the limit itself is allowed", "", good, passes(), config("maximum_token_size", len(text)))
	b.add("much too large", "the number counts bytes over the limit", "", raw(strings.Repeat("A", 2000)), is("credential_too_large").n(1744), config("maximum_token_size", 256))
	b.add("too large beside many dots", "dots are not counted before bytes are", "CVE-2025-30204, CVE-2025-27144", raw(strings.Repeat(".", 3000)), is("credential_too_large").n(2744), config("maximum_token_size", 256))
}
