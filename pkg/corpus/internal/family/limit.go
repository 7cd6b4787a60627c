package family

func limit(b *book) {
	tiers := object{
		"tiers":        list{object{"name": "free", "second": 1, "day": 2}, object{"name": "premium", "second": 1000}},
		"default_tier": "free", "retry_after_jitter_max": 0,
	}
	s := b.federate()
	s.Config = members(object{"issuers": list{federateTrust()}, "rate_limiting": tiers})
	b.under("pingfederate, two tiers", s)
	good := b.federateToken()
	other := good.c("client_id", "reports")

	b.add("the first request", "one a second lets it through", "", good, passes(), started(100))
	b.add("the second within a second", "one a second, and no burst", "", good, is("rate_limited").retry(1), started(100), after(0, good))
	b.add("the second, a second later", "the bucket is full again", "", good, passes(), started(100), after(1, good))
	b.add("another client's", "each client has its own", "", other, passes(), started(100), after(0, good))
	b.add("the third of a day of two", "until midnight UTC, twelve hours from noon", "", good, is("quota_exceeded").retry(43200), started(100), after(20, good), after(10, good))
	b.add("a larger tier", "the token names it", "", good.c("tier", "premium"), passes(), started(100), after(0, good.c("tier", "premium")))
	b.add("a tier that does not exist", "the default tier counts", "", good.c("tier", "gold"), is("rate_limited").retry(1), started(100), after(0, good))
	b.add("a bad token", "is not counted, and its own fault is told", "", good.times(clock-7200, clock-312), is("token_expired").n(312), started(100), after(0, good))
	b.add("after a bad token", "what is refused uses nothing up", "", good, passes(), started(100), after(0, good.times(clock-7200, clock-312)))

	broken := is("config_invalid")
	b.add("no issuers", "every request is answered with the plugin's own fault", "", good, broken, config("issuers", list{}))
	b.add("an issuer without audiences", "a missing list must not mean any audience", "", good, broken, config("issuers", list{object{"issuer": federateIssuer, "jwks_uris": list{federateKeys}}}))
	b.add("a pattern that is none", "an expression that cannot be read checks nothing", "", good, broken, config("required_claims", list{object{"name": "a", "match": "("}}))
	b.add("HS256 in the list", "shared secrets are never accepted", "", good, broken, config("issuers", list{object{"issuer": federateIssuer, "audiences": list{audience}, "algorithms": list{"HS256"}}}))
}
