// Package edge says which hop on the way to the gateway made a credential fail.
//
// It knows two kinds of evidence, and neither makes a request fail by itself:
//
//   - Proof: points of the edge sign what they saw. [Verifier.Verify] checks the
//     members (witness.go, witness_member.go), [Witness.Testify] compares them
//     with what arrived. passage.go is the decision table, word.go what it says.
//     What is proved is definite ([diagnosis.Definite]). [Witness.Vouches] is
//     for gateways that let nothing else pass.
//   - Traces that proxies, gateways and load balancers leave: headers and
//     unverified claims, which a client could have written as well. [Explain]
//     refines a failure by them and is never more than weak ([diagnosis.Weak]),
//     however telling the trace is. signs.go is the knowledge, a row for each,
//     and traces.go what their conditions are made of. [Candidates] lists what
//     is too weak to accuse. [Findings] and [Passed] add what is odd, and who
//     was on the way; clientcert.go judges certificates in headers.
//     testdata/observed.json lists what hops do, with the rows that tell of it.
//
// The package is pure: time comes in as a value.
package edge
