package credential_test

import (
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Every code of the family has a case in the table of Authorization values, but
// for those that need more than one header, a key's size or the edge's word.
func TestEveryCodeHasACase(t *testing.T) {
	reached := map[diagnosis.Code]bool{
		diagnosis.CredentialMissing: true, diagnosis.CredentialMoved: true, diagnosis.CredentialConflict: true, // several headers
		diagnosis.CredentialTruncated: true, // pkg/token
		// pkg/edge
		diagnosis.WitnessMissing: true, diagnosis.WitnessInvalid: true, diagnosis.WitnessStale: true,
		diagnosis.CredentialStripped: true, diagnosis.CredentialReplaced: true, diagnosis.CredentialRewritten: true,
		diagnosis.StrippedSuspected: true,
	}
	for _, tc := range bearerCases {
		reached[tc.code] = true
	}
	for _, row := range diagnosis.Rows() {
		if row.Family == diagnosis.FamilyCredential && !reached[row.Code] {
			t.Errorf("no case for %s", row.Code)
		}
	}
}
