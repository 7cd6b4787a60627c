package main

import (
	"io"

	"kong-plugin-auth-diagnosis/pkg/standin/edge"
)

func startEdge(args []string, stderr io.Writer) (server, int) {
	var o edge.Options
	flags, addr := newFlags("edge", "127.0.0.1:8080", stderr)
	flags.StringVar(&o.Target, "target", "127.0.0.1:8000", "`host:port` of the gateway")
	flags.Func("rule", "`PREFIX=MODE` or HEADER: VALUE=MODE, repeatable; a mode is pass, strip, blank, "+
		"rewrite:VALUE, truncate:N, limit:N, join:VALUE, insert:VALUE or move:HEADER",
		func(s string) error {
			rule, err := edge.ParseRule(s)
			o.Rules = append(o.Rules, rule)
			return err
		})
	flags.StringVar(&o.Proto, "proto", "http", "X-Forwarded-Proto: http or https")
	flags.StringVar(&o.CookiePool, "cookie", "", "`pool` of a BIGipServer persistence cookie (default: none)")
	if status, ok := parse(flags, args, stderr); !ok {
		return nil, status
	}
	o.Addr = *addr
	running, err := edge.Start(o)
	return started(running, err, stderr)
}
