package access

import (
	"slices"
	"sync/atomic"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// tally counts what requests came to. It is written by every request, so it is fixed
// memory: nothing of a request can make it grow, and counting is one atomic addition.
type tally struct {
	verdicts  []atomic.Uint64 // by place
	findings  []atomic.Uint64 // in the order of findingNames
	decisions [2][windows]atomic.Uint64
}

const (
	hops    = int(diagnosis.Upstream) + 1
	windows = int(ratelimit.WindowDay) + 1
)

// rows is where a code stands in the catalogue.
var rows = func() map[diagnosis.Code]int {
	m := map[diagnosis.Code]int{}
	for i, r := range diagnosis.Rows() {
		m[r.Code] = i
	}
	return m
}()

var findingNames = diagnosis.FindingNames()

func newTally() *tally {
	return &tally{
		verdicts: make([]atomic.Uint64, 2*hops*len(rows)),
		findings: make([]atomic.Uint64, len(findingNames)),
	}
}

// place is where a verdict is counted: row by row, hop by hop, once for those that were
// put into effect and once for mere advice.
func place(row int, hop diagnosis.Hop, advise bool) int {
	p := 2 * (row*hops + int(hop))
	if advise {
		p++
	}
	return p
}

// verdict counts a verdict after it has been given.
func (t *tally) verdict(d *diagnosis.Diagnosis) {
	row, hop := rows[d.Code], d.Hop
	if hop == diagnosis.HopUnset {
		hop = diagnosis.Rows()[row].Hops[0]
	}
	t.verdicts[place(row, hop, d.Advise)].Add(1)
	for i := range d.Findings {
		same := func(f diagnosis.Finding) bool { return f.Name == d.Findings[i].Name }
		if n := slices.Index(findingNames, d.Findings[i].Name); n >= 0 && !slices.ContainsFunc(d.Findings[:i], same) {
			t.findings[n].Add(1) // requests are counted, and one may have it twice
		}
	}
}

// decision counts what a limiter says.
func (t *tally) decision(d ratelimit.Decision) {
	allowed := 0
	if d.Allowed {
		allowed = 1
	}
	t.decisions[allowed][d.Window].Add(1)
}

// Verdicts counts the requests that got one verdict.
type Verdicts struct {
	Code   diagnosis.Code // the exact one, whatever the client was told
	Hop    diagnosis.Hop
	Advise bool // nothing was rejected, as mode=advise in the header says
	Count  uint64
}

// Findings counts the requests with one finding.
type Findings struct {
	Name  diagnosis.FindingName
	Count uint64
}

// Decisions counts the limiters' decisions of one kind.
type Decisions struct {
	Allowed bool
	Window  ratelimit.Window // that denied; WindowNone where the limiter could not count
	Count   uint64
}

// readVerdicts lists the verdicts there were, in the catalogue's order, and always the
// accepted ones.
func (t *tally) readVerdicts() (all []Verdicts) {
	for row, r := range diagnosis.Rows() {
		for hop := range hops {
			for _, advise := range []bool{false, true} {
				v := Verdicts{r.Code, diagnosis.Hop(hop), advise, t.verdicts[place(row, diagnosis.Hop(hop), advise)].Load()}
				if v.Count > 0 || v == (Verdicts{Code: diagnosis.Accepted, Hop: diagnosis.Gateway}) {
					all = append(all, v)
				}
			}
		}
	}
	return all
}

// readFindings lists all findings.
func (t *tally) readFindings() (all []Findings) {
	for i, name := range findingNames {
		all = append(all, Findings{name, t.findings[i].Load()})
	}
	return all
}

// readDecisions lists all kinds of decisions.
func (t *tally) readDecisions() []Decisions {
	all := []Decisions{{Allowed: true, Count: t.decisions[1][ratelimit.WindowNone].Load()}}
	for w := range windows {
		all = append(all, Decisions{Window: ratelimit.Window(w), Count: t.decisions[0][w].Load()})
	}
	return all
}
