package pluginserver

import (
	"io/fs"
	"log/slog"
	"time"
)

// Limits bounds what one peer can make the process hold. Zero means the default.
type Limits struct {
	Command   int // bytes of a command frame, which carries a configuration; 16 MiB
	Reply     int // bytes of a PDK reply; 1 MiB
	Instances int // started configurations; 10000, the next to expire goes first
}

// Options configure Serve. The zero value of every field but SocketPath is usable.
type Options struct {
	// SocketPath is the unix socket that Kong connects to. It must be set.
	SocketPath string
	// SocketMode is the socket's file mode; 0660 when zero. Kong's workers need write
	// permission, and whoever has it can run the plugin with a configuration of theirs.
	SocketMode fs.FileMode
	// Log gets what concerns the process, and nothing for a request that went well or
	// was rejected. Nil discards.
	Log    *slog.Logger
	Limits Limits
	// Deadline is the time for one event; 10 s when zero. (Kong itself waits for 60.)
	Deadline time.Duration
	// IdleInstances is how long an instance without events is kept; 1 h when zero. A use
	// after that costs Kong a restart of all instances of the plugin, so it is long.
	IdleInstances time.Duration
	// Linger is how long Kong may take to drop a connection after an exit; 10 s when zero.
	Linger time.Duration
	// Drain is how long running events get when the context ends; 5 s when zero.
	Drain time.Duration
	// Orphaned is how long a superseded process waits for a connection before it ends;
	// 1 min when zero. Kong keeps idle connections as long.
	Orphaned time.Duration
	// Superseded is called, if it is set, with true when another process listens at the
	// path: what else this one holds that a successor needs it should let go. It is
	// called with false when that process has gone and this one serves again.
	Superseded func(bool)
	// Now is the clock for instance ages and log intervals; time.Now when nil.
	Now func() time.Time
}

// withDefaults returns o with every zero field filled.
func (o Options) withDefaults() Options {
	set(&o.SocketMode, 0o660)
	set(&o.Limits.Command, 16<<20)
	set(&o.Limits.Reply, 1<<20)
	set(&o.Limits.Instances, 10_000)
	set(&o.Deadline, 10*time.Second)
	set(&o.IdleInstances, time.Hour)
	set(&o.Linger, 10*time.Second)
	set(&o.Drain, 5*time.Second)
	set(&o.Orphaned, time.Minute)
	set(&o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
