package diagnosis_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// declaredCodes reads the constants of code.go, so that a code without a row
// (or a row without a code) cannot slip in.
func declaredCodes(t *testing.T) map[diagnosis.Code]bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[diagnosis.Code]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			s, _ := strconv.Unquote(lit.Value)
			codes[diagnosis.Code(s)] = true
		}
		return true
	})
	return codes
}

func TestEveryCodeHasOneRow(t *testing.T) {
	codes := declaredCodes(t)
	seen := map[diagnosis.Code]bool{}
	for _, r := range diagnosis.Rows() {
		if seen[r.Code] {
			t.Errorf("%s has two rows", r.Code)
		}
		seen[r.Code] = true
		if !codes[r.Code] {
			t.Errorf("row %q is not a declared code", r.Code)
		}
	}
	for c := range codes {
		if !seen[c] {
			t.Errorf("code %q has no row", c)
		}
	}
}

func TestRowsAreFitToSend(t *testing.T) {
	for _, r := range diagnosis.Rows() {
		for what, s := range map[string]string{"cause": r.Cause, "fix": r.Fix} {
			if s == "" || diagnosis.Clean(s, 200) != s {
				t.Errorf("%s: %s %q must be plain ASCII without quotes, at most 200 bytes", r.Code, what, s)
			}
		}
		if len(r.Hops) == 0 || r.Certainty == diagnosis.CertaintyUnset || r.Family == diagnosis.FamilyUnset {
			t.Errorf("%s: row incomplete: %+v", r.Code, r)
		}
	}
}

func TestStatusAndErrorFollowRFC6750(t *testing.T) {
	want := map[string]int{diagnosis.InvalidRequest: 400, diagnosis.InvalidToken: 401, diagnosis.InsufficientScope: 403}
	for _, r := range diagnosis.Rows() {
		if s, ok := want[r.Error]; ok && s != r.Status {
			t.Errorf("%s: error %q goes with %d, row says %d", r.Code, r.Error, s, r.Status)
		}
		if r.Status >= 500 && r.Error != "" {
			t.Errorf("%s: a fault that is not the client's must not carry error %q", r.Code, r.Error)
		}
	}
}

func TestEveryRowFitsTheHeader(t *testing.T) {
	by := int64(-999_999_999)
	for _, r := range diagnosis.Rows() {
		d := diagnosis.Diagnosis{
			Failure:   diagnosis.Failure{Code: r.Code},
			Level:     diagnosis.Standard,
			Advise:    true,
			RequestID: strings.Repeat("f", 32),
			Findings:  []diagnosis.Finding{{Name: diagnosis.LimiterDegraded}},
		}
		if r.Code == diagnosis.RateLimited || r.Code == diagnosis.QuotaExceeded {
			d.Tier, d.Window = strings.Repeat("t", 128), "second"
		}
		if r.Unit != "" {
			d.By = &by
		}
		h := d.Header()
		if len(h) > 256 {
			t.Errorf("%s: header takes %d bytes, want at most 256", r.Code, len(h))
		}
		if !strings.Contains(h, "fix=") {
			t.Errorf("%s: fix does not fit: %s", r.Code, h)
		}
	}
}

// What rests on bytes that any client could have sent accuses nobody else with
// more than a weak certainty. Two header rows rest on the configuration too.
func TestAccusationsWithoutProofAreWeak(t *testing.T) {
	configured := map[diagnosis.Code]bool{diagnosis.AlgNotAllowed: true, diagnosis.KidMissing: true, diagnosis.AlgKeyMismatch: true}
	for _, c := range []diagnosis.Code{
		diagnosis.WitnessMissing, diagnosis.WitnessInvalid, diagnosis.WitnessStale, // the configuration asks for it
		diagnosis.CredentialStripped, diagnosis.CredentialReplaced, diagnosis.CredentialRewritten, // only with a witness
	} {
		configured[c] = true
	}
	for _, r := range diagnosis.Rows() {
		switch r.Family {
		case diagnosis.FamilyCredential, diagnosis.FamilyStructure, diagnosis.FamilyHeader:
			if r.Hops[0] != diagnosis.Client && r.Certainty != diagnosis.Weak && !configured[r.Code] {
				t.Errorf("%s accuses %s with certainty %s", r.Code, r.Hops[0], r.Certainty)
			}
		}
	}
}
