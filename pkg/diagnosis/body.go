package diagnosis

import (
	"bytes"
	"encoding/json"
)

// ContentType is the media type of [Diagnosis.Body].
const ContentType = "application/json; charset=utf-8"

type body struct {
	Message   string `json:"message"`
	RequestID string `json:"request_id,omitempty"`
	Diagnosis *shown `json:"diagnosis,omitempty"`
}

// shown is what the header carries, as JSON.
type shown struct {
	Code      Code   `json:"code"`
	Hop       string `json:"hop,omitempty"`
	Certainty string `json:"certainty,omitempty"`
	By        *int64 `json:"by,omitempty"`
	Tier      string `json:"tier,omitempty"`
	Window    string `json:"window,omitempty"`
	Fix       string `json:"fix,omitempty"`
	Detail    string `json:"detail,omitempty"`
	Limiter   string `json:"limiter,omitempty"`
	ID        string `json:"id,omitempty"`
}

// Body returns the JSON body of a rejection. An empty message stands for the
// status' own; with explain false the diagnosis is left out.
func (d *Diagnosis) Body(message string, explain bool) []byte {
	if message == "" {
		message = d.Message()
	}
	b := body{Message: message, RequestID: d.RequestID}
	if explain {
		v := d.view()
		b.Diagnosis = &shown{Code: v.row.Code, ID: d.RequestID}
		if d.Level > Minimal {
			b.Diagnosis.Hop, b.Diagnosis.Certainty = v.hop.String(), v.certainty.String()
			b.Diagnosis.By, b.Diagnosis.Fix = v.by, v.row.Fix
			b.Diagnosis.Tier, b.Diagnosis.Window = d.Tier, d.Window
			if d.found(LimiterDegraded) {
				b.Diagnosis.Limiter = degraded
			}
		}
		if d.Level == Full {
			b.Diagnosis.Detail = d.detail()
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	// The struct holds strings and integers only: it always encodes.
	_ = enc.Encode(b)
	return bytes.TrimRight(out.Bytes(), "\n")
}
