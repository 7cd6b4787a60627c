// Command stockplugin is a plugin on go-pdk's own server, for the specs of the
// embedded gateway. What it does on a request is told by its configuration.
package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/server"
	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/types/known/structpb"
)

// runs counts the events of this process that asked for it.
var runs atomic.Int32

// closeConnections shuts down every connected socket of this process: what a
// plugin server that closes in mid-event looks like from outside.
func closeConnections() {
	for fd := 3; fd < 256; fd++ {
		if _, err := syscall.Getpeername(fd); err == nil {
			_ = syscall.Shutdown(fd, syscall.SHUT_RDWR)
		}
	}
}

// Config is the plugin's configuration: a label to tell instances apart and
// what to do.
type Config struct {
	Label string `json:"label"`
	Do    string `json:"do"`
}

// New makes a configuration.
func New() interface{} { return &Config{} }

func main() {
	if err := server.StartServer(New, "0.1.0", 1460); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Access answers in response headers what it saw, then does as it was told.
func (c *Config) Access(kong *pdk.PDK) {
	set := func(name, value string) {
		if err := kong.Response.SetHeader(name, value); err != nil {
			fmt.Println("set_header:", err)
		}
	}
	set("X-Label", c.Label)
	set("X-Server-Pid", fmt.Sprint(os.Getpid()))
	switch c.Do {
	case "exit":
		kong.Response.Exit(418, []byte("short and stout"), map[string][]string{"X-Exit": {"yes"}})
	case "headers":
		h, err := kong.Request.GetHeaders(-1)
		set("X-Header-Count", fmt.Sprint(len(h)))
		set("X-Header-Error", fmt.Sprint(err))
	case "close-once":
		n := runs.Add(1)
		if n == 1 {
			closeConnections()
		}
		set("X-Runs", fmt.Sprint(n))
	case "upstream":
		_ = kong.ServiceRequest.SetHeaders(map[string][]string{"X-Removed": {}, "X-Added": {"a", "b"}})
	case "serialize":
		// go-pdk has no method for it; its bridge carries any call.
		v, err := structpb.NewValue("x")
		if err == nil {
			err = kong.Log.Ask("kong.log.set_serialize_value", &kong_plugin_protocol.KV{K: "mine.value", V: v}, nil)
		}
		if err != nil {
			fmt.Println("set_serialize_value:", err)
		}
	}
}
