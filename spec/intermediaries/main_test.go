//go:build spec

// Package intermediaries shows what real proxies do to credentials, and what the
// plugin says of it. mutation_test.go puts HAProxy, nginx, Apache httpd and Squid
// in front of the gateway, with configurations in testdata that damage the header
// in their way. signing_test.go and irule_test.go run the signers of kong/ (for
// HAProxy, nginx and BIG-IP) and want the same bytes from each; proof_test.go and
// believed_test.go put signers in front and read what the gateway makes of it.
package intermediaries

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"kong-plugin-auth-diagnosis/spec/rig"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	rig.Clean()
	os.Exit(code)
}

// closeShared closes the rig of the cases that change nothing in it, if any of
// them ran.
var closeShared = func() error { return nil }

var shared = sync.OnceValues(func() (*rig.Rig, error) {
	ctx := context.Background()
	r, err := rig.Start(ctx, rig.Options{Bin: os.Getenv("KONG_BIN")})
	if err != nil {
		return nil, err
	}
	closeShared = r.Close
	return r, r.Ready(ctx, "/orders")
})

// gateway is the reference configuration, running.
func gateway(t *testing.T) *rig.Rig {
	t.Helper()
	r, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return r
}
