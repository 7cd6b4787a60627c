package access_test

import (
	"fmt"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// sizes is a rate_limiting whose tiers tell each other apart by the day.
func sizes(over map[string]any) map[string]any {
	rl := map[string]any{
		"default_tier": "small",
		"tiers":        []any{map[string]any{"name": "small", "day": 2}, map[string]any{"name": "medium", "day": 3}, map[string]any{"name": "large", "day": 5}},
	}
	for k, v := range over {
		rl[k] = v
	}
	return rl
}

// admitted sends requests until one is denied, and says how many passed.
func admitted(t *testing.T, r *access.Route, send func() *registry) (n int, denied *registry) {
	t.Helper()
	for range 10 {
		g := send()
		if g.at(t, r); g.exited {
			return n, g
		}
		n++
	}
	t.Fatal("10 requests and no denial")
	return n, nil
}

func TestTierOfAConsumer(t *testing.T) {
	issuer, route := routes(t)
	row := 0
	for name, tt := range map[string]struct {
		limitBy  string
		consumer string
		tier     any // the claim, nil for none
		want     int
	}{
		"by consumer: the tag":                       {"consumer", "alice", nil, 5},
		"by consumer: the tag before the claim":      {"consumer", "alice", "medium", 5},
		"by consumer: the claim without a tag":       {"consumer", "bob", "medium", 3},
		"by consumer: the default without both":      {"consumer", "bob", nil, 2},
		"by consumer: nobody is the default":         {"consumer", "carol", "large", 2},
		"by claim: the tag without a claim":          {"claim", "alice", nil, 5},
		"by claim: the claim before the tag":         {"claim", "alice", "medium", 3},
		"by claim: an unknown claim before the tag ": {"claim", "alice", "huge", 2},
		"by address: the tag too":                    {"ip", "alice", nil, 5},
	} {
		t.Run(name, func(t *testing.T) {
			row++
			r := route(mapping(map[string]any{"rate_limiting": sizes(map[string]any{"limit_by": tt.limitBy, "namespace": fmt.Sprint("row-", row)})}))
			token := issuer.Token(ping.Claims(map[string]any{"azp": tt.consumer, "tier": tt.tier}))
			n, _ := admitted(t, r, func() *registry { return registered(bearer(token)) })
			if n != tt.want {
				t.Errorf("%d passed, want %d", n, tt.want)
			}
		})
	}
}

func TestConsumerSharesACounterOverTokens(t *testing.T) {
	issuer, route := routes(t)
	r := route(mapping(map[string]any{"rate_limiting": sizes(map[string]any{"limit_by": "consumer"})}))
	tokens := []string{named(issuer, "bob"), named(issuer, bobID), issuer.Token(ping.Claims(map[string]any{"azp": "bob", "client_id": "another"}))}
	sent := 0
	if n, _ := admitted(t, r, func() *registry {
		sent++
		return registered(bearer(tokens[sent%len(tokens)]))
	}); n != 2 {
		t.Errorf("%d passed, want the 2 of one consumer", n)
	}
	if g := registered(bearer(named(issuer, "alice"))).at(t, r); g.exited {
		t.Error("another consumer has no counter of its own")
	}
}

func TestWhoGoesOnWithoutATokenIsLimitedByAddress(t *testing.T) {
	_, route := routes(t)
	for name, send := range map[string]func() *registry{
		"anonymous": func() *registry { return registered(&gateway{forwarded: "192.0.2.1"}) },
		"earlier": func() *registry {
			g := registered(&gateway{forwarded: "192.0.2.2"})
			g.earlier = access.Credential{ID: "session"}
			return g
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := route(map[string]any{"anonymous": "nobody", "rate_limiting": sizes(nil)})
			n, denied := admitted(t, r, send)
			if n != 2 || denied.status != 429 || code(t, denied.gateway) != "quota_exceeded" || denied.consumer != nil {
				t.Errorf("%d passed, then %d %s", n, denied.status, denied.header("X-Auth-Diagnosis"))
			}
			if !logged(denied.gateway, "credential_missing") {
				t.Error("the log has lost why it went on without a token")
			}
			other := send()
			other.forwarded = "198.51.100.9"
			if other.at(t, r); other.exited {
				t.Error("another address has no counter of its own")
			}
		})
	}
	t.Run("anonymous, report only", func(t *testing.T) {
		r := route(map[string]any{"anonymous": "nobody", "rate_limiting": sizes(map[string]any{"report_only": true, "namespace": "report"})})
		var g *registry
		for range 3 {
			g = registered(&gateway{forwarded: "192.0.2.3"}).at(t, r)
		}
		if g.exited || code(t, g.gateway) != "quota_exceeded" || g.consumer == nil {
			t.Errorf("exited %v: %s, consumer %v", g.exited, g.header("X-Auth-Diagnosis"), g.consumer)
		}
	})
}
