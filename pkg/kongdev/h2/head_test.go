package h2_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h2"
)

var limits = h1.Limits{Number: 4, Size: 8 << 10}

// asRead is a request as net/http hands it to a handler.
func asRead(header http.Header, length int64) *http.Request {
	return &http.Request{Method: "POST", RequestURI: "/p", Host: "Api.Test", Header: header, ContentLength: length}
}

func TestHeadsHaveLowerCaseNames(t *testing.T) {
	head, err := h2.Head(asRead(http.Header{"X-B": {"1", "2"}, "Authorization": {"Bearer x"}, "Host": {"Api.Test"}}, 0), limits)
	if err != nil {
		t.Fatal(err)
	}
	want := h1.Header{{Name: "host", Value: "Api.Test"}, {Name: "authorization", Value: "Bearer x"}, {Name: "x-b", Value: "1"}, {Name: "x-b", Value: "2"}}
	if diff := cmp.Diff(want, head.Header); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if head.Host != "api.test" || head.Length != 0 || head.Major != 2 {
		t.Errorf("got %+v", head)
	}
	if head, err = h2.Head(asRead(nil, -1), limits); err != nil || head.Length != h1.BodyChunked {
		t.Errorf("a body without a length: got %+v %v", head, err)
	}
}

func TestHeadsThatNginxRefuses(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"host beside another :authority": asRead(http.Header{"Host": {"other"}}, 0),
		"two Authorization fields":       asRead(http.Header{"Authorization": {"a", "b"}}, 0),
		"a length without a body":        asRead(http.Header{"Content-Length": {"5"}}, 0),
	} {
		_, err := h2.Head(r, limits)
		var bad *h1.HeadError
		if !errors.As(err, &bad) || bad.Status != 400 {
			t.Errorf("%s: expected 400, got %v", name, err)
		}
	}
}

func TestHeadersOverTheBuffers(t *testing.T) {
	// The Huffman code has 5 bits for "a", 8 for "X" and 28 for 0xff.
	for name, c := range map[string]struct {
		header http.Header
		want   error
	}{
		"a value of one buffer":              {http.Header{"X-A": {strings.Repeat("X", 8<<10)}}, nil},
		"a value over one buffer":            {http.Header{"X-A": {strings.Repeat("X", 8<<10+1)}}, h2.ErrTooLarge},
		"a longer value that is sent packed": {http.Header{"X-A": {strings.Repeat("a", 13000)}}, nil},
		"a packed value over one buffer":     {http.Header{"X-A": {strings.Repeat("a", 13200)}}, h2.ErrTooLarge},
		"a value that cannot be packed":      {http.Header{"X-A": {strings.Repeat("\xff", 8<<10)}}, nil},
		"a longer name that is sent packed":  {http.Header{strings.Repeat("X", 8<<10+1): {""}}, nil}, // "x" has 7 bits
		"all buffers full":                   {http.Header{"X-A": {strings.Repeat("X", 8000), strings.Repeat("Y", 8000), strings.Repeat("Z", 8000), strings.Repeat("X", 8000)}}, nil},
		"more than all buffers":              {http.Header{"X-A": {strings.Repeat("X", 8000), strings.Repeat("Y", 8000), strings.Repeat("Z", 8000), strings.Repeat("X", 8000), strings.Repeat("X", 1000)}}, h2.ErrTooLarge},
	} {
		if _, err := h2.Head(asRead(c.header, 0), limits); !errors.Is(err, c.want) {
			t.Errorf("%s: expected %v, got %v", name, c.want, err)
		}
	}
}
