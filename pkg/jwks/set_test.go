package jwks_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kong-plugin-auth-diagnosis/pkg/jwks"
)

func TestHasAsksWithoutConsequences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"), jwk("enc", `"use":"enc"`), `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`), delay: time.Millisecond})
		src := source(setURL)
		src.MaxStale = 2 * time.Hour
		k := n.open(t, jwks.WithIdle(time.Hour)).Set(src)
		if k.Has("a") {
			t.Error("a key is there before the first fetch")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		for kid, want := range map[string]bool{"a": true, "enc": false, "": false, "x": false} {
			if got := k.Has(kid); got != want {
				t.Errorf("Has(%q) = %t", kid, got)
			}
		}
		if got := testing.AllocsPerRun(100, func() { k.Has("a") }); got != 0 {
			t.Errorf("Has allocates %v times, expected 0", got)
		}
		for range 24 { // it neither refreshes nor keeps the set in use
			k.Has("x")
			time.Sleep(time.Hour)
		}
		if got := n.fetches(); got != 4 { // at 0, 15, 30 and 45 minutes and a moment
			t.Errorf("%d fetches in a day without lookups, expected 4", got)
		}
		if k.Has("a") {
			t.Error("an idle set has keys")
		}
	})
}
