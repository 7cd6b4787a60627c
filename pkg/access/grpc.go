package access

import "strings"

// isGRPC reports whether a request is one of gRPC, as Kong tells it: by its
// content type. gRPC-Web is not.
//
// Kong words a rejection for such a client by itself: grpc-status fits the HTTP
// status, and grpc-message is the body. It does so only for an answer without a
// content type of its own, and takes the body as it is.
func isGRPC(headers map[string][]string) bool {
	for _, t := range headers["content-type"] {
		if rest, ok := strings.CutPrefix(t, "application/grpc"); ok && !strings.HasPrefix(rest, "-web") {
			return true
		}
	}
	return false
}
