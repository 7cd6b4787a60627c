package pdk

import (
	"maps"
	"net/netip"
	"slices"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdkpb"
)

func init() {
	addr := func(a netip.Addr) string { return a.Unmap().String() }
	register(map[string]method{
		"kong.client.get_ip":           text(func(x *exchange.Exchange) string { return addr(x.Peer.Addr()) }),
		"kong.client.get_forwarded_ip": text(func(x *exchange.Exchange) string { return addr(x.Client.Addr()) }),
		"kong.client.get_port":         integer(func(x *exchange.Exchange) int { return int(x.Peer.Port()) }),
		"kong.client.get_forwarded_port": integer(func(x *exchange.Exchange) int {
			return int(x.Client.Port())
		}),
		"kong.client.get_credential": func(x *exchange.Exchange, _ []byte) ([]byte, error) {
			return pdkpb.Credential(x.Credential()), nil
		},
		"kong.client.get_consumer": func(x *exchange.Exchange, _ []byte) ([]byte, error) {
			return pdkpb.Consumer(x.Consumer()), nil
		},
		"kong.client.load_consumer": loadConsumer,
		"kong.client.authenticate":  authenticate,
		"kong.client.get_protocol":  getProtocol,
		"kong.ip.is_trusted": named(func(x *exchange.Exchange, ip string) ([]byte, error) {
			a, err := netip.ParseAddr(ip)
			return pdkpb.Bool(err == nil && x.Trusted(a)), nil
		}),
	})
}

// loadConsumer finds a consumer by id or, when asked to, by username; a value in
// the form of a UUID is tried as an id first. custom_id is never looked up.
func loadConsumer(x *exchange.Exchange, args []byte) ([]byte, error) {
	id, byName, err := pdkpb.DecodeConsumerSpec(args)
	if err != nil {
		return nil, err
	}
	if !entity.IsUUID(id) && !byName {
		return nil, luaErrorf("cannot load a consumer with an id that is not a uuid")
	}
	c := x.Set.ConsumerByID(id)
	if c == nil && byName {
		c = x.Set.ConsumerByName(id)
	}
	if c == nil {
		return nil, nil
	}
	return pdkpb.Consumer(c.Fields), nil
}

func authenticate(x *exchange.Exchange, args []byte) ([]byte, error) {
	consumer, credential, err := pdkpb.DecodeAuthenticate(args)
	if err != nil {
		return nil, err
	}
	if consumer == nil && credential == nil {
		return nil, luaErrorf("either credential or consumer must be provided")
	}
	x.Authenticate(maps.Clone(consumer), maps.Clone(credential))
	return nil, nil
}

// getProtocol answers the route's only protocol; with several, what the
// connection or (with allow_terminated and a trusted peer) the edge used.
func getProtocol(x *exchange.Exchange, args []byte) ([]byte, error) {
	allowTerminated, err := pdkpb.DecodeInt(args)
	if err != nil {
		return nil, err
	}
	protocols := x.Match.Route.Protocols
	if len(protocols) == 1 {
		return pdkpb.String(protocols[0]), nil
	}
	if allowTerminated != 0 && x.Trusted(x.Peer.Addr()) &&
		slices.Contains(x.Header.Values("X-Forwarded-Proto"), "https") {
		return pdkpb.String("https"), nil
	}
	return pdkpb.String("http"), nil
}
