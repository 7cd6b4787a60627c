package traffic_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/chaos/traffic"
)

// against runs traffic against a gateway that answers every request alike.
func against(t *testing.T, status int, code string, gap bool, codes ...string) traffic.Tally {
	t.Helper()
	issuer, err := ping.Start(ping.Options{Product: ping.PingFederate})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Auth-Diagnosis", code+";hop=client")
		w.WriteHeader(status)
	}))
	defer gateway.Close()
	tr, err := traffic.Start(traffic.Options{Good: gateway.URL, Hostile: gateway.URL, Issuer: issuer, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if gap {
		if err := tr.Pass(t.Context(), 1); err != nil {
			t.Error(err)
		}
		end := tr.Gap(codes...)
		if err := tr.Pass(t.Context(), 60); err != nil {
			t.Error(err)
		}
		if g := end(); (g.Excused > 0) != (status >= 500 && (codes == nil || slices.Contains(codes, code))) || g.Length() < 0 {
			t.Errorf("gap %+v", g)
		}
	} else if err := tr.Pass(t.Context(), 60); err != nil {
		t.Error(err)
	}
	return tr.Stop()
}

// TestWrongAnswersAreFound: a gateway that answers all alike is wrong for some.
func TestWrongAnswersAreFound(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		code   string
		gap    bool
		codes  []string
		finds  func(traffic.Tally) bool
	}{
		"lets everything through":          {200, "", false, nil, func(y traffic.Tally) bool { return y.Admitted > 0 && y.Good > 0 }},
		"lets everything through in a gap": {200, "", true, nil, func(y traffic.Tally) bool { return y.Admitted > 0 && y.Excused == 0 }},
		"redirects":                        {302, "credential_missing", false, nil, func(y traffic.Tally) bool { return y.Admitted > 0 }},
		"refuses everything":               {401, "credential_missing", true, nil, func(y traffic.Tally) bool { return y.Wrong > 0 && y.Hostile > 0 && y.Good+y.Excused == 0 }},
		"fails":                            {500, "", false, nil, func(y traffic.Tally) bool { return y.Wrong > 0 && y.Excused == 0 }},
		"fails in a gap":                   {500, "", true, nil, func(y traffic.Tally) bool { return y.Excused > 0 && y.Admitted == 0 }},
		"fails in a gap of another kind":   {500, "internal_error", true, []string{"limiter_unavailable"}, func(y traffic.Tally) bool { return y.Wrong > 0 && y.Excused == 0 }},
		"fails the bad in a gap, too":      {503, "limiter_unavailable", true, []string{"limiter_unavailable"}, func(y traffic.Tally) bool { return y.Wrong > 0 && y.Excused > 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			tally := against(t, tt.status, tt.code, tt.gap, tt.codes...)
			if err := tally.Fault(); err == nil || !tt.finds(tally) {
				t.Errorf("%s: %v", tally, err)
			}
		})
	}
}

// TestFillSendsWhatAGatewayRemembers: every token once, and some that it refuses.
func TestFillSendsWhatAGatewayRemembers(t *testing.T) {
	issuer, err := ping.Start(ping.Options{Product: ping.PingFederate})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	var sent sync.Map
	gateway := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, twice := sent.LoadOrStore(r.Header.Get("Authorization"), true); twice {
			t.Error("a token came twice")
		}
	}))
	defer gateway.Close()
	tally, err := traffic.Fill(traffic.Options{Good: gateway.URL, Hostile: gateway.URL, Issuer: issuer, Clients: 3}, 50)
	if err != nil {
		t.Fatal(err)
	}
	if tally.Good != 35 || tally.Admitted != 15 {
		t.Errorf("%s, expected 35 good and 15 admitted", tally)
	}
}

func TestOneSidedTrafficProvesNothing(t *testing.T) {
	err := traffic.Tally{Good: 1000}.Fault()
	if err == nil || !strings.Contains(err.Error(), "1000 and 0") {
		t.Errorf("got %v", err)
	}
	if err := (traffic.Tally{Good: 1, Hostile: 1, Excused: 9}).Fault(); err != nil {
		t.Errorf("got %v", err)
	}
}
