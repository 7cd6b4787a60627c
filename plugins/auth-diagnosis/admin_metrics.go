package main

import (
	"cmp"
	"runtime"
	"sync/atomic"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/metrics"
	"kong-plugin-auth-diagnosis/pkg/pluginserver"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/table"
)

// faults counts requests on which the plugin failed, by pluginserver.FaultKind.
type faults [pluginserver.FaultShutdown + 1]atomic.Uint64

// add counts one of a kind; one that is not known is FaultUnknown.
func (f *faults) add(kind pluginserver.FaultKind) {
	if kind < 0 || int(kind) >= len(f) {
		kind = pluginserver.FaultUnknown
	}
	f[kind].Add(1)
}

// prefix begins the names of the plugin's own series.
const prefix = "auth_diagnosis_"

// writeMetrics writes the plugin's own series. Dashboards know them by these names and
// labels: add to them, and rename none. A label's value is from the catalogue, from
// the configuration or from a list here, never from a request.
func writeMetrics(to *metrics.Page, s access.Status, f *faults) {
	to.Begin(metrics.Gauge, prefix+"build_info", "1, of this version of the plugin and of Go.")
	to.Add(1, metrics.Label{Name: "version", Value: version}, metrics.Label{Name: "goversion", Value: runtime.Version()})
	writeRequests(to, s)
	writeKeys(to, s)
	writeLimiter(to, s)
	to.Begin(metrics.Counter, prefix+"plugin_faults_total", "Requests that ended as a fault of the plugin.")
	for kind := pluginserver.FaultPanic; kind <= pluginserver.FaultShutdown; kind++ {
		count(to, float64(f[kind].Load()), "kind", kind.String())
	}
	to.Begin(metrics.Gauge, prefix+"instances", "Instances of the plugin, one for each worker that uses one, by whether their configuration can be used.")
	count(to, float64(s.Instances-s.Invalid), "config", "good")
	count(to, float64(s.Invalid), "config", "invalid")
}

func writeRequests(to *metrics.Page, s access.Status) {
	to.Begin(metrics.Counter, prefix+"requests_total", "Requests judged, by exact verdict; with mode advise nothing was rejected.")
	for _, v := range s.Verdicts {
		mode := "enforce"
		if v.Advise {
			mode = "advise"
		}
		count(to, float64(v.Count), "code", string(v.Code), "hop", v.Hop.String(), "mode", mode)
	}
	to.Begin(metrics.Counter, prefix+"findings_total", "Requests with an oddity that is no reason to reject them.")
	for _, n := range s.Findings {
		count(to, float64(n.Count), "finding", string(n.Name))
	}
	to.Begin(metrics.Counter, prefix+"signature_checks_total", "Signatures checked: requests whose token was not remembered.")
	count(to, float64(s.SignatureChecks))
	to.Begin(metrics.Gauge, prefix+"cached_tokens", "Tokens remembered, about.")
	count(to, float64(s.GoodTokens), "kind", "good")
	count(to, float64(s.BadTokens), "kind", "bad")
}

func writeKeys(to *metrics.Page, s access.Status) {
	to.Begin(metrics.Counter, prefix+"jwks_fetches_total", "Fetches of an issuer's keys, by how they ended: ok, or the code of the failure.")
	for _, n := range s.Fetches {
		count(to, float64(n.Count), "issuer", cmp.Or(n.Issuer, "other"), "outcome", cmp.Or(string(n.Code), "ok"))
	}
	to.Begin(metrics.Gauge, prefix+"jwks_usable", "Whether tokens of the issuer can be judged: 1 with keys that are not too old, else 0.")
	for _, k := range s.Issuers {
		usable := 0.0
		if k.Usable {
			usable = 1
		}
		count(to, usable, "issuer", k.Issuer)
	}
	to.Begin(metrics.Gauge, prefix+"jwks_keys", "Good keys of an issuer.")
	for _, k := range s.Issuers {
		count(to, float64(k.Keys), "issuer", k.Issuer)
	}
	to.Begin(metrics.Gauge, prefix+"jwks_age_seconds", "Seconds since an issuer's keys were fetched.")
	for _, k := range s.Issuers {
		if k.Keys > 0 {
			count(to, k.Age.Seconds(), "issuer", k.Issuer)
		}
	}
}

func writeLimiter(to *metrics.Page, s access.Status) {
	to.Begin(metrics.Counter, prefix+"limiter_decisions_total", "Decisions of the rate limiter, and the window that denied; none where it could not count.")
	for _, d := range s.Decisions {
		outcome := "denied"
		if d.Allowed {
			outcome = "allowed"
		}
		count(to, float64(d.Count), "outcome", outcome, "window", d.Window.String())
	}
	stores := []struct {
		name string
		table.Stats
	}{{"local", s.Local}, {"redis", s.Redis.Stats}}
	to.Begin(metrics.Gauge, prefix+"limiter_keys", "Counters in the memory of this process, of identities and of addresses without one.")
	for _, st := range stores {
		count(to, float64(st.Keys), "store", st.name, "kind", "identity")
		count(to, float64(st.Fallbacks), "store", st.name, "kind", "address")
	}
	to.Begin(metrics.Counter, prefix+"limiter_overflows_total", "Decisions on a counter that keys share because there was no room for more.")
	for _, st := range stores {
		count(to, float64(st.Overflows), "store", st.name)
	}
	to.Begin(metrics.Gauge, prefix+"limiter_stores", "Redis stores that are counted in.")
	count(to, float64(s.Redis.Stores))
	to.Begin(metrics.Gauge, prefix+"limiter_degraded", "Redis stores that do not answer: decisions are made without them.")
	count(to, float64(s.Redis.Away))
}

// count adds a sample; labels are names and values by turns.
func count(to *metrics.Page, n float64, labels ...string) {
	list := make([]metrics.Label, 0, len(labels)/2)
	for i := 0; i+1 < len(labels); i += 2 {
		list = append(list, metrics.Label{Name: labels[i], Value: labels[i+1]})
	}
	to.Add(n, list...)
}
