package pdkwire_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

// request is a browser's request with a token, as Kong tells of it.
var request = pdkwire.AppendHeaders(nil, []pdkwire.Header{
	{Name: "host", Values: []string{"api.example.com"}},
	{Name: "user-agent", Values: []string{"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}},
	{Name: "accept", Values: []string{"*/*"}},
	{Name: "accept-encoding", Values: []string{"gzip, deflate, br"}},
	{Name: "authorization", Values: []string{"Bearer " + strings.Repeat("a", 760)}},
	{Name: "content-type", Values: []string{"application/json"}},
	{Name: "x-forwarded-for", Values: []string{"192.0.2.7", "198.51.100.1"}},
	{Name: "traceparent", Values: []string{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}},
})

func BenchmarkDecodeHeaders(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pdkwire.DecodeHeaders(request, pdkwire.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
