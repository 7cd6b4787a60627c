package access_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

func TestHostileAuthorization(t *testing.T) {
	b := newBench(t, ping.Options{})
	good := b.issuer.Token()
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	for name, h := range map[string]hostile{
		"tabs and spaces around all":        {send: line("\t bEaReR \t " + good + " \t")},
		"blank":                             {send: line(""), code: "credential_empty", hop: "edge"},
		"sixty spaces":                      {send: line(strings.Repeat(" ", 60)), code: "credential_empty", hop: "edge"},
		"no-break space behind the scheme":  {send: line("Bearer\u00a0" + good), code: "token_bad_charset"},
		"no-break space before the token":   {send: line("Bearer \u00a0" + good), code: "token_bad_charset"},
		"zero width space behind the token": {send: line("Bearer " + good + "\u200b"), code: "token_bad_charset"},
		"byte order mark":                   {send: line("\ufeffBearer " + good), code: "token_bad_charset"},
		"percent-encoded dots":              {send: line("Bearer " + strings.ReplaceAll(good, ".", "%2E")), code: "token_bad_charset"},
		"percent-encoded scheme":            {send: line("Bearer%20" + good), code: "token_bad_charset"},
		"a plus for the space":              {send: line("Bearer+" + good), code: "scheme_missing"},
		"quoted":                            {send: line(`Bearer "` + good + `"`), code: "token_bad_charset"},
		"all of it quoted":                  {send: line(`"Bearer ` + good + `"`), code: "token_bad_charset"},
		"semicolon behind":                  {send: line("Bearer " + good + ";"), code: "token_bad_charset"},
		"0xFF behind":                       {send: line("Bearer " + good + "\xff"), code: "token_bad_charset"},
		"line break folded to spaces":       {send: line("Bearer " + header + ".   " + payload + "." + signature), code: "token_bad_charset"},
		"a JSON token response":             {send: line(`Bearer {"access_token":"` + good + `"}`), code: "token_json_serialized"},
		"the flattened JSON serialization":  {send: line(`Bearer {"payload":"` + payload + `","protected":"` + header + `","signature":"` + signature + `"}`), code: "token_json_serialized"},
		"bare":                              {send: line(good), code: "scheme_missing"},
		"twice Bearer":                      {send: line("Bearer bearer " + good), code: "scheme_repeated"},
		"scheme only":                       {send: line("Bearer "), code: "scheme_only"},
		"DPoP":                              {send: line("DPoP " + good), code: "scheme_unsupported"},
		"Basic":                             {send: line("Basic dXNlcjpwYXNz"), code: "scheme_unsupported"},
		"Kerberos of a single sign-on":      {send: line("Negotiate YIIZoQYGKwYBBQUCoIIZlTCC"), code: "scheme_unsupported", hop: "edge"},
		"joined with Basic":                 {send: line("Bearer " + good + ", Basic dXNlcjpwYXNz"), code: "credential_comma_joined", hop: "edge"},
		"joined with itself":                {send: line("Bearer " + good + ", Bearer " + good), code: "credential_comma_joined", hop: "edge"},
		"joined with blank":                 {send: line("Bearer " + good + ","), code: "credential_comma_joined", hop: "edge"},
		"two different lines":               {send: &gateway{headers: map[string][]string{"authorization": {"Bearer " + good, "Bearer " + header + "." + payload + "." + header}}}, code: "credential_conflict", hop: "client"},
		"the same line twice":               {send: &gateway{headers: map[string][]string{"authorization": {"Bearer " + good, "bearer  " + good}}}},
		"undefined":                         {send: line("Bearer undefined"), code: "token_placeholder"},
		"a template":                        {send: line("Bearer {{ access_token }}"), code: "token_placeholder"},
		"a Kong template":                   {send: line("Bearer $(jwt_token)"), code: "token_placeholder"},
		"a word longer than a placeholder":  {send: line("Bearer undefined-but-opaque-token"), code: "token_opaque"},
		"64 KB":                             {send: line("Bearer " + strings.Repeat("a", 65536)), code: "credential_too_large", by: 65536 - 16384},
		"as long as allowed":                {send: line("Bearer " + strings.Repeat("a", 16384)), code: "token_opaque"},
		"one byte too long":                 {send: line("Bearer " + strings.Repeat("a", 16385)), code: "credential_too_large", by: 1},
		"nothing":                           {send: &gateway{}, code: "credential_missing", hop: "client"},
		"nothing, behind CloudFront":        {send: &gateway{headers: map[string][]string{"via": {"2.0 abc.cloudfront.net (CloudFront)"}, "x-amz-cf-id": {"x"}}}, code: "credential_stripped_suspected", hop: "edge"},
		"nothing, behind Squid":             {send: &gateway{headers: map[string][]string{"via": {"1.1 proxy (squid/5.7)"}}}, code: "credential_stripped_suspected", hop: "edge"},
		"nothing, behind Envoy":             {send: &gateway{headers: map[string][]string{"x-envoy-external-address": {"192.0.2.1"}}}, code: "credential_stripped_suspected", hop: "edge"},
		"nothing, behind F5 APM":            {send: &gateway{headers: map[string][]string{"clientless-mode": {"1"}}}, code: "credential_stripped_suspected", hop: "edge"},
		"nothing, behind another proxy":     {send: &gateway{headers: map[string][]string{"via": {"1.1 varnish"}, "x-forwarded-for": {"192.0.2.1"}}}, code: "credential_missing", hop: "client"},
		"blank and moved":                   {send: &gateway{headers: map[string][]string{"authorization": {""}, "x-original-authorization": {"Bearer " + good}}}, code: "credential_moved", hop: "edge"},
		"replaced by Basic and moved":       {send: &gateway{headers: map[string][]string{"authorization": {"Basic dXNlcjpwYXNz"}, "x-forwarded-authorization": {"Bearer " + good}}}, code: "credential_moved", hop: "edge"},
		"moved and blank there too":         {send: &gateway{headers: map[string][]string{"x-original-authorization": {"  "}}}, code: "credential_missing"},
		"only in a cookie":                  {send: &gateway{headers: map[string][]string{"cookie": {"access_token=" + good}}}, code: "credential_missing"},
		"good, with damage beside it":       {send: &gateway{headers: map[string][]string{"authorization": {"Bearer " + good}, "x-forwarded-authorization": {"Bearer null"}, "via": {"1.1 proxy (squid/5.7)"}, "x-name": {"Jos\xe9"}}}},
	} {
		b.try(name, h)
	}
}

