package token_test

import (
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Codes of this package's families that other packages decide: they need what a
// token alone does not tell.
var elsewhere = map[diagnosis.Code]bool{
	diagnosis.TokenMalformed: true, diagnosis.AuthorizationDenied: true, // shown only, never decided
	diagnosis.ConsumerNotFound: true, diagnosis.ConsumerAmbiguous: true,
	diagnosis.KidUnknown: true, diagnosis.KidUnknownThrottled: true, diagnosis.KidOtherIssuer: true,
	diagnosis.JWKSNeverLoaded: true, diagnosis.JWKSStaleExpired: true,
	// Decided here, by tests of several keys.
	diagnosis.AlgKeyMismatch: true, diagnosis.KidAmbiguous: true, diagnosis.KeyUseForbidden: true,
	diagnosis.KeyUnusable: true, diagnosis.KeyTooWeak: true,
}

// Every code that this package is to decide stands in one of its tables.
func TestEveryCodeHasACase(t *testing.T) {
	reached := map[diagnosis.Code]bool{}
	for _, c := range parseCases {
		reached[c.code] = true
	}
	for _, c := range headerCases {
		reached[c.code] = true
	}
	for _, c := range issuerCases {
		reached[c.code] = true
	}
	for _, c := range kindCases {
		for _, code := range c.codes {
			reached[code] = true
		}
	}
	for _, c := range timeCases {
		for _, f := range c.want {
			reached[f.Code] = true
		}
	}
	for _, c := range claimCases {
		for _, code := range c.codes {
			reached[code] = true
		}
	}
	for _, c := range authorizationCases {
		reached[c.code] = true
	}
	reached[diagnosis.RoleInsufficient], reached[diagnosis.GroupInsufficient] = true, true // with each scope case
	for _, row := range diagnosis.Rows() {
		switch row.Family {
		case diagnosis.FamilyStructure, diagnosis.FamilyHeader, diagnosis.FamilyKind,
			diagnosis.FamilyTime, diagnosis.FamilyClaim, diagnosis.FamilyAuthorization:
			if !reached[row.Code] && !elsewhere[row.Code] {
				t.Errorf("no case for %s", row.Code)
			}
		}
	}
}
