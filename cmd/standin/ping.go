package main

import (
	"fmt"
	"io"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

func startPing(args []string, stderr io.Writer) (server, int) {
	var o ping.Options
	flags, addr := newFlags("ping", "127.0.0.1:9031", stderr)
	flags.Func("product", "`name` of the issuer: pingfederate (default), pingone, pingam", func(s string) (err error) {
		o.Product, err = ping.ParseProduct(s)
		return err
	})
	flags.StringVar(&o.PublicURL, "url", "", "base `URL` by which others reach it (default: the address)")
	flags.Func("audience", "`aud` of the tokens, repeatable", func(s string) error {
		o.Audience = append(o.Audience, s)
		return nil
	})
	flags.Func("client", "`ID:SECRET[:TIER[:SCOPES]]`, repeatable (default: free-, standard- and premium-client)",
		func(s string) error {
			client, err := parseClient(s)
			o.Clients = append(o.Clients, client)
			return err
		})
	flags.DurationVar(&o.Lifetime, "lifetime", 0, "`duration` of a token (default: the product's)")
	flags.BoolVar(&o.OmitIssuer, "no-iss", false, "pingfederate: access tokens without iss")
	flags.BoolVar(&o.ScopeAsArray, "scope-array", false, "pingfederate: scope as an array")
	if status, ok := parse(flags, args, stderr); !ok {
		return nil, status
	}
	o.Addr = *addr
	if o.Product == "" {
		o.Product = ping.PingFederate
	}
	issuer, err := ping.Start(o)
	return started(issuer, err, stderr)
}

// parseClient reads "ID:SECRET[:TIER[:SCOPES]]", the scopes separated by spaces.
func parseClient(s string) (ping.Client, error) {
	parts := strings.SplitN(s, ":", 4)
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return ping.Client{}, fmt.Errorf("expected ID:SECRET[:TIER[:SCOPES]], got %d parts", len(parts))
	}
	parts = append(parts, "", "")
	return ping.Client{ID: parts[0], Secret: parts[1], Tier: parts[2], Scopes: strings.Fields(parts[3])}, nil
}
