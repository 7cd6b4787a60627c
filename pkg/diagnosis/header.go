package diagnosis

import (
	"github.com/dunglas/httpsfv"
)

// Header returns the diagnosis header's value: an RFC 9651 Item, the code as a
// token with parameters. Below Full it takes at most 256 bytes; a value that
// would take more loses fix first.
func (d *Diagnosis) Header() string {
	s := d.item(true)
	if d.Level < Full && len(s) > maxHeader || len(s) > maxHeaderFull {
		s = d.item(false)
	}
	return s
}

// maxTier bounds a tier's name in the header, in bytes.
const maxTier = 64

// degraded is the header's and the body's word for LimiterDegraded.
const degraded = "degraded"

func (d *Diagnosis) item(withFix bool) string {
	v := d.view()
	it := httpsfv.NewItem(httpsfv.Token(v.row.Code))
	if d.Level > Minimal {
		it.Params.Add("hop", httpsfv.Token(v.hop.String()))
		it.Params.Add("certainty", httpsfv.Token(v.certainty.String()))
		if v.by != nil {
			it.Params.Add("by", *v.by)
		}
		if d.Window != "" {
			it.Params.Add("tier", Clean(d.Tier, maxTier))
			it.Params.Add("window", httpsfv.Token(d.Window))
		}
		if withFix {
			it.Params.Add("fix", v.row.Fix)
		}
	}
	if d.Level == Full {
		if t := d.detail(); t != "" {
			it.Params.Add("detail", t)
		}
	}
	if d.Level > Minimal && d.found(LimiterDegraded) {
		it.Params.Add("limiter", httpsfv.Token(degraded))
	}
	if d.Advise {
		it.Params.Add("mode", httpsfv.Token("advise"))
	}
	if d.RequestID != "" {
		it.Params.Add("id", Clean(d.RequestID, 64))
	}
	s, err := httpsfv.Marshal(it)
	if err != nil {
		// Only an integer beyond RFC 9651's fifteen digits gets here: By is
		// then worth nothing, the code still is.
		return string(v.row.Code)
	}
	return s
}
