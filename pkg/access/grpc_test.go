package access_test

import (
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// TestRejectionsForGRPC: Kong makes grpc-status and grpc-message of a rejection
// that has no content type, and of nothing else.
func TestRejectionsForGRPC(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, quota(map[string]any{"error_message": "slow down"}))
	limited := issuer.Token(ping.ForClient("a"), ping.Tier("free"))
	run(t, r, bearer(limited))
	for name, tt := range map[string]struct {
		contentType, token string
		status             int
		message            string // "" for JSON
	}{
		"gRPC, no token":         {"application/grpc", "x", 401, "Unauthorized"},
		"gRPC, quota used up":    {"application/grpc", limited, 429, "slow down"},
		"gRPC with an encoding":  {"application/grpc+proto", limited, 429, "slow down"},
		"gRPC-Web":               {"application/grpc-web+proto", limited, 429, ""},
		"JSON":                   {"application/json", limited, 429, ""},
		"something like gRPC":    {"text/application/grpc", limited, 429, ""},
		"no content type at all": {"", limited, 429, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := bearer(tt.token)
			if tt.contentType != "" {
				g.headers["content-type"] = []string{tt.contentType}
			}
			run(t, r, g)
			if g.status != tt.status || g.header("X-Auth-Diagnosis") == "" {
				t.Errorf("%d %v", g.status, g.response)
			}
			if tt.message != "" && (string(g.body) != tt.message || g.header("Content-Type") != "") {
				t.Errorf("body %q of type %q, want %q of none", g.body, g.header("Content-Type"), tt.message)
			}
			if tt.message == "" && (g.header("Content-Type") != "application/json; charset=utf-8" || g.body[0] != '{') {
				t.Errorf("body %q of type %q, want JSON", g.body, g.header("Content-Type"))
			}
		})
	}
}
