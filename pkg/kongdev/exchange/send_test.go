package exchange_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

// grpcCall is a request that a gRPC client makes, or that only looks like one.
func grpcCall(major int, contentType string) *exchange.Exchange {
	x := newExchange(&conf.Conf{ErrorDefaultType: "text/plain"}, "Content-Type: "+contentType)
	x.Head.Major, x.Head.Minor = major, 0
	x.Log = errlog.New(io.Discard, errlog.Emerg, time.Now)
	return x
}

func TestAnswersToGRPC(t *testing.T) {
	exit := func(status int, body string, headers ...h1.Field) func(*exchange.Exchange) *exchange.Answer {
		return func(*exchange.Exchange) *exchange.Answer {
			return &exchange.Answer{Status: status, Body: []byte(body), Headers: headers}
		}
	}
	plain := h1.Field{Name: "Content-Type", Value: "text/plain"}
	grpc := h1.Field{Name: "content-type", Value: "application/grpc"}
	for name, c := range map[string]struct {
		answer func(*exchange.Exchange) *exchange.Answer
		want   h1.Header
		body   string
	}{
		"exit with a body": {exit(429, "slow down"),
			h1.Header{{Name: "grpc-status", Value: "8"}, {Name: "Content-Length", Value: "0"}, {Name: "grpc-message", Value: "slow down"}}, ""},
		"exit with an empty body": {exit(401, ""),
			h1.Header{{Name: "grpc-status", Value: "16"}, {Name: "Content-Length", Value: "0"}}, ""},
		"exit with a status of its own": {exit(401, "no", h1.Field{Name: "grpc-status", Value: "7"}),
			h1.Header{{Name: "grpc-status", Value: "7"}, {Name: "Content-Length", Value: "0"}, {Name: "grpc-message", Value: "no"}}, ""},
		"exit with another content type": {exit(401, "no", plain),
			h1.Header{plain, {Name: "Content-Length", Value: "2"}}, "no"},
		"exit with gRPC's content type": {exit(403, "\x00\x00\x00\x00\x00", grpc),
			h1.Header{grpc, {Name: "grpc-status", Value: "7"}, {Name: "Content-Length", Value: "5"}, {Name: "grpc-message", Value: "PermissionDenied"}}, "\x00\x00\x00\x00\x00"},
		"exit with a table": {func(*exchange.Exchange) *exchange.Answer { return exchange.Unexpected() },
			h1.Header{{Name: "grpc-status", Value: "13"}, {Name: "Content-Length", Value: "0"}, {Name: "grpc-message", Value: "An unexpected error occurred"}}, ""},
		"exit with a table without a message": {func(*exchange.Exchange) *exchange.Answer {
			return exchange.TableAnswer(418, map[string]any{"tea": true})
		}, h1.Header{{Name: "grpc-status", Value: "3"}, {Name: "Content-Length", Value: "0"}, {Name: "grpc-message", Value: "InvalidArgument"}}, ""},
		"error": {func(x *exchange.Exchange) *exchange.Answer {
			return x.ErrorAnswer(404, "no Route matched with those values")
		},
			h1.Header{{Name: "Content-Type", Value: "application/grpc"}, {Name: "grpc-status", Value: "5"}, {Name: "Content-Length", Value: "0"}, {Name: "grpc-message", Value: "NotFound"}}, ""},
		"nginx' error page": {func(x *exchange.Exchange) *exchange.Answer { return x.ErrorPage(502) },
			h1.Header{{Name: "grpc-status", Value: "13"}, {Name: "Content-Length", Value: "0"}, {Name: "grpc-message", Value: exchange.Message(502)}}, ""},
		"success": {exit(204, ""), h1.Header{{Name: "grpc-status", Value: "0"}, {Name: "Content-Length", Value: "0"}}, ""},
		"redirect": {func(*exchange.Exchange) *exchange.Answer { return &exchange.Answer{Status: 302} },
			h1.Header{{Name: "grpc-status", Value: "2"}, {Name: "Content-Length", Value: "0"}, {Name: "grpc-message", Value: "Unknown"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := grpcCall(2, "application/grpc+proto")
			body := x.Send(c.answer(x))
			if diff := cmp.Diff(c.want, x.Out); diff != "" || string(body) != c.body {
				t.Errorf("body %q, headers (-want +got):\n%s", body, diff)
			}
		})
	}
}

// TestGRPCIsHTTP2WithItsContentType: everybody else gets what HTTP clients get.
func TestGRPCIsHTTP2WithItsContentType(t *testing.T) {
	for name, x := range map[string]*exchange.Exchange{
		"HTTP/1":          grpcCall(1, "application/grpc"),
		"another type":    grpcCall(2, "application/json"),
		"type with blank": grpcCall(2, "x application/grpc"),
	} {
		body := x.Send(x.ErrorAnswer(401, "no"))
		if x.Out.Has("grpc-status") || !strings.Contains(string(body), `"message":"no"`) {
			t.Errorf("%s: got %q %v", name, body, x.Out)
		}
	}
	x := grpcCall(1, "application/grpc")
	if body := x.Send(x.ErrorPage(502)); string(body) != `{"message":"`+exchange.Message(502)+`"}` {
		t.Errorf("error page over HTTP/1: got %q", body)
	}
	x = newExchange(&conf.Conf{}, "Accept: application/grpc")
	if body := x.Send(x.ErrorAnswer(401, "no")); len(body) != 0 || x.Out.Has("Content-Type") {
		t.Errorf("a client that accepts gRPC alone: got %q %v", body, x.Out)
	}
}
