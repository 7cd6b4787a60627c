// Command standin runs the stand-ins for what surrounds a gateway: an issuer of the
// Ping family, an edge proxy that damages credentials, and an echoing upstream.
//
//	standin ping     -addr :9031 -product pingfederate -url http://ping:9031
//	standin edge     -addr :8080 -target kong:8000 -rule /lost=strip
//	standin upstream -addr :8081
//
// Each prints its URL once it listens and runs until SIGINT or SIGTERM. They are for
// demos and tests, never for production.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: standin ping|edge|upstream [flags]
       standin ping -help
`

// server is what every stand-in can do once it runs.
type server interface {
	Addr() string
	Close() error
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run starts the stand-in that args name and serves until ctx is done. It returns the
// exit status: 2 for wrong arguments, 1 when serving fails.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	starts := map[string]func([]string, io.Writer) (server, int){
		"ping": startPing, "edge": startEdge, "upstream": startUpstream,
	}
	if len(args) == 0 || starts[args[0]] == nil {
		io.WriteString(stderr, usage)
		return 2
	}
	running, status := starts[args[0]](args[1:], stderr)
	if running == nil {
		return status
	}
	fmt.Fprintf(stdout, "%s listens on %s\n", args[0], running.Addr())
	<-ctx.Done()
	if err := running.Close(); err != nil {
		fmt.Fprintf(stderr, "standin: %v\n", err)
		return 1
	}
	return 0
}
