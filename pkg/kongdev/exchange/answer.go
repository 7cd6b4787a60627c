package exchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

const (
	typeJSON  = "application/json; charset=utf-8"
	typeHTML  = "text/html; charset=utf-8"
	typePlain = "text/plain; charset=utf-8"
	typeXML   = "application/xml; charset=utf-8"
	typeGRPC  = "application/grpc"
)

// templates are those of kong/tools/http.lua.
var templates = map[string]string{
	typeJSON:  "{\n  \"message\":\"%s\",\n  \"request_id\":\"%s\"\n}",
	typePlain: "%s\nrequest_id: %s\n",
	typeHTML: "<!doctype html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n    <title>Error</title>\n  </head>\n" +
		"  <body>\n    <h1>Error</h1>\n    <p>%s.</p>\n    <p>request_id: %s</p>\n  </body>\n</html>\n",
	"":      "", // for a client that accepts gRPC and does not speak it
	typeXML: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  <message>%s</message>\n  <requestid>%s</requestid>\n</error>\n",
}

// messages are the defaults of kong.response.error and of nginx's error pages.
var messages = map[int]string{
	400: "Bad request", 401: "Unauthorized", 403: "Forbidden", 404: "Not found", 405: "Method not allowed",
	408: "Request timeout", 411: "Length required", 412: "Precondition failed", 413: "Payload too large",
	414: "URI too long", 417: "Expectation failed", 426: "Upgrade required", 429: "Too many requests",
	494: "Request header or cookie too large", 500: "An unexpected error occurred", 501: "Not implemented",
	502: "An invalid response was received from the upstream server",
	503: "The upstream server is currently unavailable", 504: "The upstream server is timing out",
}

// Message is Kong's default text of an error status.
func Message(status int) string {
	if m, ok := messages[status]; ok {
		return m
	}
	return fmt.Sprintf("The upstream server responded with %d", status)
}

// ErrorAnswer is kong.response.error: a body in the form the client accepts.
// An empty message takes the status' default. A gRPC client gets the name of its status
// and no message.
func (x *Exchange) ErrorAnswer(status int, message string, headers ...h1.Field) *Answer {
	if x.IsGRPC() {
		return &Answer{Status: status, Headers: append(h1.Header{{Name: "Content-Type", Value: typeGRPC}}, headers...)}
	}
	return x.errorBody(status, message, strings.Join(x.Head.Header.Values("Accept"), ","), headers...)
}

// ErrorPage is what nginx's error_page leads to (kong/error_handlers.lua): for a
// client that accepts nothing in particular the form of what it sent counts, and
// then error_default_type. Status 494 is sent as 400.
func (x *Exchange) ErrorPage(status int) *Answer {
	form := x.Conf.ErrorDefaultType
	for _, name := range []string{"Accept", "Content-Type"} {
		if v, ok := x.Head.Header.Get(name); ok {
			form = v
			break
		}
	}
	a := &Answer{Status: status, Table: map[string]any{"message": Message(status)}}
	if !strings.HasPrefix(form, typeGRPC) {
		a = x.errorBody(status, "", form)
	}
	if status == 494 {
		a.Status = 400
	}
	return a
}

func (x *Exchange) errorBody(status int, message, accept string, headers ...h1.Field) *Answer {
	if message == "" {
		message = Message(status)
	}
	mime := negotiate(accept)
	var body []byte
	if t := templates[mime]; t != "" {
		body = fmt.Appendf(nil, t, message, x.ID)
	}
	return &Answer{Status: status, Body: body, Headers: append(h1.Header{{Name: "Content-Type", Value: mime}}, headers...)}
}

// TableAnswer is kong.response.exit with a table.
func TableAnswer(status int, table map[string]any, headers ...h1.Field) *Answer {
	return &Answer{Status: status, Table: table, Headers: headers}
}

// Unexpected is the answer to a plugin that raised a Lua error.
func Unexpected() *Answer {
	return TableAnswer(500, map[string]any{"message": Message(500)})
}

// EncodeJSON encodes v without HTML escapes and without a final line break.
// Strings that are not UTF-8 keep what can be kept.
func EncodeJSON(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimRight(buf.Bytes(), "\n")
}

var mediaRange = regexp.MustCompile(
	`(?i)^((?:[a-z0-9][a-z0-9\-!#$&^_+.]+|\*)/(?:[a-z0-9][a-z0-9\-!#$&^_+.]+|\*))(?:\s*;\s*q=(1(?:\.0{0,3})?|0(?:\.\d{0,3})?)|\s*;\s*[a-z0-9][a-z0-9\-!#$&^_+.]+(?:=[^;]*)?)*`)

// negotiate is get_response_type: the media type of the best Accept entry that
// has a template, JSON for everything else.
func negotiate(accept string) string {
	best, mime := 0.0, typeJSON
	for part := range strings.SplitSeq(accept, ",") {
		m := mediaRange.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			continue
		}
		q := 1.0
		if m[2] != "" {
			q, _ = strconv.ParseFloat(m[2], 64)
		}
		if q > best {
			best, mime = q, mimeOf(m[1])
		}
	}
	return mime
}

func mimeOf(media string) string {
	switch strings.ToLower(media) {
	case "text/html":
		return typeHTML
	case "text/plain", "text/*":
		return typePlain
	case "application/xml":
		return typeXML
	case typeGRPC:
		return ""
	}
	return typeJSON
}
