package exchange_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

func newExchange(c *conf.Conf, lines ...string) *exchange.Exchange {
	head := &h1.Request{Method: "GET", Target: "/", Major: 1, Minor: 1}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		head.Header.Add(name, value)
	}
	return exchange.New(&exchange.Gateway{Conf: c, Now: time.Now}, &entity.Set{}, head, "the-id")
}

func TestErrorBodiesFollowAccept(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                     "application/json; charset=utf-8",
		"*/*":                                  "application/json; charset=utf-8",
		"text/html":                            "text/html; charset=utf-8",
		"text/plain, application/json;q=0.2":   "text/plain; charset=utf-8",
		"text/html;q=0.1, application/xml":     "application/xml; charset=utf-8",
		"image/png":                            "application/json; charset=utf-8",
		"nonsense":                             "application/json; charset=utf-8",
		"text/html;q=0, text/plain;q=0.001":    "text/plain; charset=utf-8",
		"application/json;version=1, text/css": "application/json; charset=utf-8",
	} {
		var lines []string
		if accept != "" {
			lines = []string{"Accept: " + accept}
		}
		a := newExchange(&conf.Conf{}, lines...).ErrorAnswer(403, "no")
		if got := a.Headers.Value("Content-Type"); got != want {
			t.Errorf("Accept %q: expected %q, got %q", accept, want, got)
		}
		if !strings.Contains(string(a.Body), "no") || !strings.Contains(string(a.Body), "the-id") {
			t.Errorf("Accept %q: message or request id missing in %q", accept, a.Body)
		}
	}
	a := newExchange(&conf.Conf{ErrorDefaultType: "application/json"}).ErrorPage(494)
	if want := "{\n  \"message\":\"Request header or cookie too large\",\n  \"request_id\":\"the-id\"\n}"; a.Status != 400 || string(a.Body) != want {
		t.Errorf("494: got %d %q", a.Status, a.Body)
	}
	if got := exchange.Message(599); got != "The upstream server responded with 599" {
		t.Errorf("unknown status: got %q", got)
	}
	x := newExchange(&conf.Conf{})
	if body := x.Send(exchange.Unexpected()); string(body) != `{"message":"An unexpected error occurred"}` || x.Out.Value("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("Lua error: got %q %v", body, x.Out)
	}
}

// TestErrorPagesFollowMoreThanAccept: what nginx itself answers has another default
// than what plugins answer (kong/error_handlers.lua).
func TestErrorPagesFollowMoreThanAccept(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		conf  conf.Conf
		want  string
	}{
		"nothing":           {nil, conf.Conf{ErrorDefaultType: "text/plain"}, "text/plain; charset=utf-8"},
		"another default":   {nil, conf.Conf{ErrorDefaultType: "application/xml"}, "application/xml; charset=utf-8"},
		"Accept":            {[]string{"Accept: */*"}, conf.Conf{ErrorDefaultType: "text/plain"}, "application/json; charset=utf-8"},
		"Content-Type":      {[]string{"Content-Type: text/html"}, conf.Conf{ErrorDefaultType: "text/plain"}, "text/html; charset=utf-8"},
		"Accept goes first": {[]string{"Content-Type: text/html", "Accept: application/json"}, conf.Conf{ErrorDefaultType: "text/plain"}, "application/json; charset=utf-8"},
	} {
		a := newExchange(&c.conf, c.lines...).ErrorPage(502)
		if got := a.Headers.Value("Content-Type"); got != c.want || a.Status != 502 || !strings.Contains(string(a.Body), exchange.Message(502)) {
			t.Errorf("%s: expected %q, got %d %q %q", name, c.want, a.Status, got, a.Body)
		}
	}
}

func TestRealIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, c := range map[string]struct {
		header    string
		recursive bool
		peer      string
		lines     []string
		want      string
	}{
		"untrusted peer":    {"X-Real-IP", false, "192.0.2.1:5", []string{"X-Real-IP: 1.1.1.1"}, "192.0.2.1"},
		"trusted peer":      {"X-Real-IP", false, "10.0.0.1:5", []string{"X-Real-IP: 1.1.1.1"}, "1.1.1.1"},
		"no header":         {"X-Real-IP", false, "10.0.0.1:5", nil, "10.0.0.1"},
		"not an address":    {"X-Real-IP", false, "10.0.0.1:5", []string{"X-Real-IP: me"}, "10.0.0.1"},
		"first line":        {"X-Real-IP", false, "10.0.0.1:5", []string{"X-Real-IP: 1.1.1.1", "X-Real-IP: 2.2.2.2"}, "1.1.1.1"},
		"last of a line":    {"X-Real-IP", false, "10.0.0.1:5", []string{"X-Real-IP: 1.1.1.1, 2.2.2.2"}, "2.2.2.2"},
		"last of the chain": {"X-Forwarded-For", false, "10.0.0.1:5", []string{"X-Forwarded-For: 1.1.1.1, 10.0.0.2"}, "10.0.0.2"},
		"recursive":         {"X-Forwarded-For", true, "10.0.0.1:5", []string{"X-Forwarded-For: 9.9.9.9, 1.1.1.1, 10.0.0.2"}, "1.1.1.1"},
		"all trusted":       {"X-Forwarded-For", true, "10.0.0.1:5", []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"IPv6":              {"X-Real-IP", false, "10.0.0.1:5", []string{"X-Real-IP: [2001:db8::1]:99"}, "2001:db8::1"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newExchange(&conf.Conf{TrustedIPs: trusted, RealIPHeader: c.header, RealIPRecursive: c.recursive}, c.lines...)
			x.Peer = netip.MustParseAddrPort(c.peer)
			x.RealIP()
			if got := x.Client.Addr().String(); got != c.want {
				t.Errorf("expected %s, got %s", c.want, got)
			}
		})
	}
}

func TestSerializeValuesMayNotReplaceText(t *testing.T) {
	x := newExchange(&conf.Conf{})
	x.Serialize = []exchange.SerializeValue{{Key: "client_ip.x", Value: "v"}}
	if _, err := x.SerializeLog(); err == nil || !strings.Contains(err.Error(), "is not a table") {
		t.Errorf("expected an error, got %v", err)
	}
	x.Serialize = []exchange.SerializeValue{{Key: "source"}, {Key: "new.deep", Value: 1.0}}
	record, err := x.SerializeLog()
	if _, there := record["source"]; err != nil || there {
		t.Errorf("nil removes: got %v %v", record["source"], err)
	}
}

func TestEndRunsInReverse(t *testing.T) {
	x, order := newExchange(&conf.Conf{}), ""
	x.OnEnd(func() { order += "a" })
	x.OnEnd(func() { order += "b" })
	x.End()
	x.End()
	if order != "ba" {
		t.Errorf("expected %q, got %q", "ba", order)
	}
}
