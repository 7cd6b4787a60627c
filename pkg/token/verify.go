package token

import (
	"fmt"
	"slices"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// MaxTries bounds how many keys a signature is checked against: that many of
// the keys in question and, only to explain a failure, that many others.
const MaxTries = 8

// Verify checks the signature against one key. nil means that it holds.
func Verify(t *Token, k Key) *diagnosis.Failure { return VerifyWith(t, []Key{k}, nil) }

// VerifyWith checks the signature against an issuer's keys. nil means that it
// holds.
//
// named are the keys that the token's kid names, or for a token without kid all
// signature keys of the issuer; the first [MaxTries] that fit the algorithm are
// tried. others are further keys of the same issuer. They never make a token
// good: they tell a mislabelled token from a forged one.
//
// A third segment shorter than the key's signature is credential_truncated, by
// the bytes that are missing.
func VerifyWith(t *Token, named, others []Key) *diagnosis.Failure {
	fitting, misfit := fit(t, named, nil, MaxTries+1)
	if len(fitting) == 0 {
		if misfit == nil {
			misfit = diagnosis.Fail(diagnosis.KidUnknown, withHint("no key to try", t))
		}
		return t.damaged(misfit)
	}
	tried := fitting[:min(len(fitting), MaxTries)]
	var failure *diagnosis.Failure
	for _, k := range tried {
		f := check(t, k)
		if f == nil {
			return nil
		}
		failure = nearer(failure, f)
	}
	if t.SignatureFault != nil {
		return failure
	}
	strangers, _ := fit(t, others, fitting, MaxTries)
	for _, k := range strangers {
		if check(t, k) == nil {
			return diagnosis.Fail(diagnosis.SignatureOtherKey, "the token names kid "+quote(t.Header.KeyID)+", the key "+quote(k.ID)+" signed it")
		}
	}
	switch {
	case failure.Code != diagnosis.SignatureInvalid || len(fitting) == 1:
		return failure
	case t.Header.KeyID != "":
		return diagnosis.Fail(diagnosis.KidAmbiguous, fmt.Sprintf("%d keys have the kid %s", len(fitting), quote(t.Header.KeyID)))
	case len(fitting) > MaxTries:
		return diagnosis.Fail(diagnosis.KidMissing, withHint(fmt.Sprintf("no kid, and more than %d keys fit", MaxTries), t))
	}
	failure.Detail = fmt.Sprintf("no kid; none of the %d keys that fit has signed it", len(fitting))
	return failure
}

// fit selects distinct keys that can have signed the token, at most limit, none
// of them among known. The failure tells why the first unfit key is unfit.
func fit(t *Token, keys, known []Key, limit int) (fitting []Key, misfit *diagnosis.Failure) {
	for i := range keys {
		k := &keys[i]
		if len(fitting) == limit {
			break
		}
		if f := k.misfit(t.Header.Algorithm); f != nil {
			misfit = first(misfit, f)
			continue
		}
		same := func(o Key) bool { return k.sameMaterial(&o) }
		if !slices.ContainsFunc(known, same) && !slices.ContainsFunc(fitting, same) {
			fitting = append(fitting, *k)
		}
	}
	return fitting, misfit
}

// check verifies with a key that fits.
func check(t *Token, k Key) *diagnosis.Failure {
	alg := t.Header.Algorithm
	switch over := t.signatureSize - k.signatureSize(alg); {
	case over < 0:
		return diagnosis.FailBy(diagnosis.CredentialTruncated, int64(-over), "the signature is shorter than its key's")
	case t.SignatureFault != nil:
		return t.SignatureFault
	case over > 0:
		return diagnosis.FailBy(diagnosis.SignatureLength, int64(over), "")
	}
	// The library's error text is dropped: it tells no more than that.
	if err := algorithms[alg].method.Verify(t.SigningInput, t.Signature, k.Public); err != nil {
		return diagnosis.Fail(diagnosis.SignatureInvalid, "alg "+quote(alg)+", kid "+quote(t.Header.KeyID))
	}
	return nil
}

// nearer keeps the failure that explains more when several keys were tried: a
// signature of the right length was made by a key of that size, and of two
// lengths the one that is off by less is the likelier.
func nearer(a, b *diagnosis.Failure) *diagnosis.Failure {
	if a == nil || a.By != nil && (b.By == nil || *b.By < *a.By) {
		return b
	}
	return a
}
