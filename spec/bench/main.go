//go:build spec

// Command bench measures what the plugin costs, and prints a table per group:
//
//	go run -tags spec ./spec/bench [-runs 7] [-only GROUP] [-kong PATH] [-write]
//
// Each group is a file: servers.go, verdict.go, limiter.go, requests.go,
// growth.go, chain.go. Below them, gateway.go starts gateways and finds their
// processes, sample.go measures requests through one, inprocess.go and gobench.go
// measure without one. Figures become tables in package measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

var errUsage = errors.New("wrong arguments")

// page is where -write puts the tables, from the project's folder.
const page = "docs/benchmarks.md"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	s := usual
	fs.IntVar(&s.runs, "runs", s.runs, "rounds in which every case is measured once")
	fs.StringVar(&s.kong, "kong", "", "a Kong's `program`, for the group kong")
	only := fs.String("only", "", "the one `group` to run: "+strings.Join(names(groups), ", "))
	write := fs.Bool("write", false, "put the tables into "+page+" too")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 || s.runs < 1 {
		return fmt.Errorf("%w: expected flags, and one round at least", errUsage)
	}
	if *write && embedded(s.kong) {
		return fmt.Errorf("%w: %q is the embedded gateway, and the page tells of a real Kong", errUsage, s.kong)
	}
	chosen := groups
	if *only != "" {
		i := slices.Index(names(groups), *only)
		if i < 0 {
			return fmt.Errorf("%w: no group %q", errUsage, *only)
		}
		chosen = groups[i : i+1]
	}
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer func() {
		b.close()
		if b.built {
			rig.Clean() // which would build what was not
		}
	}()
	for _, g := range chosen {
		start := time.Now()
		text, err := g.section(b)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		fmt.Fprintln(stdout, text)
		fmt.Fprintf(stderr, "%s took %v\n", g.name, time.Since(start).Round(time.Second))
		if *write {
			if err := rewrite(filepath.Join(b.root, page), g.name, text); err != nil {
				return err
			}
		}
	}
	return nil
}
