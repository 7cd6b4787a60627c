package pluginserver

import (
	"encoding/json"
	"io"
)

// protocol is what Kong's runtime calls this frame format.
const protocol = "ProtoBuf:1"

// dump is the answer to Kong's query command, with go-pdk's keys in go-pdk's order.
type dump struct {
	Protocol   string
	SocketPath string
	Plugins    []dumpedPlugin
}

type dumpedPlugin struct {
	Name     string
	Phases   []string
	Version  string
	Priority int
	Schema   any
}

// writeDump prints what Kong's query command reads: one JSON object and a line end.
func writeDump(w io.Writer, i Info, socketPath string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(dump{
		Protocol:   protocol,
		SocketPath: socketPath,
		Plugins: []dumpedPlugin{{
			Name: i.Name, Phases: i.Phases, Version: i.Version, Priority: i.Priority, Schema: i.Schema,
		}},
	})
}
