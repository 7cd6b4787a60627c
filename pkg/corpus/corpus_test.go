package corpus_test

import (
	"encoding/json"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/corpus"
	"kong-plugin-auth-diagnosis/pkg/jwks"
)

var load = sync.OnceValues(corpus.Load)

// families reads the corpus, once for all tests.
func families(t *testing.T) []corpus.Family {
	t.Helper()
	all, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCorpus runs every case through the request flow, keys fetched and all.
func TestCorpus(t *testing.T) {
	certificates() // outside of synthetic time
	for _, f := range families(t) {
		t.Run(f.Family, func(t *testing.T) {
			t.Parallel()
			for _, together := range worlds(t, &f) {
				answered := make([]*bridge, len(together))
				synctest.Test(t, func(t *testing.T) { answerAll(t, &f, together, answered) })
				for i, c := range together {
					t.Run(c.Name, func(t *testing.T) {
						checkLabel(t, c, c.In(&f), answered[i])
						checkForm(t, answered[i])
						checkDiscretion(t, c, c.In(&f), answered[i])
					})
				}
			}
		})
	}
}

// worlds groups the cases that can share a process, as routes of one gateway do:
// those with the same documents that are alone at the family's instant. It only
// saves time.
func worlds(t *testing.T, f *corpus.Family) [][]*corpus.Case {
	var all [][]*corpus.Case
	shared := map[string]int{}
	for i := range f.Cases {
		c := &f.Cases[i]
		if c.Earlier != nil || !c.Start.Equal(f.Clock) || !c.Now.Equal(f.Clock) {
			all = append(all, []*corpus.Case{c})
			continue
		}
		s := c.In(f)
		web, err := json.Marshal([]any{s.Documents, s.Consumers})
		if err != nil {
			t.Fatal(err)
		}
		at, ok := shared[string(web)]
		if !ok {
			at = len(all)
			shared[string(web)], all = at, append(all, nil)
		}
		all[at] = append(all[at], c)
	}
	return all
}

// answerAll starts a process in the cases' world, with a route for each
// configuration, and sends it their requests, each at its instant.
func answerAll(t *testing.T, f *corpus.Family, cases []*corpus.Case, answered []*bridge) {
	world, start, began := cases[0].In(f), cases[0].Start, time.Now()
	now := func() time.Time { return start.Add(time.Since(began)) }
	w := newWeb(t, world.Documents, now)
	keys := jwks.NewStore(jwks.WithClock(now), jwks.WithDial(w.Dial), jwks.WithJitter(func(d time.Duration) time.Duration { return d }))
	e := access.New(access.WithClock(now), access.WithKeys(keys))
	t.Cleanup(e.Close)
	routes := map[string]*access.Route{}
	for i, c := range cases {
		config := settings(t, c.In(f))
		route := routes[config]
		if route == nil {
			route = e.Start([]byte(config))
			routes[config] = route
		}
		for _, r := range c.Earlier {
			send(t, route, arrive(r, world.Consumers), r.At.Sub(now()))
		}
		answered[i] = arrive(c.Request, world.Consumers)
		send(t, route, answered[i], c.Now.Sub(now()))
	}
}

// send runs a request after a while, when all fetches that can end have ended.
func send(t *testing.T, route *access.Route, g *bridge, after time.Duration) {
	time.Sleep(after)
	synctest.Wait()
	if err := route.Access(access.Kong(g)); err != nil {
		t.Fatal(err)
	}
}

// settings is a setup's configuration with the web's authority in it.
func settings(t *testing.T, s corpus.Setup) string {
	config := map[string]any{}
	for name, v := range s.Config {
		config[name] = v
	}
	fetch := map[string]any{}
	if text, ok := s.Config["jwks"]; ok {
		if err := json.Unmarshal(text, &fetch); err != nil {
			t.Fatal(err)
		}
	}
	fetch["ca_certificates"] = []string{trusted()}
	config["jwks"] = fetch
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