func TestHostileSources(t *testing.T) {
	b := newBench(t, ping.Options{})
	good, other := b.issuer.Token(), b.issuer.Token(ping.Subject("bob"))
	two := map[string]any{"header_names": []any{"Authorization", "X-Token"}}
	send := func(authorization, token string) *gateway {
		h := map[string][]string{}
		if authorization != "-" {
			h["authorization"] = []string{authorization}
		}
		if token != "-" {
			h["x-token"] = []string{token}
		}
		return &gateway{headers: h}
	}
	for name, h := range map[string]hostile{
		"bare in the second":           {send: send("-", good)},
		"Basic first, token second":    {send: send("Basic dXNlcjpwYXNz", "Bearer "+good)},
		"blank first":                  {send: send("", good)},
		"the same in both":             {send: send("Bearer "+good, good)},
		"different in both":            {send: send("Bearer "+good, other), code: "credential_conflict"},
		"placeholder beside blank":     {send: send("", "Bearer null"), code: "token_placeholder"},
		"only in the first, bare":      {send: send(good, "-"), code: "scheme_missing"},
		"in a third that nobody reads": {send: &gateway{headers: map[string][]string{"x-auth-token": {good}}}, code: "credential_moved"},
	} {
		h.over = two
		b.try(name, h)
	}
}

// TestHiddenCredentialsAreGoneFromEveryHeader: a token that came twice must not
// reach the service in the place that was read second.
func TestHiddenCredentialsAreGoneFromEveryHeader(t *testing.T) {
	b := newBench(t, ping.Options{})
	good := b.issuer.Token()
	r := b.route(map[string]any{"hide_credentials": true, "header_names": []any{"authorization", "X-Token", "X-Other"}})
	g := run(t, r, &gateway{headers: map[string][]string{"authorization": {"Bearer " + good}, "x-token": {good}, "x-other": {"Basic dXNlcjpwYXNz"}}})
	for _, name := range []string{"authorization", "x-token"} {
		if v, ok := g.upstream[name]; !ok || len(v) != 0 {
			t.Errorf("%s reaches the service", name)
		}
	}
	if _, ok := g.upstream["x-other"]; ok {
		t.Errorf("x-other carries another credential: it is the service's")
	}
}

