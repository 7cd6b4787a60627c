package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// newFlags returns the flag set of one stand-in with the flag they all have.
func newFlags(name, address string, stderr io.Writer) (flags *flag.FlagSet, addr *string) {
	flags = flag.NewFlagSet("standin "+name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	return flags, flags.String("addr", address, "`address` to listen on")
}

// parse reads args. When ok is false, status is what to exit with.
func parse(flags *flag.FlagSet, args []string, stderr io.Writer) (status int, ok bool) {
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0, false
	case err != nil:
		return 2, false
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "%s: expected flags only, got %q\n", flags.Name(), flags.Arg(0))
		return 2, false
	}
	return 0, true
}

// started turns a start's result into run's, without a typed nil in the interface.
func started[S server](s S, err error, stderr io.Writer) (server, int) {
	if err != nil {
		fmt.Fprintf(stderr, "standin: %v\n", err)
		return nil, 1
	}
	return s, 0
}
