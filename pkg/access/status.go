package access

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/table"
)

// Status is an engine at a glance, for whoever runs the process. All of it comes from
// the configuration, the catalogue and counts: nothing is of a request.
type Status struct {
	Verdicts  []Verdicts
	Findings  []Findings
	Decisions []Decisions

	SignatureChecks       uint64
	GoodTokens, BadTokens int // remembered, as an estimate

	Instances, Invalid int // there are, and of those with a configuration that is no good
	Issuers            []IssuerKeys
	Fetches            []jwks.Fetches

	Local table.Stats // counters in memory
	Redis RedisStatus
}

// RedisStatus is all Redis stores of the process together.
type RedisStatus struct {
	table.Stats
	Stores, Away int // in use, and of those that decide without Redis
}

// IssuerKeys is how an issuer's keys fare. If instances disagree on how to fetch them,
// it is the worst of the sets.
type IssuerKeys struct {
	Issuer string // as jwks.ShownIssuer has it
	jwks.Health
}

// Status looks at the engine. No request waits for it, and it waits for no network.
func (e *Engine) Status() Status {
	s := Status{
		Verdicts:        e.tally.readVerdicts(),
		Findings:        e.tally.readFindings(),
		Decisions:       e.tally.readDecisions(),
		SignatureChecks: e.checks.Load(),
		GoodTokens:      e.tokens.good.EstimatedSize(),
		BadTokens:       e.tokens.bad.EstimatedSize(),
		Fetches:         e.keys.Fetches(),
		Redis:           e.counters.redis.status(),
	}
	s.Local = e.counters.stats()
	s.Instances, s.Invalid, s.Issuers = e.instances.look()
	return s
}

// Faulted counts a request that ended as a fault of the plugin, which a Route knows
// nothing of.
func (e *Engine) Faulted(c diagnosis.Code) {
	e.tally.verdict(&diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: c}})
}

// instances are the routes that there are. Kong does not tell when it has done with
// one, so a route is taken off the list when nobody can reach it any more.
type instances struct {
	mu   sync.Mutex
	live map[*instance]struct{}
}

// instance is what is known of a Route beside it: it MUST NOT lead to the Route, which
// would then be there for ever.
type instance struct {
	plugin string // the entity in Kong that it was made for
	broken bool
	sets   map[string]*jwks.Set // by issuer
	used   atomic.Int64         // Unix nanoseconds of the last request, or the start
}

// usedEvery is how exactly the last use is kept.
const usedEvery = time.Second

// add puts a route on the list.
func (l *instances) add(r *Route, plugin string, now time.Time) {
	i := &instance{plugin: plugin, broken: r.broken != nil}
	if !i.broken {
		i.sets = r.keys
	}
	i.touch(now)
	r.instance = i
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		l.live = map[*instance]struct{}{}
	}
	l.live[i] = struct{}{}
	runtime.AddCleanup(r, l.remove, i)
}

func (l *instances) remove(i *instance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.live, i)
}

// touch notes a use. Most requests only read here.
func (i *instance) touch(now time.Time) {
	if t := now.UnixNano(); t-i.used.Load() >= int64(usedEvery) {
		i.used.Store(t)
	}
}

// look counts the instances and looks at the keys that they need.
func (l *instances) look() (live, broken int, issuers []IssuerKeys) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.live {
		if i.broken {
			broken++
		}
	}
	worst, names := map[string]*IssuerKeys{}, []string{}
	for _, i := range l.current() {
		for issuer, set := range i.sets {
			k := &IssuerKeys{jwks.ShownIssuer(issuer), set.Health()}
			if k.Idle { // a gateway that is not ready would never be asked for it again
				continue
			}
			switch other := worst[k.Issuer]; {
			case other == nil:
				names = append(names, k.Issuer)
				worst[k.Issuer] = k
			case k.worse(other):
				worst[k.Issuer] = k
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		issuers = append(issuers, *worst[name])
	}
	return len(l.live), broken, issuers
}

// current returns an instance of each plugin entity, the one last used. The others of an
// entity are alike, of other workers, or have a configuration that was replaced: Kong
// leaves such for an hour, and a key set that was mended must not count until then.
func (l *instances) current() (list []*instance) {
	latest := map[string]*instance{}
	for i := range l.live {
		if i.plugin == "" { // Kong names every one
			list = append(list, i)
		} else if other := latest[i.plugin]; other == nil || i.used.Load() > other.used.Load() {
			latest[i.plugin] = i
		}
	}
	for _, i := range latest {
		list = append(list, i)
	}
	return list
}

// worse reports whether k says more of what is wrong than other.
func (k *IssuerKeys) worse(other *IssuerKeys) bool {
	if k.Usable != other.Usable {
		return !k.Usable
	}
	return cmp.Or(cmp.Compare(other.Keys, k.Keys), cmp.Compare(k.Age, other.Age)) > 0
}

// stats counts what the memory of the process holds.
func (c *counters) stats() (s table.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local != nil {
		s = c.local.Stats()
	}
	return s
}

// status adds up the stores.
func (s *stores) status() (all RedisStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.open {
		one := st.Stats()
		all.Stores++
		if one.Degraded {
			all.Away++
		}
		all.Keys += one.Keys
		all.Fallbacks += one.Fallbacks
		all.Overflows += one.Overflows
	}
	return all
}
