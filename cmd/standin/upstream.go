package main

import (
	"io"

	"kong-plugin-auth-diagnosis/pkg/standin/upstream"
)

func startUpstream(args []string, stderr io.Writer) (server, int) {
	flags, addr := newFlags("upstream", "127.0.0.1:8081", stderr)
	if status, ok := parse(flags, args, stderr); !ok {
		return nil, status
	}
	running, err := upstream.Start(upstream.Options{Addr: *addr})
	return started(running, err, stderr)
}
