package jwks

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// TestAnswer is the table of what is said when; seconds count from the instant
// of the lookup, negative is the past, and 0 means never.
func TestAnswer(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	terms := &terms{cooldown: 30 * time.Second, maxStale: time.Hour, grace: 10 * time.Minute}
	at := func(seconds int) time.Time {
		if seconds == 0 {
			return time.Time{}
		}
		return now.Add(time.Duration(seconds) * time.Second)
	}
	ring := newKeyring([]Key{testKey("k", "", 1)})
	broken := faultf(diagnosis.JWKSConnect, "connection refused")
	tests := map[string]struct {
		ring                            *keyring
		fetched, complete, failed, next int
		fault                           *fault
		refreshing                      bool
		kid                             string
		code                            diagnosis.Code
		retry                           int
		refresh                         bool
	}{
		"nothing yet":                   {refreshing: true, kid: "k", code: diagnosis.JWKSNeverLoaded, retry: 1},
		"first fetch failed":            {fault: broken, failed: -1, next: 7, kid: "k", code: diagnosis.JWKSConnect, retry: 7},
		"first fetch failed, repeating": {fault: broken, failed: -9, next: -1, refreshing: true, kid: "k", code: diagnosis.JWKSConnect, retry: 1},

		"found":                     {ring: ring, fetched: -10, complete: -10, kid: "k"},
		"found while failing":       {ring: ring, fetched: -3599, complete: -3599, failed: -1, fault: broken, kid: "k"},
		"found at max_stale":        {ring: ring, fetched: -3600, complete: -3600, failed: -1, fault: broken, kid: "k"},
		"past max_stale":            {ring: ring, fetched: -3601, complete: -3601, failed: -1, fault: broken, next: 4, kid: "k", code: diagnosis.JWKSStaleExpired, retry: 4},
		"past max_stale, unknown":   {ring: ring, fetched: -3601, complete: -3601, failed: -1, fault: broken, next: 4, kid: "u", code: diagnosis.JWKSStaleExpired, retry: 4},
		"old but nothing failed":    {ring: ring, fetched: -4200, complete: -4200, refreshing: true, kid: "k"},
		"old, the refresh overdue":  {ring: ring, fetched: -4201, complete: -4201, refreshing: true, kid: "k", code: diagnosis.JWKSStaleExpired, retry: 1},
		"failed before the fetch":   {ring: ring, fetched: -4000, complete: -4000, failed: -5000, kid: "k"},
		"clock set back":            {ring: ring, fetched: 100, complete: 100, kid: "k"},
		"unknown, fresh":            {ring: ring, fetched: -29, complete: -29, kid: "u", code: diagnosis.KidUnknown},
		"unknown, fresh, busy":      {ring: ring, fetched: -29, complete: -29, refreshing: true, kid: "u", code: diagnosis.KidUnknown},
		"unknown, old":              {ring: ring, fetched: -30, complete: -30, kid: "u", code: diagnosis.KidUnknownThrottled, retry: 1, refresh: true},
		"unknown, old, busy":        {ring: ring, fetched: -30, complete: -30, refreshing: true, kid: "u", code: diagnosis.KidUnknownThrottled, retry: 1},
		"unknown, failed":           {ring: ring, fetched: -60, complete: -60, failed: -12, fault: broken, kid: "u", code: diagnosis.KidUnknownThrottled, retry: 18},
		"unknown, failed, busy":     {ring: ring, fetched: -60, complete: -60, failed: -12, fault: broken, refreshing: true, kid: "u", code: diagnosis.KidUnknownThrottled, retry: 1},
		"unknown, failed long ago":  {ring: ring, fetched: -60, complete: -60, failed: -30, fault: broken, kid: "u", code: diagnosis.KidUnknownThrottled, retry: 1, refresh: true},
		"unknown, partly fetched":   {ring: ring, fetched: -1, failed: -1, fault: broken, kid: "u", code: diagnosis.KidUnknownThrottled, retry: 29},
		"unknown, partly, had been": {ring: ring, fetched: -1, complete: -20, failed: -1, fault: broken, kid: "u", code: diagnosis.KidUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &state{
				keys: tt.ring, fault: tt.fault, refreshing: tt.refreshing, generation: 1,
				fetched: at(tt.fetched), complete: at(tt.complete), failed: at(tt.failed), next: at(tt.next),
			}
			a, refresh := s.answer(terms, tt.kid, now)
			if a.Code != tt.code || a.RetryAfter != time.Duration(tt.retry)*time.Second || refresh != tt.refresh {
				t.Errorf("code %q retry %v refresh %t, expected %q %ds %t", a.Code, a.RetryAfter, refresh, tt.code, tt.retry, tt.refresh)
			}
			if (a.Status == Found) != (tt.code == "") {
				t.Errorf("status %d with code %q", a.Status, a.Code)
			}
			if f := a.Failure(); f != nil && (f.Code != tt.code || f.RetryAfter != tt.retry || f.Detail == "") {
				t.Errorf("failure %+v does not say what the answer says", f)
			}
		})
	}
}

func TestZeroOptionsHaveDefaults(t *testing.T) {
	s := Source{Issuer: "http://a"}.normal()
	if s.RefreshInterval != defaultRefresh || s.Timeout != defaultTimeout || s.UnknownKidCooldown != MinCooldown {
		t.Errorf("options %+v", s.Options)
	}
}
