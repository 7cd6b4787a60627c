// Package access is the request flow and nothing else: what arrived becomes a
// verdict, and the verdict becomes an answer.
//
// An [Engine] holds what lasts for the life of the process (key sets,
// counters). [Engine.Start] makes a [Route] of one instance's configuration,
// and [Route.Access] runs one request over a [Gateway]. [Kong] is the Gateway
// that speaks Kong's plugin protocol.
//
// The happy path is one read of the headers, one verdict, one decision of the
// limiter and one write. What only an explanation needs (request id, addresses)
// is asked for when there is something to explain.
package access
