package main

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/edge"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// rules make the edge damage the header by path: /blank/orders reaches the
// gateway as /orders, with the header blanked.
var rules = []edge.Rule{
	{PathPrefix: "/strip", StripPrefix: true, Mode: edge.Strip()},
	{PathPrefix: "/blank", StripPrefix: true, Mode: edge.Blank()},
	{PathPrefix: "/move", StripPrefix: true, Mode: edge.Move("X-Original-Authorization")},
	{PathPrefix: "/join", StripPrefix: true, Mode: edge.Join("Basic c3NvOnNzbw==")},
	{PathPrefix: "/cut", StripPrefix: true, Mode: edge.Truncate(40)},
}

const (
	direct   = "straight to the gateway"
	passing  = "edge passes"
	premium  = "premium-client"
	standard = "standard-client"
)

// tour lists the calls, in order.
func tour(r *rig.Rig) []*row {
	pf := r.PingFederate
	good := pf.Token(ping.ForClient(premium))
	now := time.Now()
	via := func(prefix string) string { return r.Edge.URL() + prefix + "/orders" }
	call := func(title, token string, status int, code string) *row {
		x := &row{title: title, via: passing, url: via(""), status: status, code: code}
		if token != "" {
			x.headers = []string{"Authorization: Bearer " + token}
		}
		return x
	}
	at := func(prefix, how string, x *row) *row { x.url, x.via = via(prefix), how; return x }
	mint := func(o ...ping.TokenOption) string {
		return pf.Token(append([]ping.TokenOption{ping.ForClient(premium)}, o...)...)
	}
	valid := func(title, token string) *row {
		x := call(title, token, 200, "")
		x.settles = true
		return x
	}

	rows := []*row{
		down(r, call("PingAM is down and its key unknown", r.PingAM.Token(ping.ForClient(premium)), 503, "jwks_connect")),
		valid("valid token of PingFederate", good),
		valid("valid token of PingOne", r.PingOne.Token(ping.ForClient(premium))),
		valid("valid token of PingAM, up again", r.PingAM.Token(ping.ForClient(premium))),

		call("expired 312 s ago", mint(ping.Expires(now.Add(-312*time.Second))), 401, "token_expired"),
		call("for another audience", mint(ping.Audience("https://other.example.com")), 401, "audience_mismatch"),
		call("from an issuer that is not trusted", mint(ping.IssuedBy("https://sso.elsewhere.example")), 401, "issuer_untrusted"),
		call("signed with a key that nobody publishes", mint(ping.KeyID("no-such-key")), 401, "kid_unknown"),
		call("payload changed, signature kept", ping.Tamper(good), 401, "signature_invalid"),
		call("alg none", ping.AlgNone(good), 401, "alg_none"),
		call("an ID token instead of an access token", mint(ping.IDToken()), 401, "token_is_id_token"),
		call("without the scope orders:read", mint(ping.Scope("profile")), 403, "scope_insufficient"),
		call("no credential at all", "", 401, "credential_missing"),

		at("/strip", "edge strips", call("valid token", good, 401, "credential_missing")),
		at("/blank", "edge blanks", call("valid token", good, 400, "credential_empty")),
		at("/move", "edge moves", call("valid token", good, 401, "credential_moved")),
		at("/join", "edge joins", call("valid token", good, 400, "credential_comma_joined")),
		at("/cut", "edge cuts 40 bytes", call("valid token", good, 401, "credential_truncated")),

		burst(r, call("a burst on the free tier", pf.Token(ping.ForClient("free-client")), 429, "rate_limited")),
	}
	return append(rows, advised(r)...)
}

// down takes PingAM away while the row is sent: the gateway has never had its
// keys. With the issuer back, the next attempt to fetch them succeeds.
func down(r *rig.Rig, x *row) *row {
	x.settles = true
	x.before, x.after = r.PingAM.Refuse, r.PingAM.Restore
	return x
}

// advised are calls to a service that authenticates by itself: key-auth rejects,
// and the header says what arrived.
func advised(r *rig.Rig) []*row {
	url := r.Edge.URL() + "/partners"
	return []*row{
		{title: "advise mode: no API key", via: passing, url: url, status: 401, code: "credential_missing", check: has("WWW-Authenticate", "Key")},
		{title: "advise mode: a wrong API key", via: passing, url: url, headers: []string{"apikey: not-the-key"}, status: 401, code: "credential_arrived"},
		{title: "advise mode: the right API key", via: passing, url: url, headers: []string{"apikey: partner-one-key"}, status: 200, code: "credential_arrived"},
	}
}
