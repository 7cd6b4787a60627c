package exchange

import (
	"fmt"
	"strconv"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
)

// The headers that tell a gRPC client how its call ended.
const (
	grpcStatus  = "grpc-status"
	grpcMessage = "grpc-message"
)

// grpcStatuses and grpcNames are the tables of kong/pdk/response.lua.
var grpcStatuses = map[int]int{200: 0, 400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 499: 1, 500: 13, 501: 12, 503: 14, 504: 4}

var grpcNames = []string{"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
	"PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal",
	"Unavailable", "DataLoss", "Unauthenticated"}

// grpcCode is the gRPC status that stands for an HTTP status.
func grpcCode(status int) int {
	if code, ok := grpcStatuses[status]; ok {
		return code
	}
	switch status / 100 {
	case 5:
		return grpcStatuses[500]
	case 4:
		return grpcStatuses[400]
	case 2:
		return grpcStatuses[200]
	}
	return 2 // Unknown
}

// IsGRPC is is_grpc_request of kong/pdk/response.lua.
func (x *Exchange) IsGRPC() bool {
	return x.Head.Major == 2 && strings.HasPrefix(x.Header.Value("Content-Type"), typeGRPC)
}

// Send is send of kong/pdk/response.lua up to the header phase: it puts status and
// headers of an answer in place and returns the body. A gRPC client reads the status
// that grpc-status translates, and the body as grpc-message; an answer that is of type
// application/grpc itself keeps its body.
func (x *Exchange) Send(a *Answer) []byte {
	x.Status = a.Status
	given := x.setHeaders(a)
	kind := x.Out.Value("Content-Type")
	output := strings.HasPrefix(kind, typeGRPC)
	grpc := output || kind == "" && x.IsGRPC()
	code := -1
	if grpc && !x.Out.Has(grpcStatus) {
		code = grpcCode(a.Status)
		x.Out.Set(grpcStatus, strconv.Itoa(code))
	}
	body := a.Body
	switch {
	case a.Table != nil && grpc:
		body = x.messageOf(a.Table)
	case a.Table != nil:
		body = EncodeJSON(a.Table)
		if !given["content-type"] {
			x.Out.Set("Content-Type", typeJSON)
		}
	}
	if body != nil && grpc && !output {
		x.Out.Set("Content-Length", "0")
		x.setOrClear(grpcMessage, string(body))
		return nil
	}
	if !given["content-length"] {
		x.Out.Set("Content-Length", fmt.Sprint(len(body)))
	}
	if code >= 0 && !x.Out.Has(grpcMessage) {
		x.Out.Set(grpcMessage, grpcNames[code])
	}
	return body
}

// messageOf is the message of a table; gRPC takes nothing else of it.
func (x *Exchange) messageOf(table map[string]any) []byte {
	if m, ok := table["message"].(string); ok {
		return []byte(m)
	}
	x.Log.Printf(errlog.Warn, "[kong] response.lua body was removed because table body encoding with gRPC is not supported")
	return nil
}

// setHeaders replaces response headers by those of an answer and returns their names.
func (x *Exchange) setHeaders(a *Answer) map[string]bool {
	given := map[string]bool{}
	for _, f := range a.Headers {
		name := strings.ToLower(f.Name)
		switch {
		case name == "transfer-encoding":
		case given[name]:
			x.Out.Add(f.Name, f.Value)
		default:
			given[name] = true
			if name == "content-type" {
				x.setOrClear(f.Name, f.Value)
				continue
			}
			x.Out.Set(f.Name, f.Value)
		}
	}
	return given
}

// setOrClear sets a response header; nginx does not send an empty one.
func (x *Exchange) setOrClear(name, value string) {
	if value == "" {
		x.Out.Del(name)
		return
	}
	x.Out.Set(name, value)
}
