package traffic

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"sync/atomic"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// Every good token is good, and every hostile one bad, by clocks that differ by as
// much: a spec may move the gateway's.
const (
	life = 72 * time.Hour
	past = 24 * time.Hour
)

// clients is how many client ids the tokens have by turns: each has its counters.
const clients = 1000

// forgery is a way to make a hostile request out of a good token.
type forgery struct {
	what   string
	make   func(good string) string
	codes  []string
	signed bool // by the issuer, over claims that are none for the route
}

type forger struct {
	issuer   *ping.Issuer
	stranger *ping.Key
	minted   atomic.Int64
}

func newForger(issuer *ping.Issuer) (*forger, error) {
	stranger, err := ping.NewKey("ES256")
	return &forger{issuer: issuer, stranger: stranger}, err
}

// good mints a token, by turns of the algorithms that the issuer has keys for.
func (f *forger) good(more ...ping.TokenOption) string {
	algorithms := []string{"ES256", "EdDSA", "ES256", "RS256"}
	alg := algorithms[int(f.minted.Add(1))%len(algorithms)]
	return f.mint(append([]ping.TokenOption{ping.Algorithm(alg)}, more...)...)
}

func (f *forger) mint(options ...ping.TokenOption) string {
	now := time.Now()
	return f.issuer.Token(append([]ping.TokenOption{
		ping.ForClient(fmt.Sprintf("client-%d", f.minted.Load()%clients)), ping.Scope("orders:read"), ping.IssuedAt(now.Add(-past)), ping.NotBefore(now.Add(-past)), ping.Expires(now.Add(life)),
	}, options...)...)
}

// all lists the forgeries, with the diagnoses that say what each of them is.
func (f *forger) all() []forgery {
	fixed := func(text string) func(string) string { return func(string) string { return text } }
	minted := func(options ...ping.TokenOption) func(string) string {
		return func(string) string { return f.good(options...) }
	}
	signature := []string{"signature_invalid"}
	// What an issuer's key set lacks is unknown only while that set is fresh.
	kid := []string{"kid_unknown", "kid_unknown_throttled"}
	return []forgery{
		{"no credential", fixed(""), []string{"credential_missing"}, false},
		{"a placeholder", fixed("null"), []string{"token_placeholder"}, false},
		{"an opaque token", fixed("0001Xq7Ew3dPcVtYb2ZsKmLh"), []string{"token_opaque"}, false},
		{"no algorithm", ping.AlgNone, []string{"alg_none"}, false},
		{"the public key as a secret", f.confused, []string{"alg_symmetric_forbidden"}, false},
		{"changed claims", ping.Tamper, signature, false},
		{"a flipped bit", ping.FlipSignature, signature, false},
		{"cut short", func(good string) string { return ping.Truncate(good, 8) }, []string{"credential_truncated"}, false},
		{"expired", minted(ping.IssuedAt(time.Now().Add(-2*life)), ping.NotBefore(time.Now().Add(-2*life)), ping.Expires(time.Now().Add(-life))), []string{"token_expired"}, true},
		{"not valid yet", minted(ping.NotBefore(time.Now().Add(life / 2))), []string{"token_not_yet_valid"}, true},
		{"another audience", minted(ping.Audience("https://other.example.com")), []string{"audience_mismatch"}, true},
		{"another issuer", minted(ping.IssuedBy("https://stranger.example.com")), []string{"issuer_untrusted"}, false},
		{"a stranger's key by a known name", f.borrowed, signature, false},
		{"a stranger's key", f.strange, kid, false},
	}
}

// confused signs with HMAC under the issuer's public key (RFC 8725, 2.1).
func (f *forger) confused(good string) string {
	key, err := f.issuer.Keys().Key("RS256")
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	return ping.AlgHS256(good, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// borrowed names the issuer's key and signs with another.
func (f *forger) borrowed(string) string {
	key, err := f.issuer.Keys().Key("ES256")
	if err != nil {
		panic(err)
	}
	return f.mint(ping.Algorithm("ES256"), ping.SignedBy(f.stranger), ping.KeyID(key.ID))
}

func (f *forger) strange(string) string {
	return f.mint(ping.Algorithm("ES256"), ping.SignedBy(f.stranger))
}
