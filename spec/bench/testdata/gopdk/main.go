// Command gopdk is the plugin that benchmarks run on go-pdk's own server. Its
// Config and handler are spec/bench/plugin/handler.go, put in at build time, so
// that both servers run the same code.
package main

import (
	"log"

	"github.com/Kong/go-pdk/server"
)

func main() {
	if err := server.StartServer(func() any { return &Config{} }, "0.1.0", 1460); err != nil {
		log.Fatal(err)
	}
}
