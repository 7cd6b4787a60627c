// Package edge reads the traces that proxies, gateways and load balancers leave
// in a request, to say which hop made a credential fail.
//
// [Explain] refines a failure that another package found. It never makes a
// request fail and never lets one pass: its evidence is headers and unverified
// claims, which a client could have written as well, so what it says of a hop is
// weak ([diagnosis.Weak]) however telling the trace is. Only proof that a client
// cannot write, such as a signed statement of the edge, may say more; that
// would be checked in a file of its own and hand its result to Explain.
//
// signs.go is the knowledge: one table, a line for each trace.
package edge
