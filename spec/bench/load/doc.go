// Package load is both ends of a measured way: [Client] sends prepared requests
// over connections that stay open, [StartUpstream] answers them. Neither is
// measured, so they only have to be quick and the same for everybody.
package load
