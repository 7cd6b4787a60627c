package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/metrics"
)

// pages are what the admin address has, by path.
func (p *plugin) pages() map[string]func() page {
	return map[string]func() page{
		"/healthz": func() page { return textPage(http.StatusOK, "ok") },
		"/readyz":  func() page { return readiness(p.engine.Status()) },
		"/metrics": func() page {
			var to metrics.Page
			writeMetrics(&to, p.engine.Status(), &p.faults)
			metrics.ReadProcess(os.DirFS("/proc"), os.Getpagesize()).Write(&to)
			return page{http.StatusOK, metrics.ContentType, to.Bytes()}
		},
	}
}

// maxMissing bounds the issuers that a page of readiness names.
const maxMissing = 50

// ready is the JSON of /readyz.
type ready struct {
	Status    string          `json:"status"`
	Instances int             `json:"instances"`
	Missing   []missingIssuer `json:"issuers,omitempty"` // without keys
	More      int             `json:"more,omitempty"`    // of them
}

type missingIssuer struct {
	Issuer string         `json:"issuer"`
	Code   diagnosis.Code `json:"code"`
}

// readiness is 200 if there are keys for every issuer that an instance has, and 503 with
// those that have none otherwise. Without an instance there is nothing to wait for: Kong
// makes one with the first request, and would never send that to a gateway that is not
// ready before.
func readiness(s access.Status) page {
	r := ready{Status: "ready", Instances: s.Instances}
	if s.Instances == 0 {
		r.Status = "no instances"
	}
	status := http.StatusOK
	for _, k := range s.Issuers {
		switch {
		case k.Usable:
			continue
		case len(r.Missing) < maxMissing:
			r.Missing = append(r.Missing, missingIssuer{k.Issuer, k.Code})
		default:
			r.More++
		}
		status, r.Status = http.StatusServiceUnavailable, "keys missing"
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil { // strings and numbers: it cannot fail
		return textPage(http.StatusInternalServerError, "cannot say")
	}
	return page{status, "application/json", body.Bytes()}
}
