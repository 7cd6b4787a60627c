//go:build spec

package chaos

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// Of a quota of some requests a client sends a few before the fault, and then, in the
// fault and after it, more than there are left.
const (
	quota, early = 12, 2
	sharers      = 2 // nodes that are said to share it: one has half of what is left
)

// calm is a time zone whose midnight is hours away.
func calm() string {
	if hour := time.Now().UTC().Hour(); hour < 6 || hour >= 18 {
		return "Etc/GMT+12"
	}
	return "UTC"
}

// spending is what one client got of a quota.
type spending struct {
	token string
	phase []int // admitted, in each
	doubt int   // may count twice: decided here, and perhaps by a Redis that answers nobody
	other []string
}

func (s *spending) passed() (n int) {
	for _, admitted := range s.phase {
		n += admitted
	}
	return n
}

// spend sends requests of the client to each route with a quota.
func (c *counted) spend(t *testing.T, r *rig.Rig, n int) {
	t.Helper()
	for name, s := range c.spent {
		admitted := 0
		for range n {
			begun := time.Now()
			resp, err := r.Get(r.Proxy+"/"+name, s.token)
			if err != nil {
				t.Fatal(err)
			}
			diagnosis := resp.Header.Get("X-Auth-Diagnosis")
			degraded := strings.Contains(diagnosis, ";limiter=degraded")
			if degraded && (c.heal == nil || !c.over.IsZero() || time.Since(begun) >= redisTimeout) {
				s.doubt++
			}
			switch code, _, _ := strings.Cut(diagnosis, ";"); {
			case resp.StatusCode == http.StatusOK:
				admitted++
			case resp.StatusCode != http.StatusTooManyRequests || code != "quota_exceeded":
				s.other = append(s.other, fmt.Sprintf("%d %s", resp.StatusCode, diagnosis))
			}
		}
		s.phase = append(s.phase, admitted)
	}
}

// judgeQuota: nobody gets more of a quota than it has, nor more than a node's share of
// the rest in a fault, nor less in the end. What only Redis knew it may forget.
func (c *counted) judgeQuota(t *testing.T, r *rig.Rig, way string) {
	t.Helper()
	name := c.route(way, "quota")
	s, least, most := c.spent[name], quota, quota
	if way == "strict" {
		least -= s.doubt
		if c.forgets {
			most += early
		}
	}
	if n := s.passed(); n < least || n > most || s.phase[0] != early {
		t.Errorf("%s: %v requests passed, expected %d to %d, of them %d at first", name, s.phase, least, most, early)
	}
	if share := (quota - early) / sharers; c.heal != nil && s.phase[1] != share {
		t.Errorf("%s: %d requests passed in the fault, expected a share of %d", name, s.phase[1], share)
	}
	if n := r.Upstream.RequestsTo("/" + name); n != s.passed()+1 { // the one that begin waits for
		t.Errorf("%s: %d requests reached the service, expected %d", name, n, s.passed()+1)
	}
	if len(s.other) > 0 {
		t.Errorf("%s: %d answers are neither 200 nor 429, the first is %s", name, len(s.other), s.other[0])
	}
}