func TestHostileAPIKeys(t *testing.T) {
	b := newBench(t, ping.Options{})
	base := map[string]any{"mode": "advise", "expects": []any{"key", "basic"}, "issuers": []any{}, "key_names": []any{"apikey", "X-Key"}}
	for name, tt := range map[string]struct {
		g    gateway
		want string
	}{
		"header":                  {gateway{headers: map[string][]string{"x-key": {"abc"}}}, "credential_arrived"},
		"query":                   {gateway{query: "apikey=abc"}, "credential_arrived"},
		"query name in lower":     {gateway{query: "x-key=abc"}, "credential_missing"},
		"blank header, query":     {gateway{headers: map[string][]string{"apikey": {""}}, query: "apikey=abc"}, "credential_arrived"},
		"blank":                   {gateway{headers: map[string][]string{"apikey": {""}}}, "credential_empty"},
		"query without value":     {gateway{query: "apikey="}, "credential_empty"},
		"template":                {gateway{headers: map[string][]string{"apikey": {"${API_KEY}"}}}, "token_placeholder"},
		"Latin-1":                 {gateway{headers: map[string][]string{"apikey": {"caf\xe9"}}}, "token_bad_charset"},
		"moved":                   {gateway{headers: map[string][]string{"x-api-key": {"abc"}}}, "credential_moved"},
		"Basic":                   {gateway{headers: map[string][]string{"authorization": {"Basic dTpw"}}}, "credential_arrived"},
		"Basic cut off":           {gateway{headers: map[string][]string{"authorization": {"Basic dTp"}}}, "credential_arrived"},
		"Basic without colon":     {gateway{headers: map[string][]string{"authorization": {"Basic dXNlcg=="}}}, "token_bad_charset"},
		"Bearer on such a route":  {gateway{headers: map[string][]string{"authorization": {"Bearer abc"}}}, "scheme_unsupported"},
		"too large":               {gateway{headers: map[string][]string{"apikey": {strings.Repeat("k", 20000)}}}, "credential_too_large"},
		"a key that looks sample": {gateway{headers: map[string][]string{"apikey": {"changeme"}}}, "credential_arrived"},
	} {
		t.Run(name, func(t *testing.T) {
			g := tt.g
			if run(t, b.engine.Start(config(b.issuer, base)), &g); code(t, &g) != tt.want || g.exited {
				t.Errorf("got %s, want %s", g.header("X-Auth-Diagnosis"), tt.want)
			}
			reflected(t, "advise", &g)
		})
	}
}

func TestManyHeaders(t *testing.T) {
	b := newBench(t, ping.Options{})
	g := bearer(b.issuer.Token())
	for i := range 999 {
		g.headers["x-"+strconv.Itoa(i)] = []string{"v"}
	}
	if run(t, b.route(nil), g); g.exited {
		t.Errorf("1,000 header fields: %s", g.header("X-Auth-Diagnosis"))
	}
	g = &gateway{headers: maps.Clone(g.headers)}
	delete(g.headers, "authorization")
	if run(t, b.route(nil), g); code(t, g) != "credential_missing" {
		t.Errorf("without a credential: %s", g.header("X-Auth-Diagnosis"))
	}
}

// TestCutAtABuffer: a line that ends where a usual buffer does was cut by a hop.
func TestCutAtABuffer(t *testing.T) {
	b := newBench(t, ping.Options{})
	long := "Bearer " + b.issuer.Token(ping.Claims(map[string]any{"groups": strings.Repeat("group ", 4000)}))
	for size, hop := range map[int]string{4096: "edge", 8190: "edge", 8192 - len("authorization: "): "edge", 8000: "client", 4097: "client"} {
		b.try(strconv.Itoa(size), hostile{send: line(long[:size]), code: "token_segments", by: 2, hop: hop})
	}
}
