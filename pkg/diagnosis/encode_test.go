package diagnosis_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

const requestID = "0cbcaf77c8f26f1c47da9744b57c586b"

func verdict(f *diagnosis.Failure, l diagnosis.Level) *diagnosis.Diagnosis {
	return &diagnosis.Diagnosis{Failure: *f, Level: l, RequestID: requestID}
}

var degraded = []diagnosis.Finding{{Name: diagnosis.LimiterDegraded}}

func TestHeader(t *testing.T) {
	expired := diagnosis.FailBy(diagnosis.TokenExpired, 312, "exp was 312 s ago")
	for name, tt := range map[string]struct {
		d    *diagnosis.Diagnosis
		want string
	}{
		"standard shows hop, certainty, number and fix": {
			verdict(expired, diagnosis.Standard),
			`token_expired;hop=client;certainty=definite;by=312;fix="get a new access token";id="` + requestID + `"`,
		},
		"minimal shows code and id only": {
			verdict(expired, diagnosis.Minimal),
			`token_expired;id="` + requestID + `"`,
		},
		"full adds the detail": {
			verdict(expired, diagnosis.Full),
			`token_expired;hop=client;certainty=definite;by=312;fix="get a new access token";detail="exp was 312 s ago";id="` + requestID + `"`,
		},
		"below full another key is not betrayed": {
			verdict(diagnosis.Fail(diagnosis.SignatureOtherKey, "verifies with key b"), diagnosis.Standard),
			`signature_invalid;hop=client;certainty=weak;fix="send the token exactly as issued, from the right environment";id="` + requestID + `"`,
		},
		"minimal merges the structure codes": {
			verdict(diagnosis.FailBy(diagnosis.TokenSegments, 4, ""), diagnosis.Minimal),
			`token_malformed;id="` + requestID + `"`,
		},
		"evidence picks another hop": {
			verdict(&diagnosis.Failure{Code: diagnosis.TokenBadCharset, Hop: diagnosis.Edge}, diagnosis.Standard),
			`token_bad_charset;hop=edge;certainty=weak;fix="send the token as issued, without quotes, spaces or encoding";id="` + requestID + `"`,
		},
		"a limit is named": {
			verdict(&diagnosis.Failure{Code: diagnosis.RateLimited, Tier: "fr\"ee\n", Window: "second"}, diagnosis.Standard),
			`rate_limited;hop=client;certainty=definite;tier="fr'ee?";window=second;fix="wait for Retry-After and slow down";id="` + requestID + `"`,
		},
		"minimal names no limit": {
			&diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: diagnosis.RateLimited, Tier: "free", Window: "second"}, Findings: degraded, RequestID: requestID},
			`rate_limited;id="` + requestID + `"`,
		},
		"a limiter on its own": {
			&diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: diagnosis.QuotaExceeded, Tier: "free", Window: "day"}, Level: diagnosis.Standard, Findings: degraded, RequestID: requestID},
			`quota_exceeded;hop=client;certainty=definite;tier="free";window=day;fix="wait for Retry-After or ask for a larger tier";limiter=degraded;id="` + requestID + `"`,
		},
		"advise mode says so": {
			&diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: diagnosis.CredentialArrived}, Level: diagnosis.Standard, Advise: true, RequestID: requestID},
			`credential_arrived;hop=gateway;certainty=weak;fix="check this consumer's credentials in the gateway";mode=advise;id="` + requestID + `"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := tt.d.Header()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if _, err := httpsfv.UnmarshalItem([]string{got}); err != nil {
				t.Errorf("not an RFC 9651 item: %v", err)
			}
		})
	}
}

func TestMergedCodesCannotBeToldApart(t *testing.T) {
	for exact, shown := range map[diagnosis.Code]diagnosis.Code{
		diagnosis.SignatureOtherKey:     diagnosis.SignatureInvalid,
		diagnosis.SignatureKeyReusedKid: diagnosis.SignatureInvalid,
		diagnosis.KidOtherIssuer:        diagnosis.KidUnknown,
		diagnosis.ConsumerNotFound:      diagnosis.AuthorizationDenied,
		diagnosis.ConsumerAmbiguous:     diagnosis.AuthorizationDenied,
	} {
		a, b := verdict(diagnosis.FailBy(exact, 7, "x"), diagnosis.Standard), verdict(diagnosis.Fail(shown, ""), diagnosis.Standard)
		if a.Header() != b.Header() || a.Challenge("r") != b.Challenge("r") || a.Status() != b.Status() || string(a.Body("", true)) != string(b.Body("", true)) {
			t.Errorf("%s can be told from %s", exact, shown)
		}
	}
}

func TestChallenge(t *testing.T) {
	for name, tt := range map[string]struct {
		f     diagnosis.Failure
		realm string
		want  string
	}{
		"no credential, no error":            {diagnosis.Failure{Code: diagnosis.CredentialMissing}, "", `Bearer`},
		"no credential, realm":               {diagnosis.Failure{Code: diagnosis.CredentialMissing}, "api", `Bearer realm="api"`},
		"invalid token, commas between":      {diagnosis.Failure{Code: diagnosis.TokenExpired}, "api", `Bearer realm="api", error="invalid_token", error_description="the token has expired"`},
		"scope codes name the scope":         {diagnosis.Failure{Code: diagnosis.ScopeInsufficient, Scope: "orders:write"}, "", `Bearer error="insufficient_scope", error_description="the token lacks a required scope", scope="orders:write"`},
		"no challenge on 429":                {diagnosis.Failure{Code: diagnosis.RateLimited}, "api", ``},
		"no challenge when the issuer is at": {diagnosis.Failure{Code: diagnosis.KidUnknownThrottled}, "api", ``},
	} {
		t.Run(name, func(t *testing.T) {
			if got := verdict(&tt.f, diagnosis.Standard).Challenge(tt.realm); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestBody(t *testing.T) {
	d := verdict(diagnosis.FailBy(diagnosis.TokenExpired, 312, `exp "then"`), diagnosis.Standard)
	want := `{"message":"Unauthorized","request_id":"` + requestID + `","diagnosis":{"code":"token_expired","hop":"client","certainty":"definite","by":312,"fix":"get a new access token","id":"` + requestID + `"}}`
	if got := string(d.Body("", true)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d = verdict(&diagnosis.Failure{Code: diagnosis.RateLimited, Tier: "gold", Window: "hour"}, diagnosis.Standard)
	d.Findings = degraded
	want = `{"message":"Slow down","request_id":"` + requestID + `","diagnosis":{"code":"rate_limited","hop":"client","certainty":"definite","tier":"gold","window":"hour","fix":"wait for Retry-After and slow down","limiter":"degraded","id":"` + requestID + `"}}`
	if got := string(d.Body("Slow down", true)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := string(d.Body("Go away", false)), `{"message":"Go away","request_id":"`+requestID+`"}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLogHasTheExactCodeAtEveryLevel(t *testing.T) {
	d := verdict(diagnosis.Fail(diagnosis.SignatureOtherKey, "d"), diagnosis.Minimal)
	d.Others = []diagnosis.Failure{{Code: diagnosis.TokenExpired}}
	got := map[string]any{}
	for _, m := range d.Log() {
		got[m.Name] = m.Value
	}
	want := map[string]any{"code": "signature_other_key", "hop": "idp", "certainty": "definite", "status": int64(401), "fix": "fix the key ID that the issuer writes", "detail": "d; also token_expired", "also": []string{"token_expired"}, "id": requestID}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestLogNamesTheLimit(t *testing.T) {
	d := verdict(&diagnosis.Failure{Code: diagnosis.QuotaExceeded, Tier: "free", Window: "day"}, diagnosis.Minimal)
	d.Findings = degraded
	got := map[string]any{}
	for _, m := range d.Log() {
		got[m.Name] = m.Value
	}
	if got["tier"] != "free" || got["window"] != "day" || !cmp.Equal(got["findings"], []string{"limiter_degraded"}) {
		t.Errorf("got %v", got)
	}
}

// FuzzEncodings holds what every encoding promises whatever a detail holds:
// a parsable header in its bounds, no control bytes, valid JSON.
func FuzzEncodings(f *testing.F) {
	f.Add("plain", "id", 0, uint8(2))
	f.Add("quo\"te\\ \x00\xff\r\nX: y", "\x80\"", 40, uint8(1))
	f.Fuzz(func(t *testing.T, detail, id string, n int, level uint8) {
		rows := diagnosis.Rows()
		row := rows[uint(n)%uint(len(rows))]
		by := int64(n)
		d := diagnosis.Diagnosis{Failure: diagnosis.Failure{Code: row.Code, Detail: detail, Scope: detail, By: &by, Tier: detail, Window: "day"}, Level: diagnosis.Level(level % 3), RequestID: id}
		h := d.Header()
		if _, err := httpsfv.UnmarshalItem([]string{h}); err != nil {
			t.Errorf("%q: %v", h, err)
		}
		if len(h) > 1024 || d.Level < diagnosis.Full && len(h) > 256 {
			t.Errorf("header takes %d bytes", len(h))
		}
		if c := d.Challenge(id); strings.ContainsAny(c, "\r\n\x00") {
			t.Errorf("challenge %q", c)
		}
		if !json.Valid(d.Body(detail, true)) {
			t.Errorf("body is not JSON")
		}
	})
}
