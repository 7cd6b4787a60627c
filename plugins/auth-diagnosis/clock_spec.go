//go:build spec

package main

import (
	"flag"
	"time"
)

// clockOffset is how far the clock of this process is moved.
var clockOffset time.Duration

func (p *plugin) clock() time.Time { return time.Now().Add(clockOffset) }

func (p *plugin) clockFlags(fs *flag.FlagSet) {
	fs.DurationVar(&clockOffset, "clock-offset", 0, "Move the clock by this `duration`; only in binaries built with the tag spec")
}
