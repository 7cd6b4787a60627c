//go:build !spec

package main

import (
	"flag"
	"time"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// clock is the time that tokens, keys and limits are judged by.
func (p *plugin) clock() time.Time { return time.Now() }

// specFlags adds nothing: only a binary built for the specs can be told to be
// wrong about the time, to panic, or to write down how it fares.
func (p *plugin) specFlags(*flag.FlagSet) {}

// sabotage changes nothing.
func sabotage(p pluginserver.Plugin) pluginserver.Plugin { return p }
