package jwks

import "testing"

// A lookup's request may cross with the timer; one fetch has to serve both.
func TestRefreshMeetsTheRequestThatCrossedWithIt(t *testing.T) {
	s := NewStore()
	t.Cleanup(s.Close)
	w := newWorker(s, sourceKey{}, Source{URIs: []string{"http://a"}}.normal())
	t.Cleanup(w.stop)
	w.kick <- struct{}{}
	w.begin()
	if len(w.kick) != 0 || !w.state.Load().refreshing {
		t.Errorf("%d requests left, refreshing %t; expected 0, true", len(w.kick), w.state.Load().refreshing)
	}
}
