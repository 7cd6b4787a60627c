package access_test

import (
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// What telling Kong who the request is from adds to TestCallBudget's calls: a
// row is a configuration with limits, its second request what it costs while
// Kong's answer is remembered.
func TestConsumerCallBudget(t *testing.T) {
	issuer, route := routes(t)
	alice, carol := named(issuer, "alice"), named(issuer, "carol")
	grouped := issuer.Token(ping.Claims(map[string]any{"groups": []any{"gold"}}))
	groups := map[string]any{"authenticated_groups_claim": "groups"}
	const goesOn = 2 + 3 // waits: headers, request id; tells: log line, log object, upstream headers; the response's are in both
	for name, tt := range map[string]struct {
		over                     map[string]any
		g                        *gateway
		calls, waits             int
		cachedCalls, cachedWaits int
	}{
		"consumer: load and authenticate, then authenticate": {mapping(nil), bearer(alice), acceptedCalls + 2, 2, acceptedCalls + 1, 1},
		"no such consumer: load and credential":              {mapping(nil), bearer(carol), acceptedCalls + 2, 2, acceptedCalls + 1, 1},
		"no such consumer, required: load":                   {mapping(map[string]any{"consumer_optional": false}), bearer(carol), rejectedCalls + 1, rejectedWaits + 1, rejectedCalls, rejectedWaits},
		"rejected: nothing":                                  {mapping(nil), bearer(ping.Tamper(alice)), rejectedCalls, rejectedWaits, rejectedCalls, rejectedWaits},
		"groups: one":                                        {groups, bearer(grouped), acceptedCalls + 1, 1, acceptedCalls + 1, 1},
		"no groups: one":                                     {groups, bearer(alice), acceptedCalls + 1, 1, acceptedCalls + 1, 1},
		"consumer and groups: three, then two":               {mapping(groups), bearer(alice), acceptedCalls + 3, 2, acceptedCalls + 2, 1},
		"anonymous, with a good token: credential":           {map[string]any{"anonymous": "nobody"}, bearer(alice), acceptedCalls + 1, 1, acceptedCalls + 1, 1},
		"anonymous: credential, load, address, authenticate": {map[string]any{"anonymous": "nobody"}, bearer(ping.Tamper(alice)), goesOn + 1 + 4, 5, goesOn + 1 + 3, 4},
	} {
		t.Run(name, func(t *testing.T) {
			over := with(tt.over)
			over["__ws_id"] = name // answers of other rows do not count
			r := route(over)
			for _, want := range [][2]int{{tt.calls, tt.waits}, {tt.cachedCalls, tt.cachedWaits}} {
				copied := *tt.g
				g := registered(&copied).at(t, r)
				if calls, waits := g.calls(); calls != want[0] || waits != want[1] {
					t.Errorf("%d calls of which %d waited for, want %d and %d: %v, %d told", calls, waits, want[0], want[1], g.asked, len(g.told))
				}
			}
		})
	}
}
