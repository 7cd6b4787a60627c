//go:build spec

package chaos

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/chaos/traffic"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// ways are the two to count in Redis: sync_rate and for how long after a fault a
// request may be refused by fault_policy: deny.
var ways = []struct {
	name, rate string
	gap        time.Duration
}{
	{"async", "0.1", asyncGap},
	{"strict", "-1", strictGap},
}

// counted is a Redis that will fail, and the routes that count in it: under each
// fault_policy some that nobody's limit is met on, with traffic, and one with a quota.
type counted struct {
	redisFault
	redis *redistest.Server
	line  *line // nil when the routes do not need one
	loads map[string]*load
	gaps  map[string]func() traffic.Gap
	spent map[string]*spending

	struck int
	over   time.Time // when the fault was
}

func (c *counted) routes() (list []route) {
	port := fmt.Sprint(c.redis.Port)
	if c.line != nil {
		port = c.line.port()
	}
	for _, w := range ways {
		counting := fmt.Sprintf("policy: redis, sync_rate: %s, redis: {host: %s, port: %s, timeout: %d%s}, ",
			w.rate, c.redis.Host, port, redisTimeout.Milliseconds(), c.counts)
		for _, policy := range []string{"local", "allow", "deny"} {
			list = append(list, route{name: c.route(w.name, policy), counting: counting + "fault_policy: " + policy + ", "})
		}
		list = append(list, route{
			name: c.route(w.name, "quota"), extra: "diagnosis: {on_accept: true}",
			counting: fmt.Sprintf("%snodes: %d, day_timezone: %s, ", counting, sharers, calm()), tier: fmt.Sprintf("day: %d", quota),
		})
	}
	return list
}

func (c *counted) route(way, policy string) string { return c.name + "-" + way + "-" + policy }

// TestRedisFails has traffic on routes that count in Redis in each way, and breaks
// that Redis. Bad tokens stay out, good ones pass, and where the policy is to deny
// they are told why, for as long as gaps_test.go says.
func TestRedisFails(t *testing.T) {
	t.Parallel()
	var all []*counted
	list := []route{{name: "a"}}
	for _, f := range redisFaults {
		c := &counted{redisFault: f, redis: redistest.Start(t, f.options)}
		if f.far {
			c.line = lay(t, c.redis.Addr)
		}
		all, list = append(all, c), append(list, c.routes()...)
	}
	r := start(t, rig.Options{Config: routes(list...)})
	for _, c := range all {
		c.begin(t, r)
	}
	for _, c := range all {
		c.spend(t, r, early)
	}
	for _, c := range all {
		c.fail(t)
	}
	for _, c := range all {
		c.repeat(t)
	}
	for _, c := range all {
		if c.heal == nil {
			continue
		}
		for _, w := range ways {
			await(t, r, "/"+c.route(w.name, "deny"), http.StatusServiceUnavailable)
		}
		c.spend(t, r, quota)
	}
	for _, c := range all {
		if c.heal != nil {
			c.heal(t, c)
			c.over = time.Now()
		}
	}
	for _, c := range all {
		for _, w := range ways {
			await(t, r, "/"+c.route(w.name, "deny"), http.StatusOK)
		}
		c.spend(t, r, quota)
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) { c.judge(t, r) })
	}
}

// begin starts the traffic of each route, and the gaps that Redis may tear.
func (c *counted) begin(t *testing.T, r *rig.Rig) {
	t.Helper()
	c.loads, c.gaps, c.spent = map[string]*load{}, map[string]func() traffic.Gap{}, map[string]*spending{}
	for _, w := range ways {
		for _, policy := range []string{"local", "allow", "deny"} {
			name := c.route(w.name, policy)
			await(t, r, "/"+name, http.StatusOK)
			c.loads[name] = along(t, r, "/"+name, traffic.Options{Clients: 1, Pause: 150 * time.Millisecond})
		}
		name := c.route(w.name, "quota")
		await(t, r, "/"+name, http.StatusOK)
		c.spent[name] = &spending{token: r.PingFederate.Token(ping.ForClient("spender"))}
	}
}

// fail strikes. With fault_policy: deny it may be felt from here on, by good requests
// that are told so.
func (c *counted) fail(t *testing.T) {
	t.Helper()
	if c.heal != nil || c.blows > 0 {
		for _, w := range ways {
			name := c.route(w.name, "deny")
			c.gaps[name] = c.loads[name].Gap("limiter_unavailable")
		}
	}
	c.strike(t, c)
	c.struck++
}

// repeat strikes again where it takes several blows, until one has hit. There are good
// requests in between, of every route.
func (c *counted) repeat(t *testing.T) {
	t.Helper()
	for c.blows > 0 && (c.struck < c.blows || c.hits && c.loads[c.route("strict", "deny")].Tally().Excused == 0) {
		if c.struck == 50 {
			t.Fatalf("%s: nobody noticed %d times: nothing was tested", c.name, c.struck)
		}
		c.loads[c.route("strict", "local")].pass(3)
		c.strike(t, c)
		c.struck++
	}
	if c.heal == nil {
		c.over = time.Now()
	}
}

// judge says what is wrong with what the routes of one Redis did.
func (c *counted) judge(t *testing.T, r *rig.Rig) {
	for _, w := range ways {
		name := c.route(w.name, "deny")
		if end := c.gaps[name]; end != nil {
			g := end()
			felt := g.Last.Sub(c.over)
			t.Logf("%s: %d requests excused over %s, %s after the fault", name, g.Excused, g.Length().Round(time.Millisecond), felt.Round(time.Millisecond))
			if felt > w.gap {
				t.Errorf("%s: the fault was felt for %s after its end, expected at most %s", name, felt, w.gap)
			}
			if c.heal == nil && g.Excused > c.struck {
				t.Errorf("%s: %d requests excused, expected one at most for each of %d", name, g.Excused, c.struck)
			}
		}
		c.judgeQuota(t, r, w.name)
	}
	for name, l := range c.loads {
		l.t = t
		if tally := l.end(); tally.Slowest > redisTimeout+slack {
			t.Errorf("%s: a request took %s, expected the timeout of %s at most", name, tally.Slowest, redisTimeout)
		}
	}
}
