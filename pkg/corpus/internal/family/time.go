package family

import "kong-plugin-auth-diagnosis/pkg/corpus"

// Every edge is the second at which a verdict changes. The leeway is 30 s where
// a case does not say otherwise.
func times(b *book) {
	b.under("pingfederate", b.federate())
	// A token that is not fresh, so that expiry is the client's.
	good := b.federateToken().times(clock-7200, clock+3600)
	const exp, nbf, iat = "RFC 7519 4.1.4", "RFC 7519 4.1.5", "RFC 7519 4.1.6"
	expired := is("token_expired")

	b.add("exp now", "the leeway keeps it", exp, good.expires(clock), passes())
	b.add("exp 29 seconds ago", "the last second of the leeway", exp, good.expires(clock-29), passes())
	b.add("exp 30 seconds ago", "expired on or after the time: refused from exp + leeway on", exp, good.expires(clock-30), expired.n(30))
	b.add("exp 31 seconds ago", "the number counts from exp, not from the leeway's end", exp, good.expires(clock-31), expired.n(31))
	b.add("exp 312 seconds ago", "the number is what the client is told", exp, good.expires(clock-312), expired.n(312))
	b.add("exp a fraction short of the leeway", "29.5 seconds ago", exp, good.cRaw("exp", "1772366370.5"), passes())
	b.add("exp a fraction past the leeway", "30.5 seconds ago: whole seconds are counted", exp, good.cRaw("exp", "1772366369.5"), expired.n(30))
	b.add("clock between two seconds", "30.999 seconds ago", exp, good.expires(clock-30), expired.n(30), func(c *corpus.Case) { c.Now = at(clock).Add(999e6) })
	b.add("clock a millisecond early", "29.999 seconds ago", exp, good.expires(clock-29), passes(), func(c *corpus.Case) { c.Now = at(clock).Add(999e6) })
	none := config("leeway", 0)
	b.add("no leeway, exp now", "on the time is too late", exp, good.expires(clock), expired.n(0), none)
	b.add("no leeway, exp in one second", "the last second in which it is valid", exp, good.expires(clock+1), passes(), none)
	b.add("an hour's leeway", "3,599 seconds ago", exp, good.expires(clock-3599), passes(), config("leeway", 3600))
	b.add("exp zero", "1970, not a token without expiry", "golang-jwt v5.3.1 takes exp 0", good.expires(0), expired.n(clock))
	b.add("exp a small fraction", "half a second after 1970 began", "", good.cRaw("exp", "0.5"), expired.n(clock-1))

	skew := is("token_expired_skew")
	b.add("skew: issued a minute ago, just expired", "a token this fresh has not been kept too long", "clock differences", good.times(clock-60, clock-30), skew.n(30))
	b.add("skew: both windows' last second", "past exp + leeway by 60 s, issued 120 s ago", "clock differences", good.times(clock-120, clock-90), skew.n(90))
	b.add("skew: expired a second too long ago", "61 seconds past exp + leeway", "clock differences", good.times(clock-120, clock-91), expired.n(91))
	b.add("skew: issued a second too long ago", "121 seconds", "clock differences", good.times(clock-121, clock-90), expired.n(90))
	b.add("skew: no iat", "nothing says that it is fresh", "clock differences", good.noC("iat").expires(clock-31), expired.n(31))
	b.add("skew: without leeway", "the window starts at exp", "clock differences", good.times(clock-100, clock-60), skew.n(60), none)

	early := is("token_not_yet_valid")
	b.add("nbf now", "valid from that second on", nbf, good.c("nbf", clock), passes())
	b.add("nbf in 30 seconds", "the leeway allows it", nbf, good.c("nbf", clock+30), passes())
	b.add("nbf in 31 seconds", "one second too early", nbf, good.c("nbf", clock+31), early.n(31))
	b.add("nbf in an hour", "the number counts to nbf", nbf, good.c("nbf", clock+3600), early.n(3600))
	b.add("no leeway, nbf in one second", "one second too early", nbf, good.c("nbf", clock+1), early.n(1), none)
	b.add("no leeway, nbf now", "valid from that second on", nbf, good.c("nbf", clock), passes(), none)

	future := is("token_issued_in_future")
	b.add("iat in 30 seconds", "the leeway allows it", iat, good.times(clock+30, clock+3600), passes())
	b.add("iat in 31 seconds", "one second too much", iat, good.times(clock+31, clock+3600), future.n(31))
	b.add("iat in a day", "a clock, or a time zone", iat, good.times(clock+86400, clock+90000), future.n(86400))
	b.add("nbf and iat in the future", "nbf is told first", nbf, good.times(clock+120, clock+3600).c("nbf", clock+120), early.n(120).and("token_issued_in_future"))

	hour := config("maximum_lifetime", 3600)
	b.add("lifetime as long as allowed", "the limit itself is allowed", "maximum_lifetime", good.times(clock-60, clock+3540), passes(), hour)
	b.add("lifetime a second too long", "the number counts from the limit", "maximum_lifetime", good.times(clock-60, clock+3541), is("lifetime_too_long").n(1), hour)
	b.add("lifetime of a year", "a token that was meant to be for ever", "maximum_lifetime", good.times(clock-60, clock-60+31536000), is("lifetime_too_long").n(31532400), hour)
	b.add("no iat where lifetimes are limited", "without it the lifetime is not known", "maximum_lifetime", good.noC("iat"), is("iat_missing"), hour)
	b.add("expired and too long", "expiry is told first", "maximum_lifetime", good.times(clock-7200, clock-600), expired.n(600).and("lifetime_too_long"), hour)

	b.add("no exp", "a token without end is not accepted", exp, good.noC("exp"), is("exp_missing"))
	b.add("no exp, and not yet valid", "what is wrong with the clock comes first", exp, good.noC("exp").c("nbf", clock+100), early.n(100).and("exp_missing"))
	for _, v := range []struct {
		name  string
		value any
	}{{"a string", "1772370000"}, {"null", nil}, {"true", true}, {"an array", list{1772370000}}, {"an object", object{"s": 1}}, {"a date", "2026-03-01T13:00:00Z"}} {
		b.add("exp "+v.name, "a NumericDate is a number", "RFC 7519 2", good.c("exp", v.value), is("time_claim_bad_type"))
	}
	b.add("nbf a string", "nbf as well", "RFC 7519 2", good.c("nbf", "1772360000"), is("time_claim_bad_type"))
	b.add("iat null", "iat as well, though it is optional", "RFC 7519 2", good.c("iat", nil), is("time_claim_bad_type"))

	milliseconds := is("time_claim_milliseconds")
	b.add("exp in milliseconds", "a JavaScript clock", "RFC 7519 2", good.cRaw("exp", "1772370000000"), milliseconds)
	b.add("exp in milliseconds, past", "the size tells, not the instant", "RFC 7519 2", good.cRaw("exp", "1772000000000"), milliseconds)
	b.add("iat in milliseconds", "iat as well", "RFC 7519 2", good.cRaw("iat", "1772360000000"), milliseconds)

	outside := is("time_claim_out_of_range")
	b.add("exp negative", "before 1970", "RFC 7519 2", good.c("exp", -1), outside)
	b.add("exp 1e300", "beyond every clock, and read as the past by a library", "golang-jwt v5.3.1", good.cRaw("exp", "1e300"), outside)
	b.add("exp 1e999999999", "an exponent that must not be worked out", "denial of service by exponent", good.cRaw("exp", "1e999999999"), outside)
	b.add("exp in nanoseconds", "nineteen digits", "", good.cRaw("exp", "1772370000000000000"), outside)
	b.add("nbf negative", "nbf as well", "RFC 7519 2", good.c("nbf", -3600), outside)
	b.add("exp minus zero", "zero is zero", "RFC 8259 6", good.cRaw("exp", "-0"), expired.n(clock))
}
