package access_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

func TestUnknownKidHasThreeAnswers(t *testing.T) {
	b := newBench(t, ping.Options{})
	r := b.route(nil)
	expect := func(step, code_, retry string, token string) {
		t.Helper()
		g := run(t, r, bearer(token))
		if code(t, g) != code_ || g.header("Retry-After") != retry || (g.header("WWW-Authenticate") != "") != (g.status == 401) {
			t.Errorf("%s: %d %s, Retry-After %q, want %s and %q", step, g.status, g.header("X-Auth-Diagnosis"), g.header("Retry-After"), code_, retry)
		}
	}
	unknown, good := b.issuer.Token(ping.KeyID("nobody")), b.issuer.Token()
	path := strings.TrimPrefix(b.issuer.JWKSURL(), b.issuer.BaseURL())
	fetches := b.issuer.Requests(path)

	expect("just fetched", "kid_unknown", "", unknown)
	b.clock.Store(29)
	expect("in the last second of the cooldown", "kid_unknown", "", unknown)
	if n := b.issuer.Requests(path); n != fetches {
		t.Errorf("%d fetches within the cooldown", n-fetches)
	}

	b.issuer.Break(ping.Hang())
	b.clock.Store(30)
	for range 100 {
		expect("while the refresh runs", "kid_unknown_throttled", "1", unknown)
		expect("a good token meanwhile", "", "", good)
	}
	poll(t, "the refresh", func() bool { return b.issuer.Requests(path) > fetches })
	if n := b.issuer.Requests(path); n != fetches+1 {
		t.Errorf("%d refreshes for 100 requests, want 1", n-fetches)
	}

	b.issuer.Break(ping.Status(500))
	if err := b.issuer.Restore(); err != nil { // the one that hangs ends without an answer
		t.Fatal(err)
	}
	b.issuer.Break(ping.Status(500))
	poll(t, "the failure", func() bool { return run(t, r, bearer(unknown)).header("Retry-After") != "1" })
	expect("the refresh has failed", "kid_unknown_throttled", "30", unknown)
	b.clock.Store(59)
	expect("the cooldown's last second", "kid_unknown_throttled", "1", unknown)
	b.clock.Store(50)
	expect("the cooldown's rest", "kid_unknown_throttled", "10", unknown)
	expect("a good token through all of it", "", "", good)

	if err := b.issuer.Restore(); err != nil {
		t.Fatal(err)
	}
	b.clock.Store(60)
	poll(t, "the next refresh", func() bool { return code(t, run(t, r, bearer(unknown))) == "kid_unknown" })
}

