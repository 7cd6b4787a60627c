package family

import "kong-plugin-auth-diagnosis/pkg/corpus"

func rotation(b *book) {
	s := b.federate()
	s.Config = members(object{"issuers": list{federateTrust()}, "jwks": object{"refresh_interval": 120, "max_stale": 600, "unknown_kid_cooldown": 30}})
	old, next := b.ring["federate-rsa"], b.ring["federate-rsa-next"]
	s.Documents = map[string][]corpus.Answer{federateKeys: {set(old.Public())}}
	b.under("pingfederate, one key", s)
	good := b.federateToken()
	rotated := good.by(next, "RS256")
	// since begins an answer some seconds before the request.
	since := func(ago int64, a corpus.Answer) corpus.Answer { a.From = at(clock - ago); return a }
	away := corpus.Answer{Status: 503}
	both, onlyNext := set(old.Public(), next.Public()), set(next.Public())

	b.add("new key, not seen yet", "the request that finds out is asked to come back", "", rotated, is("kid_unknown_throttled").retry(1),
		started(100), document(federateKeys, set(old.Public()), since(50, both)))
	b.add("new key, asked before", "the first request started the refresh, this one has its key", "", rotated, passes(),
		started(100), document(federateKeys, set(old.Public()), since(50, both)), after(1, rotated))
	b.add("old key while the new one is looked up", "known keys never wait", "", good, passes(),
		started(100), document(federateKeys, set(old.Public()), since(50, both)), after(1, rotated))
	b.add("new key published ahead", "the scheduled refresh brings it before it signs", "PingFederate publishes pending keys", rotated, passes(),
		started(200), document(federateKeys, set(old.Public()), since(100, both)))
	b.add("a stranger's kid, asked before", "after the refresh it is unknown for sure", "", good.h("kid", "not-published"), is("kid_unknown"),
		started(100), after(1, good.h("kid", "not-published")))
	b.add("another stranger's kid", "one refresh answers for all unknown kids", "unknown-kid floods", good.h("kid", "made-up-17"), is("kid_unknown"),
		started(100), after(1, good.h("kid", "made-up-16")))
	b.add("unknown kid, and the refresh failed", "whether it is there cannot be told until the cooldown ends", "", good.h("kid", "not-published"), is("kid_unknown_throttled").retry(20),
		started(100), document(federateKeys, set(old.Public()), since(50, away)), after(10, good.h("kid", "not-published")))
	b.add("known kid, and the refresh failed", "the last good set serves", "stale-if-error", good, passes(),
		started(100), document(federateKeys, set(old.Public()), since(50, away)), after(10, good.h("kid", "not-published")))

	b.add("issuer away, set not too old", "599 seconds after the last good fetch", "max_stale 600", good, passes(),
		started(599), document(federateKeys, set(old.Public()), since(590, away)))
	b.add("issuer away for too long", "one second more than allowed", "max_stale 600", good, is("jwks_stale_expired").n(601),
		started(601), document(federateKeys, set(old.Public()), since(590, away)))
	b.add("a stranger's token while the set is too old", "no keys to judge by: still not 401", "max_stale 600", good.secretly(b.ring["stranger-rsa"]), is("jwks_stale_expired").n(601),
		started(601), document(federateKeys, set(old.Public()), since(590, away)))
	b.add("issuer sends rubbish after a good set", "a bad answer never replaces a good set", "", good, passes(),
		started(300), document(federateKeys, set(old.Public()), since(200, corpus.Answer{Text: "<html></html>"})))
	b.add("issuer sends an empty set after a good one", "nor does an empty one", "", good, passes(),
		started(300), document(federateKeys, set(old.Public()), since(200, set())))
	b.add("issuer back after it was away", "the retry brings the keys", "", good, passes(),
		started(1000), document(federateKeys, set(old.Public()), since(990, away), since(200, set(old.Public()))))
	b.add("issuer comes up after the start", "the first fetch is repeated until it works", "", good, passes(),
		started(100), document(federateKeys, corpus.Answer{Fault: corpus.Connect}, since(40, set(old.Public()))))

	b.add("key withdrawn", "an earlier set had it", "CVE-2025-22149: a refresh replaces the whole set", good, is("kid_retired"),
		started(125), document(federateKeys, both, since(100, onlyNext)))
	b.add("key withdrawn, at minimal", "that it was once there is not told", "", good, is("kid_retired").bare("kid_unknown"),
		started(125), document(federateKeys, both, since(100, onlyNext)), config("diagnosis", object{"detail": "minimal"}))
	b.add("kid given to another key, old token", "the replaced key has signed it", "", good, is("signature_key_reused_kid").as("signature_invalid"),
		started(125), document(federateKeys, set(old.Public()), since(100, set(withKid(next, old.Kid).Public()))))
	b.add("kid given to another key, new token", "the new key counts at once", "", good.secretly(next), passes(),
		started(125), document(federateKeys, set(old.Public()), since(100, set(withKid(next, old.Kid).Public()))))
	b.add("kid given to another key, forged token", "neither has signed it", "", good.secretly(b.ring["stranger-rsa"]), is("signature_invalid"),
		started(125), document(federateKeys, set(old.Public()), since(100, set(withKid(next, old.Kid).Public()))))
}
