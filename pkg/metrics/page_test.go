package metrics_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/metrics"
)

// The bytes are those of the exposition formats page of Prometheus's documentation,
// where that has an example.
func TestPageIsWrittenByteForByte(t *testing.T) {
	var p metrics.Page
	p.Begin(metrics.Counter, "http_requests_total", "The total number of HTTP requests.")
	p.Add(1027, metrics.Label{Name: "method", Value: "post"}, metrics.Label{Name: "code", Value: "200"})
	p.Add(0, metrics.Label{Name: "method", Value: "post"}, metrics.Label{Name: "code", Value: "400"})
	p.Begin(metrics.Gauge, "odd", "A \\ and a \n and a \" in help.")
	p.Add(math.Inf(1), metrics.Label{Name: "path", Value: `C:\DIR\FILE.TXT`})
	p.Add(math.Inf(-1), metrics.Label{Name: "error", Value: "Cannot find file:\n\"FILE.TXT\""})
	p.Add(math.NaN(), metrics.Label{Name: "issuer", Value: "https://ä.example/{}, x=\"1\" 2"})
	p.Add(1.7560473e+07)
	p.Begin(metrics.Gauge, "none", "Nothing to tell.")
	want := `# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027
http_requests_total{method="post",code="400"} 0
# HELP odd A \\ and a \n and a " in help.
# TYPE odd gauge
odd{path="C:\\DIR\\FILE.TXT"} +Inf
odd{error="Cannot find file:\n\"FILE.TXT\""} -Inf
odd{issuer="https://ä.example/{}, x=\"1\" 2"} NaN
odd 1.7560473e+07
# HELP none Nothing to tell.
# TYPE none gauge
`
	if diff := cmp.Diff(want, string(p.Bytes())); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}
