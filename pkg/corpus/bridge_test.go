package corpus_test

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/corpus"
	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

const requestID = "4f1c09d27ab3568e90d1b2c3e4f5a697"

// bridge is Kong's side of one request: it answers from the case and keeps what
// it is told.
type bridge struct {
	headers   map[string][]string
	query     string
	consumers []corpus.Consumer

	exited   bool
	status   int
	body     string
	response map[string][]string
	upstream map[string][]string
	lines    []string
	log      map[string]pdkwire.Value
}

var _ access.Bridge = (*bridge)(nil)

// arrive makes the bridge of a request.
func arrive(r corpus.Request, consumers []corpus.Consumer) *bridge {
	h := make(map[string][]string, len(r.Headers)+1)
	for name, values := range r.Headers {
		h[name] = values
	}
	if _, own := h["authorization"]; r.Token != "" && !own {
		h["authorization"] = []string{"Bearer " + r.Token}
	}
	return &bridge{headers: h, query: r.Query, consumers: consumers, response: map[string][]string{}, upstream: map[string][]string{}}
}

func (b *bridge) Ask(method string, args []byte) ([]byte, error) {
	switch method {
	case "kong.request.get_headers":
		var hs []pdkwire.Header
		for name, values := range b.headers {
			hs = append(hs, pdkwire.Header{Name: name, Values: values})
		}
		return pdkwire.AppendHeaders(nil, hs), nil
	case "kong.request.get_raw_query":
		return pdkwire.AppendString(nil, b.query), nil
	case "kong.client.load_consumer":
		return b.load(args)
	case "kong.client.get_credential":
		return nil, nil
	case "kong.request.get_method":
		return pdkwire.AppendString(nil, "GET"), nil
	case "kong.client.get_ip", "kong.client.get_forwarded_ip":
		return pdkwire.AppendString(nil, "203.0.113.7"), nil
	case "kong.nginx.get_var":
		return pdkwire.AppendString(nil, requestID), nil
	}
	return nil, fmt.Errorf("unexpected question %q", method)
}

// load finds a consumer as Kong does: a name is tried as an id first.
func (b *bridge) load(args []byte) ([]byte, error) {
	var name string
	byUsername := false
	if err := fields(args, func(num protowire.Number, v uint64, text []byte) error {
		if num == 1 {
			name = string(text)
		} else {
			byUsername = v != 0
		}
		return nil
	}); err != nil {
		return nil, err
	}
	var found *pdkwire.Consumer
	for _, c := range b.consumers {
		if c.ID == name || found == nil && byUsername && c.Username == name {
			found = &pdkwire.Consumer{ID: c.ID, Username: c.Username, CustomID: c.CustomID}
		}
	}
	if found == nil {
		return nil, nil
	}
	var reply []byte
	// The consumer is the first field of what authenticate takes.
	err := fields(pdkwire.AppendAuthenticate(nil, found, nil), func(_ protowire.Number, _ uint64, text []byte) error {
		reply = text
		return nil
	})
	return reply, err
}

func (b *bridge) Tell(method string, args []byte) error {
	switch {
	case method == "kong.response.set_headers":
		return merge(b.response, args)
	case method == "kong.service.request.set_headers":
		return merge(b.upstream, args)
	case method == "kong.log.set_serialize_value":
		return b.logged(args)
	case method == "kong.client.authenticate", method == "kong.nginx.set_ctx":
		return nil
	case strings.HasPrefix(method, "kong.log."):
		b.lines = append(b.lines, string(args))
		return nil
	}
	return fmt.Errorf("unexpected call %q", method)
}

// Exit decodes ExitArgs: status, body, headers.
func (b *bridge) Exit(args []byte) error {
	b.exited = true
	return fields(args, func(num protowire.Number, v uint64, text []byte) error {
		switch num {
		case 1:
			b.status = int(v)
		case 2:
			b.body = string(text)
		case 3:
			return merge(b.response, text)
		}
		return nil
	})
}

var wide = pdkwire.Limits{Bytes: 1 << 20, Fields: 1000, Values: 1000}

// logged decodes KV: name, value.
func (b *bridge) logged(args []byte) error {
	return fields(args, func(num protowire.Number, _ uint64, text []byte) error {
		if num != 2 {
			return nil
		}
		v, err := pdkwire.DecodeValue(text, wide)
		b.log = map[string]pdkwire.Value{}
		for _, f := range v.Fields() {
			b.log[f.Name] = f.Value
		}
		return err
	})
}

func merge(to map[string][]string, args []byte) error {
	h, err := pdkwire.DecodeHeaders(args, wide)
	for name, values := range h {
		to[name] = values
	}
	return err
}

// fields calls a function for each field of a message.
func fields(b []byte, each func(protowire.Number, uint64, []byte) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		var v uint64
		var text []byte
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			text, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := each(num, v, text); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
