package h1

// Assemble makes a request head of what came in HTTP/2 frames and judges it as
// nginx does (ngx_http_v2_run_request): the rules for methods, targets, names and
// headers that may come once are those of HTTP/1.1. Fields hold :authority as host, the
// first of them, and are not trimmed; it and the cookies do not count towards the most
// lines that a head may have. A *HeadError comes with what has been taken so far.
//
// Length is the Content-Length, and BodyChunked without one: that there is no body
// at all only the frames tell.
func Assemble(method, target string, fields Header) (*Request, error) {
	req := &Request{Major: 2}
	if !validMethod(method) {
		return req, badRequest("client sent invalid method")
	}
	req.Method = method
	if !validTarget(target) {
		return req, badRequest("client sent invalid :path header")
	}
	req.Target = target
	for i, f := range fields {
		req.HeadSize += len(f.Name) + len(f.Value)
		lines := 1
		if i == 0 && f.Name == "host" || f.Name == "cookie" {
			lines = 0
		}
		if err := req.addField(f.Name, f.Value, lines); err != nil {
			return req, err
		}
	}
	if !req.Header.Has("Content-Length") {
		req.Length = BodyChunked
	}
	if method == "CONNECT" {
		return req, &HeadError{405, "client sent CONNECT method"}
	}
	return req, req.finish()
}
