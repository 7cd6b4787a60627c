package traffic

// Fill sends n tokens that the issuer has signed, each a new one, as fast as the
// clients can, and returns when all have been answered: a gateway that remembers
// tokens is then as full of them as after hours of [Start]'s traffic, and with the
// same mix of them.
func Fill(o Options, n int) (Tally, error) {
	t, err := newTraffic(o)
	if err != nil {
		return Tally{}, err
	}
	for first := range t.o.Clients {
		t.clients.Go(func() {
			for i := first; i < n; i += t.o.Clients {
				t.fresh(i)
			}
		})
	}
	t.clients.Wait()
	t.http.CloseIdleConnections()
	return t.Tally(), nil
}

// fresh sends the i-th token. Of the 14 hostile kinds the issuer signs three, and a
// client of Start sends twice as many hostile requests as new good tokens: 3 in 10.
func (t *Traffic) fresh(i int) {
	var signed []forgery
	for _, f := range t.forger.all() {
		if f.signed {
			signed = append(signed, f)
		}
	}
	if i%10 >= len(signed) {
		t.send(t.o.Good, request{token: t.forger.good(), good: true, what: "a new token"})
		return
	}
	f := signed[i%10]
	t.send(t.o.Hostile, request{token: f.make(""), what: f.what, codes: f.codes})
}
