package access_test

import (
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// engine is one of a clock that stands still, and what moves that on.
func engine(t *testing.T) (e *access.Engine, pass func(time.Duration)) {
	t.Helper()
	var passed atomic.Int64
	begin := time.Now()
	e = access.New(access.WithClock(func() time.Time { return begin.Add(time.Duration(passed.Load())) }))
	t.Cleanup(e.Close)
	return e, func(d time.Duration) { passed.Add(int64(d)) }
}

// counts are the verdicts since an earlier look, as code/hop and mode.
func counts(s, before access.Status) map[string]uint64 {
	all := map[string]uint64{}
	name := func(v access.Verdicts) string {
		mode := "enforce"
		if v.Advise {
			mode = "advise"
		}
		return strings.Join([]string{string(v.Code), v.Hop.String(), mode}, " ")
	}
	for _, v := range s.Verdicts {
		all[name(v)] += v.Count
	}
	for _, v := range before.Verdicts {
		if all[name(v)] -= v.Count; all[name(v)] == 0 {
			delete(all, name(v))
		}
	}
	return all
}

func TestStatusCountsWhatRequestsCameTo(t *testing.T) {
	issuer := newIssuer(t)
	e := access.New()
	t.Cleanup(e.Close)
	one := map[string]any{"default_tier": "one", "tiers": []any{map[string]any{"name": "one", "day": 2}}}
	enforce := ready(t, e, issuer, map[string]any{"rate_limiting": one, "route_id": "limited"})
	advise := ready(t, e, issuer, map[string]any{"mode": "advise"})
	quiet := ready(t, e, issuer, map[string]any{"run_on_preflight": false})
	broken := e.Start(config(issuer, map[string]any{"leeway": -1}))
	before := e.Status()

	good, expired := issuer.Token(), issuer.Token(ping.Expires(time.Now().Add(-time.Hour)))
	for range 3 {
		run(t, enforce, bearer(good))
		run(t, advise, bearer(expired))
	}
	run(t, advise, bearer(good))
	run(t, enforce, &gateway{headers: map[string][]string{}})
	run(t, enforce, &gateway{headers: map[string][]string{"authorization": {""}}})
	run(t, broken, bearer(good))
	run(t, quiet, &gateway{method: "OPTIONS"}) // not judged
	e.Faulted(diagnosis.DeadlineExceeded)
	after := e.Status()

	want := map[string]uint64{
		"accepted gateway enforce":          2,
		"quota_exceeded client enforce":     1,
		"accepted gateway advise":           1,
		"token_expired client advise":       3,
		"credential_missing client enforce": 1,
		"credential_empty edge enforce":     1,
		"config_invalid gateway enforce":    1,
		"deadline_exceeded gateway enforce": 1,
	}
	if diff := cmp.Diff(want, counts(after, before)); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	for _, d := range after.Decisions {
		if want := map[string]uint64{"none": 2, "day": 1}[d.Window.String()]; (d.Allowed || d.Window != 0) && d.Count != want {
			t.Errorf("%d decisions %+v, expected %d", d.Count, d, want)
		}
	}
	// The two policies judge for themselves: good and expired by the advising one,
	// good by the other.
	if n := after.SignatureChecks - before.SignatureChecks; n != 3 {
		t.Errorf("%d signature checks, expected 3", n)
	}
	if after.Local.Keys != 1 || after.Instances != 4 || after.Invalid != 1 || after.Redis.Stores != 0 {
		t.Errorf("local %+v, %d instances of which %d are invalid, Redis %+v", after.Local, after.Instances, after.Invalid, after.Redis)
	}
	if after.GoodTokens < 1 {
		t.Errorf("%d good tokens are remembered", after.GoodTokens)
	}
	runtime.KeepAlive([]*access.Route{enforce, advise, quiet, broken})
}

// gone is a gateway that has dropped the request when the answer comes.
type gone struct{ *gateway }

func (gone) Exit([]byte) error { return errors.New("gone") }

func TestAnAnswerThatNobodyTookIsNotCounted(t *testing.T) {
	issuer := newIssuer(t)
	e := access.New()
	t.Cleanup(e.Close)
	r := ready(t, e, issuer, nil)
	before := e.Status()
	if err := r.Access(access.Kong(gone{&gateway{}})); err == nil {
		t.Fatal("expected an error, got none")
	}
	if diff := cmp.Diff(map[string]uint64{}, counts(e.Status(), before)); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

// instance is a configuration of a plugin entity in Kong that trusts issuers, whose
// keys nobody has.
func instance(t *testing.T, e *access.Engine, plugin string, issuers ...string) *access.Route {
	t.Helper()
	list := []any{}
	for _, i := range issuers {
		list = append(list, map[string]any{"issuer": i, "jwks_uris": []any{"http://" + nobody(t) + "/jwks"}, "audiences": []any{"orders"}})
	}
	text, err := json.Marshal(map[string]any{"__plugin_id": plugin, "issuers": list})
	if err != nil {
		t.Fatal(err)
	}
	return e.Start(text)
}

func shown(s access.Status) (issuers []string) {
	for _, k := range s.Issuers {
		issuers = append(issuers, k.Issuer)
	}
	return issuers
}

func TestKeysAreThoseThatInstancesNeedNow(t *testing.T) {
	e, pass := engine(t)
	if s := e.Status(); s.Instances != 0 || len(s.Issuers) != 0 {
		t.Fatalf("before any instance: %+v", s)
	}
	const a, b, c = "https://a.example", "https://b.example", "https://user:s3cret@c.example"
	first := instance(t, e, "one", a, b)
	other := instance(t, e, "two", c)
	if diff := cmp.Diff([]string{a, b, "https://xxxxx@c.example"}, shown(e.Status())); diff != "" {
		t.Errorf("issuers (-want +got):\n%s", diff)
	}

	// A configuration takes another's place. While requests still come to the old one,
	// as they do from workers that drain, it counts.
	pass(time.Minute)
	second := instance(t, e, "one", b)
	want := []string{b, "https://xxxxx@c.example"}
	if diff := cmp.Diff(want, shown(e.Status())); diff != "" {
		t.Errorf("issuers after a change (-want +got):\n%s", diff)
	}
	pass(time.Minute)
	run(t, first, &gateway{})
	if got := shown(e.Status()); len(got) != 3 {
		t.Errorf("issuers while the old one is in use: %q", got)
	}
	pass(time.Minute)
	run(t, second, &gateway{})
	if diff := cmp.Diff(want, shown(e.Status())); diff != "" {
		t.Errorf("issuers when the new one is in use (-want +got):\n%s", diff)
	}
	for _, k := range e.Status().Issuers {
		if k.Usable || k.Keys != 0 || k.Code == "" {
			t.Errorf("%+v, expected no keys, and why", k)
		}
	}
	runtime.KeepAlive([]*access.Route{first, second, other})
}

// Instances that nobody holds any more leave the list with the next collections.
func TestInstancesEndWithTheirLastUser(t *testing.T) {
	e, _ := engine(t)
	kept := instance(t, e, "kept")
	for range 100 {
		instance(t, e, "gone")
	}
	deadline := time.Now().Add(10 * time.Second)
	for e.Status().Instances != 1 {
		if time.Now().After(deadline) {
			t.Fatalf("%d instances, expected 1", e.Status().Instances)
		}
		runtime.GC()
	}
	runtime.KeepAlive(kept)
}

func TestTheWorstSetOfAnIssuerIsShown(t *testing.T) {
	issuer := newIssuer(t)
	e := access.New()
	t.Cleanup(e.Close)
	good := ready(t, e, issuer, map[string]any{"__plugin_id": "good"})
	if s := e.Status(); len(s.Issuers) != 1 || !s.Issuers[0].Usable || s.Issuers[0].Keys == 0 {
		t.Errorf("issuers %+v, expected one with keys", s.Issuers)
	}
	bad := instance(t, e, "bad", issuer.IssuerURL())
	if s := e.Status(); len(s.Issuers) != 1 || s.Issuers[0].Usable {
		t.Errorf("issuers %+v, expected one without keys", s.Issuers)
	}
	runtime.KeepAlive([]*access.Route{good, bad})
}

func TestStatusOfRedis(t *testing.T) {
	issuer := newIssuer(t)
	e := access.New()
	t.Cleanup(e.Close)
	r := ready(t, e, issuer, redisAt(nobody(t), nil))
	for range 10 { // more than the breaker needs
		run(t, r, bearer(issuer.Token()))
	}
	if s := e.Status().Redis; s.Stores != 1 || s.Away != 1 || s.Keys != 1 {
		t.Errorf("Redis %+v, expected one that is away, and a key", s)
	}
}
