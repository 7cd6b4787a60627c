// Command auth-diagnosis is the plugin server: Kong starts it, asks it for its
// schema with -dump, and sends it requests over a socket below -kong-prefix.
//
// By hand it is of use with -check FILE.yml, which finds faults in the plugin's
// configuration before a gateway does, and with -version.
package main

import (
	"flag"
	"os"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// Name of the plugin, the binary and the socket.
const name = "auth-diagnosis"

// version is x.y.z: Kong takes no more and no less. The build may set it.
var version = "0.1.0"

func main() {
	p := newPlugin()
	code := pluginserver.Main(pluginserver.Program{
		Plugin:  p.describe(),
		Options: pluginserver.Options{Drain: drain, Superseded: p.superseded},
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&p.showVersion, "version", false, "Print the version")
			fs.StringVar(&p.stateDir, "state-dir", "", "Directory for the last good key sets, in auth-diagnosis-state (default the Kong prefix)")
			fs.StringVar(&p.adminListen, "admin-listen", "", "Answer /healthz, /readyz and /metrics at this `address`, host:port or unix:/path (default nowhere)")
			p.specFlags(fs)
			fs.StringVar(&p.checkFile, "check", "", "Check the plugin's configuration in a deck `file`, print all problems, exit 1 if there are any")
		},
		Early: p.early,
		Setup: p.setup,
	})
	p.close()
	os.Exit(code)
}
