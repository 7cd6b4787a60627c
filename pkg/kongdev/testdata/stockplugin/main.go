// Command stockplugin is a plugin on go-pdk's own server, for the specs of the
// embedded gateway. What it does on a request is told by its configuration.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/server"
)

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
	case "panic":
		panic("told to")
	case "die-once":
		if _, err := os.Stat(c.Label); err != nil {
			_ = os.WriteFile(c.Label, nil, 0o600)
			os.Exit(3)
		}
	case "upstream":
		_ = kong.ServiceRequest.SetHeaders(map[string][]string{"X-Removed": {}, "X-Added": {"a", "b"}})
	case "query":
		q, err := kong.Request.GetQuery(-1)
		set("X-Query", strings.ReplaceAll(fmt.Sprint(q, err), "\n", " "))
	}
}
