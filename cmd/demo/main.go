// Command demo shows the plugin's main job: it starts the whole way of a request
// on loopback, sends a tour of good and broken calls through it, and prints what
// each got. It exits 0 only if every answer is as expected.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"kong-plugin-auth-diagnosis/spec/rig"
)

func main() {
	os.Exit(run())
}

func run() int {
	serve := flag.Bool("serve", false, "Keep running after the tour and print the curl line of each row")
	bin := flag.String("kong", os.Getenv("KONG_BIN"), "The gateway's `program`; the embedded gateway when empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	fmt.Println("building and starting: gateway, plugin, three Ping stand-ins, edge, upstream")
	defer rig.Clean()
	r, err := rig.Start(ctx, rig.Options{Bin: *bin, Rules: rules})
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	defer r.Close()

	p := newPrinter(os.Stdout)
	p.head(r)
	missed := 0
	for _, row := range tour(r) {
		got, err := row.play(ctx)
		if ctx.Err() != nil {
			return 1
		}
		if err != nil {
			missed++
		}
		p.row(row, got, err)
	}
	p.summary(missed)
	if *serve {
		p.curls(tour(r))
		fmt.Println("\nrunning until interrupted")
		<-ctx.Done()
	}
	if missed > 0 {
		fmt.Fprintf(os.Stderr, "\nthe gateway's error log ends with:\n%s\n", r.ErrorLog())
		return 1
	}
	return 0
}
