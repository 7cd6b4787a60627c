package pluginserver

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path"
	"syscall"
)

// defaultPrefix is Kong's, and go-pdk's.
const defaultPrefix = "/usr/local/kong"

// Program is a plugin with go-pdk's command line: -kong-prefix, -dump and -help, and
// what the plugin adds to it.
type Program struct {
	Plugin  Plugin
	Options Options // SocketPath is set from -kong-prefix, a nil Log writes to stderr

	// Flags, if set, registers more flags.
	Flags func(*flag.FlagSet)
	// Early, if set, runs after parsing and before anything else, for flags such as
	// -version. With done the program ends with that exit code.
	Early func(Invocation) (code int, done bool)
	// Setup, if set, runs before the socket is opened, and never under -dump: the place
	// for background work. ctx ends with the program. An error ends it with exit code 1.
	Setup func(ctx context.Context, inv Invocation) error
}

// Invocation is what the hooks of a Program know of its command line.
type Invocation struct {
	Prefix string   // -kong-prefix
	Args   []string // what follows the flags
	Stdout io.Writer
	Stderr io.Writer
	Log    *slog.Logger
}

// Main runs p with the process's arguments until SIGTERM or SIGINT and returns the exit
// code. It belongs into os.Exit.
func Main(p Program) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// The pipe behind stderr ends with the nginx worker that started us; a log line must
	// not kill the process while other workers drain.
	signal.Ignore(syscall.SIGPIPE)
	return p.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// Run is Main without a process around it. Exit codes: 0, 1 for a failure, 2 for wrong
// flags and, as in go-pdk, for -help. Under -dump nothing but the description is
// written to stdout and no socket is opened.
func (p Program) Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet(p.Plugin.Name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	prefix := fs.String("kong-prefix", defaultPrefix, "Kong prefix path (specified by the -p argument commonly used in the kong cli)")
	dumping := fs.Bool("dump", false, "Dump info about plugins")
	help := fs.Bool("help", false, "Show usage info")
	if p.Flags != nil {
		p.Flags(fs)
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *help {
		fs.Usage()
		return 2
	}
	if p.Options.Log == nil {
		p.Options.Log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	p.Options.SocketPath = path.Join(*prefix, p.Plugin.Name+".socket")
	inv := Invocation{Prefix: *prefix, Args: fs.Args(), Stdout: stdout, Stderr: stderr, Log: p.Options.Log}
	if p.Early != nil {
		if code, done := p.Early(inv); done {
			return code
		}
	}
	if err := p.act(ctx, inv, *dumping); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", p.Plugin.Name, err)
		return 1
	}
	return 0
}

func (p Program) act(ctx context.Context, inv Invocation, dumping bool) error {
	if err := p.Plugin.check(); err != nil {
		return err
	}
	if dumping {
		return writeDump(inv.Stdout, p.Plugin.Info, p.Options.SocketPath)
	}
	if p.Setup != nil {
		// Serve outlives ctx by its drain, and so does what Setup has started.
		work, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		if err := p.Setup(work, inv); err != nil {
			return err
		}
	}
	return Serve(ctx, p.Plugin, p.Options)
}
