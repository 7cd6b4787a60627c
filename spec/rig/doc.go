// Package rig puts the whole way of a request on loopback: client → edge →
// gateway with the plugin → upstream, and the three Ping issuers beside it.
//
// [Start] is the way in; the demo and the specs use it. The gateway is whatever
// program KONG_BIN names (a Kong, or by default this project's embedded
// gateway, built on the spot): the rig knows its command line and HTTP, and
// nothing else of it.
package rig
