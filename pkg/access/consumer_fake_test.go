package access_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

// registry is a gateway that has consumers, and what was told of them.
type registry struct {
	*gateway
	consumers []pdkwire.Consumer
	earlier   pdkwire.Credential // what a plugin before authenticated by

	consumer   *pdkwire.Consumer // authenticated
	credential *pdkwire.Credential
	alone      string   // credential without a consumer
	groups     []string // for acl
	grouped    bool     // groups were set, maybe to none
}

var _ access.Bridge = (*registry)(nil)

const (
	aliceID  = "3f0c1f9e-0000-4000-8000-00000000000a"
	bobID    = "3f0c1f9e-0000-4000-8000-00000000000b"
	nobodyID = "3f0c1f9e-0000-4000-8000-0000000000ff"
)

// registered is a request to a Kong with alice, bob and nobody.
func registered(g *gateway) *registry {
	return &registry{gateway: g, consumers: []pdkwire.Consumer{
		{ID: aliceID, Username: "alice", CustomID: "A-1", CreatedAt: 7, Tags: []string{"team:a", "tier:large"}},
		{ID: bobID, Username: "bob"},
		{ID: nobodyID, Username: "nobody"},
	}}
}

func (r *registry) Ask(method string, args []byte) ([]byte, error) {
	switch method {
	case "kong.client.load_consumer":
		r.asked = append(r.asked, method)
		return r.load(args)
	case "kong.client.get_credential":
		r.asked = append(r.asked, method)
		return message(map[protowire.Number]string{1: r.earlier.ID, 2: r.earlier.ConsumerID}), nil
	}
	return r.gateway.Ask(method, args)
}

// load finds a consumer as Kong does: by id first, and by username when asked to.
func (r *registry) load(args []byte) ([]byte, error) {
	name, byUsername := "", false
	fields(args, func(n protowire.Number, text string, number uint64) {
		if n == 1 {
			name = text
		} else {
			byUsername = number != 0
		}
	})
	if !byUsername && len(name) != 36 {
		return nil, errors.New("cannot load a consumer with an id that is not a uuid")
	}
	for _, matches := range []func(c pdkwire.Consumer) bool{
		func(c pdkwire.Consumer) bool { return c.ID == name },
		func(c pdkwire.Consumer) bool { return byUsername && c.Username == name },
	} {
		for _, c := range r.consumers {
			if matches(c) {
				return inner(pdkwire.AppendAuthenticate(nil, &c, nil)), nil
			}
		}
	}
	return nil, nil
}

func (r *registry) Tell(method string, args []byte) error {
	switch method {
	case "kong.client.authenticate":
		fields(args, func(n protowire.Number, text string, _ uint64) {
			if n == 1 {
				c, _ := pdkwire.DecodeConsumer([]byte(text))
				r.consumer = &c
			} else {
				c, _ := pdkwire.DecodeCredential([]byte(text))
				r.credential = &c
			}
		})
	case "kong.nginx.set_ctx", "kong.ctx.shared.set":
		key, v := "", pdkwire.Value{}
		fields(args, func(n protowire.Number, text string, _ uint64) {
			if n == 1 {
				key = text
			} else {
				v, _ = pdkwire.DecodeValue([]byte(text), pdkwire.Limits{})
			}
		})
		switch key {
		case "authenticated_credential":
			r.alone, _ = v.Fields()[0].Value.Text()
		case "authenticated_groups":
			r.grouped = true
			for _, e := range v.Elements() {
				group, _ := e.Text()
				r.groups = append(r.groups, group)
			}
		}
	}
	return r.gateway.Tell(method, args)
}

// at runs a request.
func (r *registry) at(t *testing.T, route *access.Route) *registry {
	t.Helper()
	if err := route.Access(access.Kong(r)); err != nil {
		t.Fatal(err)
	}
	return r
}

// shown returns a header of the service's request, "" for one that is removed.
func (r *registry) shown(t *testing.T, name string) string {
	t.Helper()
	v, told := r.upstream[name]
	if !told {
		t.Errorf("%s is left as the client sent it", name)
	}
	if len(v) == 0 {
		return ""
	}
	return v[0]
}

// calls counts the PDK calls of the request, and those waited for. A route's
// first request also brings its warnings, which are not counted.
func (r *registry) calls() (all, waits int) {
	all, waits = len(r.asked), len(r.asked)
	for _, c := range r.told {
		if c.method != "kong.log.warn" {
			all++
		}
	}
	if r.exited {
		all++
	}
	return all, waits
}

func fields(b []byte, each func(n protowire.Number, text string, number uint64)) {
	for len(b) > 0 {
		n, typ, size := protowire.ConsumeTag(b)
		b = b[size:]
		if typ == protowire.VarintType {
			v, size := protowire.ConsumeVarint(b)
			each(n, "", v)
			b = b[size:]
			continue
		}
		v, size := protowire.ConsumeBytes(b)
		each(n, string(v), 0)
		b = b[size:]
	}
}

// inner returns the content of the only field of a message.
func inner(b []byte) (content []byte) {
	fields(b, func(_ protowire.Number, text string, _ uint64) { content = []byte(text) })
	return content
}

func message(texts map[protowire.Number]string) (b []byte) {
	for n, text := range texts {
		if text != "" {
			b = protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), text)
		}
	}
	return b
}
