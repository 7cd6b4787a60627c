//go:build !spec

package main

import (
	"flag"
	"time"
)

// clock is the time that tokens, keys and limits are judged by.
func (p *plugin) clock() time.Time { return time.Now() }

// clockFlags adds nothing: only a binary built for the specs can be told to be
// wrong about the time.
func (p *plugin) clockFlags(*flag.FlagSet) {}
