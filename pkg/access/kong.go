package access

import (
	"fmt"
	"net/netip"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

// Bridge carries PDK calls; the plugin server's event is one.
type Bridge interface {
	// Ask sends a call and waits for its reply. No method keeps args.
	Ask(method string, args []byte) ([]byte, error)
	// Tell sends a call whose reply is empty, without waiting for it.
	Tell(method string, args []byte) error
	// Exit sends kong.response.exit, which Kong never answers.
	Exit(args []byte) error
}

// listLimits bound Kong's answer to get_headers: nginx takes about 32 KB of
// request head by default, and Kong counts no further than many.
var listLimits = pdkwire.Limits{Bytes: 1 << 20, Fields: 4096, Values: 8192}

// many is the most that Kong may be asked for. The default is 100, and a header
// behind the hundredth would look stripped.
const many = 1000

var (
	askMany      = pdkwire.AppendInt(nil, many)
	askRequestID = pdkwire.AppendString(nil, "kong_request_id")
)

// kong is the Gateway over a Bridge.
type kong struct {
	Bridge
	args []byte // room for the arguments of one call at a time
}

// usualArgs is what the arguments of a call take with few headers, in bytes.
const usualArgs = 1 << 10

// Kong returns the Gateway that speaks Kong's PDK over b, which must not keep the
// arguments of a call.
func Kong(b Bridge) Gateway { return &kong{Bridge: b} }

var _ Gateway = (*kong)(nil)

// room returns where to append the arguments of a call. A Bridge has done with
// those of the call before.
func (k *kong) room() []byte {
	if k.args == nil {
		k.args = make([]byte, 0, usualArgs)
	}
	return k.args[:0]
}

func (k *kong) Headers() (map[string][]string, error) {
	reply, err := k.Ask("kong.request.get_headers", askMany)
	if err != nil {
		return nil, err
	}
	return pdkwire.DecodeHeaders(reply, listLimits)
}

// RawQuery is not kong.request.get_query: what is hidden has to be read by the
// same grammar, and that call stops at many arguments.
func (k *kong) RawQuery() (string, error) { return k.text("kong.request.get_raw_query", nil) }

func (k *kong) RequestID() (string, error) { return k.text("kong.nginx.get_var", askRequestID) }
func (k *kong) Method() (string, error)    { return k.text("kong.request.get_method", nil) }

func (k *kong) PeerAddress() (netip.Addr, error) { return k.address("kong.client.get_ip") }
func (k *kong) ForwardedAddress() (netip.Addr, error) {
	return k.address("kong.client.get_forwarded_ip")
}

func (k *kong) text(method string, args []byte) (string, error) {
	reply, err := k.Ask(method, args)
	if err != nil {
		return "", err
	}
	return pdkwire.DecodeString(reply)
}

// address returns the zero Addr for what is no address (a unix socket peer):
// it lies in no prefix.
func (k *kong) address(method string) (netip.Addr, error) {
	s, err := k.text(method, nil)
	if err != nil {
		return netip.Addr{}, err
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, nil
	}
	return a.Unmap(), nil
}

func (k *kong) LoadConsumer(name string, byUsername bool) (Consumer, error) {
	reply, err := k.Ask("kong.client.load_consumer", pdkwire.AppendConsumerSpec(k.room(), name, byUsername))
	if err != nil {
		return Consumer{}, err
	}
	return pdkwire.DecodeConsumer(reply)
}

func (k *kong) Credential() (Credential, error) {
	reply, err := k.Ask("kong.client.get_credential", nil)
	if err != nil {
		return Credential{}, err
	}
	return pdkwire.DecodeCredential(reply)
}

func (k *kong) Authenticate(c *Consumer, by *Credential) error {
	return k.Tell("kong.client.authenticate", pdkwire.AppendAuthenticate(k.room(), c, by))
}

func (k *kong) SetCredential(id string) error {
	credential := pdkwire.Struct(pdkwire.Field{Name: "id", Value: pdkwire.String(id)})
	return k.Tell("kong.nginx.set_ctx", pdkwire.AppendKV(k.room(), "authenticated_credential", credential))
}

func (k *kong) SetGroups(groups []string) error {
	var list pdkwire.Value // nil in Lua
	if len(groups) > 0 {
		list = value(groups)
	}
	return k.Tell("kong.ctx.shared.set", pdkwire.AppendKV(k.room(), "authenticated_groups", list))
}

func (k *kong) SetUpstreamHeaders(h []Header) error {
	return k.Tell("kong.service.request.set_headers", pdkwire.AppendHeaders(k.room(), h))
}

func (k *kong) SetRawQuery(query string) error {
	return k.Tell("kong.service.request.set_raw_query", pdkwire.AppendString(k.room(), query))
}

func (k *kong) SetResponseHeaders(h []Header) error {
	return k.Tell("kong.response.set_headers", pdkwire.AppendHeaders(k.room(), h))
}

func (k *kong) LogObject(name string, members []diagnosis.Member) error {
	fields := make([]pdkwire.Field, len(members))
	for i, m := range members {
		fields[i] = pdkwire.Field{Name: m.Name, Value: value(m.Value)}
	}
	return k.Tell("kong.log.set_serialize_value", pdkwire.AppendKV(k.room(), name, pdkwire.Struct(fields...)))
}

func (k *kong) Log(s Severity, line string) error {
	return k.Tell("kong.log."+string(s), pdkwire.AppendList(k.room(), pdkwire.String(line)))
}

func (k *kong) Exit(status int, body []byte, headers []Header) error {
	return k.Bridge.Exit(pdkwire.AppendExit(k.room(), status, body, headers))
}

func value(v any) pdkwire.Value {
	switch v := v.(type) {
	case string:
		return pdkwire.String(v)
	case int64:
		return pdkwire.Number(float64(v))
	case []string:
		vs := make([]pdkwire.Value, len(v))
		for i, s := range v {
			vs[i] = pdkwire.String(s)
		}
		return pdkwire.List(vs...)
	}
	panic(fmt.Sprintf("access: log member of type %T", v))
}
