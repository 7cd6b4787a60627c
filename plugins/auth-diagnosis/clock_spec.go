//go:build spec

package main

import (
	"flag"
	"os"
	"strings"
	"time"
)

var (
	// clockOffset is how far the clock of this process is moved.
	clockOffset time.Duration
	// clockFile holds a duration more to move it by, read anew at each look.
	clockFile string
)

func (p *plugin) clock() time.Time { return time.Now().Add(clockOffset + clockStep()) }

// clockStep is zero while the file cannot be read.
func clockStep() time.Duration {
	if clockFile == "" {
		return 0
	}
	text, err := os.ReadFile(clockFile)
	if err != nil {
		return 0
	}
	d, _ := time.ParseDuration(strings.TrimSpace(string(text)))
	return d
}

func (p *plugin) specFlags(fs *flag.FlagSet) {
	const only = "; only in binaries built with the tag spec"
	fs.DurationVar(&clockOffset, "clock-offset", 0, "Move the clock by this `duration`"+only)
	fs.StringVar(&clockFile, "clock-file", "", "Move the clock by the duration in this `file`, which may change"+only)
	fs.Func("vitals", "Write to this `file` how the process fares, several times a second"+only, func(file string) error {
		go writeVitals(file)
		return nil
	})
}
