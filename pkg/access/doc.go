// Package access is the request flow and nothing else: what arrived becomes a
// verdict, and the verdict becomes an answer.
//
// An [Engine] holds what lasts for the life of the process (key sets, counters,
// consumers). [Engine.Start] makes a [Route] of one instance's configuration,
// and [Route.Access] runs one request over a [Gateway]. [Kong] is the Gateway
// that speaks Kong's plugin protocol.
//
// The happy path is one read of the headers, one verdict, one decision of the
// limiter and one write. What only an explanation needs (request id, addresses)
// is asked for when there is something to explain.
//
// witness.go explains what is refused: by what the edge has signed, else by the
// traces of hops; where a witness is required it refuses what comes without.
//
// Who the request is from to Kong and to the service is in three files:
// consumer.go maps a token to a consumer, fallback.go is for requests that go on
// without a good token, identity.go tells Kong and the service.
//
// [Engine.Status] is for whoever looks after the process: tally.go counts, status.go
// reads.
package access