func TestRotationUnderRequests(t *testing.T) {
	b := newBench(t, ping.Options{})
	r := b.route(nil)
	keys := b.issuer.Keys()
	old := b.issuer.Token()
	refresh := func() { // whoever names an unknown kid causes it
		b.clock.Add(60)
		poll(t, "a refresh", func() bool { return code(t, run(t, r, bearer(b.issuer.Token(ping.KeyID("nobody"))))) == "kid_unknown" })
	}
	pass := func(step, token string) {
		t.Helper()
		if g := run(t, r, bearer(token)); g.exited {
			t.Errorf("%s: %s", step, g.header("X-Auth-Diagnosis"))
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// Published first: nobody notices.
	must(keys.Rotate(ping.PublishFirst))
	refresh()
	pass("published, not signing", b.issuer.Token())
	must(keys.Promote())
	fresh := b.issuer.Token()
	pass("signing", fresh)
	pass("the old key, still published", old)
	must(keys.Retire())
	refresh()
	pass("the old key gone", fresh)
	if g := run(t, r, bearer(old)); code(t, g) != "kid_unknown" && code(t, g) != "kid_retired" {
		t.Errorf("a token of a key that is gone, although its verdict was remembered: %q", code(t, g))
	}

	// Signing first: a token before its key is never the token's fault.
	must(keys.Rotate(ping.SignFirst))
	early := b.issuer.Token()
	b.clock.Add(60)
	b.issuer.Break(ping.Hang())
	if g := run(t, r, bearer(early)); code(t, g) != "kid_unknown_throttled" || g.status != 503 {
		t.Errorf("signed before published: %s", g.header("X-Auth-Diagnosis"))
	}
	must(keys.Promote())
	must(b.issuer.Restore())
	b.clock.Add(60)
	poll(t, "the new key", func() bool {
		g := run(t, r, bearer(early))
		if g.exited && g.status != 503 {
			t.Fatalf("refused: %s", g.header("X-Auth-Diagnosis"))
		}
		if g.header("Retry-After") == "30" { // the refresh that hung has failed
			b.clock.Add(30)
		}
		return !g.exited
	})
}

func TestKeysOutliveTheirServerUntilTheyAreStale(t *testing.T) {
	b := newBench(t, ping.Options{})
	r := b.route(map[string]any{"jwks": map[string]any{"max_stale": 3600}})
	b.settle(r)
	good := b.issuer.Token()
	if err := b.issuer.Refuse(); err != nil {
		t.Fatal(err)
	}
	b.clock.Store(3000)
	unknown := b.issuer.Token(ping.KeyID("nobody"))
	poll(t, "a failed refresh", func() bool { return run(t, r, bearer(unknown)).header("Retry-After") == "30" })
	b.clock.Store(3600)
	if g := run(t, r, bearer(good)); g.exited {
		t.Errorf("as old as allowed: %s", g.header("X-Auth-Diagnosis"))
	}
	b.clock.Store(3601)
	g := run(t, r, bearer(good))
	if code(t, g) != "jwks_stale_expired" || g.status != 503 || !strings.Contains(g.header("X-Auth-Diagnosis"), ";by=3601;") || g.header("Retry-After") == "" {
		t.Errorf("too old: %d %s", g.status, g.header("X-Auth-Diagnosis"))
	}
	if g := run(t, r, bearer(ping.Tamper(good))); code(t, g) != "jwks_stale_expired" {
		t.Errorf("a forged token then: %s", g.header("X-Auth-Diagnosis"))
	}
}

// TestKeysOfAnotherIssuer: what one issuer signs never counts as another's,
// whichever was asked first.
func TestKeysOfAnotherIssuer(t *testing.T) {
	b := newBench(t, ping.Options{})
	second, err := ping.Start(ping.Options{Product: ping.PingFederate, Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	over := b.issuers(nil)
	over["issuers"] = append(over["issuers"].([]any), map[string]any{"issuer": second.IssuerURL(), "jwks_uris": []any{second.JWKSURL()}, "audiences": []any{ping.DefaultAudience}})
	r := b.route(over)
	poll(t, "the second issuer's keys", func() bool { return !run(t, r, bearer(second.Token())).exited })
	mine, theirs := b.issuer.Token(), second.Token()
	claiming := second.Token(ping.IssuedBy(b.issuer.IssuerURL()))
	for _, order := range [][]string{{claiming, mine, theirs, claiming}, {theirs, claiming, mine}, {mine, claiming, theirs}} {
		for _, token := range order {
			g := run(t, r, bearer(token))
			if token != claiming && g.exited {
				t.Errorf("a good token: %s", g.header("X-Auth-Diagnosis"))
			}
			if token == claiming && code(t, g) != "kid_unknown" {
				t.Errorf("claims another issuer: %q, want kid_unknown to the client", code(t, g))
			}
			if token == claiming && logObject(t, g)["code"] != "kid_other_issuer" {
				t.Errorf("the log says %v, want kid_other_issuer", logObject(t, g)["code"])
			}
		}
	}
	if g := run(t, r, bearer(second.Token(ping.IssuedBy(b.issuer.IssuerURL()), ping.WithoutKid()))); code(t, g) != "signature_invalid" {
		t.Errorf("without kid: %q", code(t, g))
	}
}

// TestOneOfTwoDocumentsIsEnough: a manager whose keys cannot be fetched costs
// the tokens of the others nothing, and its own are not called unknown.
func TestOneOfTwoDocumentsIsEnough(t *testing.T) {
	b := newBench(t, ping.Options{})
	manager := strings.TrimPrefix(b.issuer.ManagerURL("5"), b.issuer.BaseURL())
	b.issuer.Break(ping.LoginPage(), manager)
	over := b.issuers(map[string]any{"jwks_uris": []any{b.issuer.JWKSURL(), b.issuer.ManagerURL("5")}})
	r := b.route(over)
	poll(t, "the first document", func() bool { return !run(t, r, bearer(b.issuer.Token())).exited })
	b.try("the broken one's", hostile{send: bearer(b.issuer.Token(ping.FromManager("5"))), over: over, code: "kid_unknown_throttled"})
	if err := b.issuer.Restore(); err != nil {
		t.Fatal(err)
	}
	b.clock.Add(31)
	poll(t, "the second document", func() bool { return !run(t, r, bearer(b.issuer.Token(ping.FromManager("5")))).exited })
}
