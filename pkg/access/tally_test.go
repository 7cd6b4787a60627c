package access

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// TestEveryVerdictHasAPlaceOfItsOwn counts each code with each hop it can have, as a
// rejection and as advice, a different number of times.
func TestEveryVerdictHasAPlaceOfItsOwn(t *testing.T) {
	tally := newTally()
	var want []Verdicts
	for i, r := range diagnosis.Rows() {
		for hop := diagnosis.Client; hop <= diagnosis.Upstream; hop++ {
			for _, advise := range []bool{false, true} {
				v := Verdicts{r.Code, hop, advise, uint64(i%3 + 1)}
				for range v.Count {
					tally.verdict(&diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: r.Code, Hop: hop}, Advise: advise})
				}
				want = append(want, v)
			}
		}
	}
	if diff := cmp.Diff(want, tally.readVerdicts()); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func TestAVerdictWithoutHopCountsAsTheCatalogueHasIt(t *testing.T) {
	tally := newTally()
	accepted := Verdicts{Code: diagnosis.Accepted, Hop: diagnosis.Gateway}
	if diff := cmp.Diff([]Verdicts{accepted}, tally.readVerdicts()); diff != "" {
		t.Errorf("verdicts before any (-want +got):\n%s", diff)
	}
	tally.verdict(&diagnosis.Diagnosis{Failure: *diagnosis.Fail(diagnosis.CredentialEmpty, "")})
	want := []Verdicts{{diagnosis.CredentialEmpty, diagnosis.Edge, false, 1}, accepted}
	if diff := cmp.Diff(want, tally.readVerdicts()); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func TestEveryFindingIsCounted(t *testing.T) {
	tally := newTally()
	var want []Findings
	for i, name := range diagnosis.FindingNames() {
		for range i {
			tally.verdict(&diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: diagnosis.Accepted}, Findings: []diagnosis.Finding{{Name: name}}})
		}
		want = append(want, Findings{name, uint64(i)})
	}
	if diff := cmp.Diff(want, tally.readFindings()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestDecisionsAreCountedByWindow(t *testing.T) {
	tally := newTally()
	for w := ratelimit.WindowNone; w <= ratelimit.WindowDay; w++ {
		for range w + 1 {
			tally.decision(ratelimit.Decision{Window: w})
		}
	}
	tally.decision(ratelimit.Decision{Allowed: true})
	want := []Decisions{
		{Allowed: true, Count: 1},
		{Window: ratelimit.WindowNone, Count: 1}, {Window: ratelimit.WindowSecond, Count: 2}, {Window: ratelimit.WindowMinute, Count: 3},
		{Window: ratelimit.WindowHour, Count: 4}, {Window: ratelimit.WindowDay, Count: 5},
	}
	if diff := cmp.Diff(want, tally.readDecisions(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	tally := newTally()
	accepted := &diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: diagnosis.Accepted}}
	refused := &diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: diagnosis.TokenExpired}, Findings: []diagnosis.Finding{{Name: diagnosis.LimiterDegraded}}}
	if n := testing.AllocsPerRun(100, func() {
		tally.verdict(accepted)
		tally.verdict(refused)
		tally.decision(ratelimit.Decision{Allowed: true})
	}); n != 0 {
		t.Errorf("counting allocates %v times, want none", n)
	}
}

func BenchmarkTally(b *testing.B) {
	tally := newTally()
	accepted := &diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: diagnosis.Accepted}}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			tally.verdict(accepted)
			tally.decision(ratelimit.Decision{Allowed: true})
		}
	})
}
