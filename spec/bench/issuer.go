//go:build spec

package main

import (
	"encoding/base64"
	"encoding/binary"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// startIssuer starts a PingFederate that the plugin trusts.
func startIssuer() (*ping.Issuer, error) {
	return ping.Start(ping.Options{Product: ping.PingFederate, Audience: []string{ping.DefaultAudience}})
}

// guard is auth-diagnosis on a route, with everything that an accepted request
// usually needs: an issuer, a required scope, headers for the service, and a tier
// that nobody exhausts.
func guard(i *ping.Issuer) map[string]any {
	return map[string]any{"name": plugin, "config": guardConfig(i, plenty)}
}

// Tiers that nobody exhausts, and that the first request does.
var (
	plenty  = map[string]any{"name": "plenty", "second": 1_000_000, "day": 1_000_000_000_000}
	nothing = map[string]any{"name": "nothing", "day": 1}
)

func guardConfig(i *ping.Issuer, tier map[string]any) map[string]any {
	return map[string]any{
		"issuers": []any{map[string]any{
			"issuer": i.IssuerURL(), "jwks_uris": []any{i.JWKSURL()}, "audiences": []any{ping.DefaultAudience},
		}},
		"scopes_required":  []any{"read"},
		"upstream_headers": map[string]any{"X-Authenticated-Userid": "sub", "X-Authenticated-Client": "client_id"},
		"rate_limiting": map[string]any{
			"namespace":    tier["name"], // or routes would share their counters
			"default_tier": tier["name"],
			"tiers":        []any{tier},
		},
	}
}

// mint makes n tokens of which no two are the same.
func mint(i *ping.Issuer, n int, options ...ping.TokenOption) ([]string, error) {
	tokens := make([]string, n)
	for k := range tokens {
		var err error
		if tokens[k], err = i.Mint(append(options, ping.Claims(map[string]any{"n": k}))...); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}

// forge returns a token with the n-th of many wrong signatures. The first byte is
// zero: as a number it stays below an RSA modulus, so that it is not refused
// before it is computed with.
func forge(token string, n int) string {
	var head [9]byte // 12 characters
	binary.BigEndian.PutUint64(head[1:], uint64(n))
	dot := strings.LastIndex(token, ".") + 1
	wrong := base64.RawURLEncoding.EncodeToString(head[:])
	return token[:dot] + wrong + token[dot+len(wrong):]
}
