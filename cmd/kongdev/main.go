// Command kongdev is an embedded gateway with Kong's command line; see package
// kongdev.
package main

import (
	"os"

	"kong-plugin-auth-diagnosis/pkg/kongdev"
)

func main() { os.Exit(kongdev.Main(os.Args[1:], os.Stdout, os.Stderr)) }
