package h2

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

// ErrTooLarge says that a request's header is over the limits. nginx has no answer to
// that in HTTP/2: it ends the connection.
var ErrTooLarge = errors.New("client sent too large header")

// Head makes a request head of what net/http has read. The error is ErrTooLarge or an
// *h1.HeadError, which comes with the headers taken so far.
func Head(r *http.Request, lim h1.Limits) (*h1.Request, error) {
	fields := fieldsOf(r)
	if !fits(r, fields, lim) {
		return nil, ErrTooLarge
	}
	req, err := h1.Assemble(r.Method, r.RequestURI, fields)
	if err != nil || r.ContentLength != 0 {
		return req, err
	}
	if req.Length > 0 {
		return req, &h1.HeadError{Status: 400, Reason: "client prematurely closed stream"}
	}
	req.Length = 0
	return req, nil
}

// fieldsOf lists the header fields with the host first. The order of the names is lost
// in net/http, so that is the alphabet's.
func fieldsOf(r *http.Request) (fields h1.Header) {
	if r.Host != "" {
		fields.Add("host", r.Host)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		values := r.Header[name]
		if name == "Host" && len(values) == 1 && values[0] == r.Host {
			continue // net/http takes it for :authority where there is none
		}
		for _, v := range values {
			fields.Add(strings.ToLower(name), v)
		}
	}
	return fields
}

// fits is the part of large_client_header_buffers in HTTP/2: no name or value is sent
// in more bytes than one buffer has (ngx_http_v2_state_field_len), and all of them have
// together no more than all buffers (ngx_http_v2_state_process_header).
func fits(r *http.Request, fields h1.Header, lim h1.Limits) bool {
	total := 0
	for _, f := range append(fields, h1.Field{Name: ":method", Value: r.Method}, h1.Field{Name: ":scheme", Value: "http"},
		h1.Field{Name: ":path", Value: r.RequestURI}) {
		if max(encodedSize(f.Name), encodedSize(f.Value)) > lim.Size {
			return false
		}
		total += len(f.Name) + len(f.Value)
	}
	return total <= lim.Number*lim.Size
}
