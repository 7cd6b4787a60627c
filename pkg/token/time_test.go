package token_test

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// num is a number as it stands in a token.
func num(s string) json.Number { return json.Number(s) }

func at(offset int, fraction string) json.Number {
	return num(strconv.FormatInt(seconds(offset), 10) + fraction)
}

// finding is a code with its number.
type finding struct {
	Code diagnosis.Code
	By   int64
}

func findings(fs []diagnosis.Failure) []finding {
	var list []finding
	for i := range fs {
		f := finding{Code: fs[i].Code}
		if fs[i].By != nil {
			f.By = *fs[i].By
		}
		list = append(list, f)
	}
	return list
}

// The leeway is 30 s and the clock stands at a full second.
var timeCases = []struct {
	name   string
	claims obj
	limit  time.Duration
	want   []finding
}{
	{"valid", nil, 0, nil},
	{"the last moment of the leeway", obj{"exp": at(-29, "")}, 0, nil},
	{"expired by the leeway exactly", obj{"exp": at(-30, ""), "iat": at(-900, "")}, 0, []finding{{diagnosis.TokenExpired, 30}}},
	{"a fraction keeps it valid", obj{"exp": at(-30, ".000000001")}, 0, nil},
	{"a fraction below a nanosecond is dropped", obj{"exp": at(-30, ".0000000001"), "iat": nil}, 0, []finding{{diagnosis.TokenExpired, 30}}},
	{"expired by 312 s", obj{"exp": at(-312, ""), "iat": at(-3912, "")}, 0, []finding{{diagnosis.TokenExpired, 312}}},
	{"expired by 312.5 s", obj{"exp": at(-313, ".5"), "iat": nil}, 0, []finding{{diagnosis.TokenExpired, 312}}},
	{"fresh and expired", obj{"exp": at(-90, ""), "iat": at(-120, "")}, 0, []finding{{diagnosis.TokenExpiredSkew, 90}}},
	{"fresh and expired a second longer", obj{"exp": at(-91, ""), "iat": at(-120, "")}, 0, []finding{{diagnosis.TokenExpired, 91}}},
	{"a second less fresh", obj{"exp": at(-90, ""), "iat": at(-121, "")}, 0, []finding{{diagnosis.TokenExpired, 90}}},
	{"no iat to be fresh by", obj{"exp": at(-60, ""), "iat": nil}, 0, []finding{{diagnosis.TokenExpired, 60}}},
	{"exp 0", obj{"exp": 0}, 0, []finding{{diagnosis.TokenExpired, now.Unix()}}},
	{"exp -0.0", obj{"exp": num("-0.0")}, 0, []finding{{diagnosis.TokenExpired, now.Unix()}}},
	{"exp in another notation", obj{"exp": num("1.789000240E9")}, 0, nil},
	{"no exp", obj{"exp": nil}, 0, []finding{{diagnosis.ExpMissing, 0}}},
	{"exp a string", obj{"exp": "1789000240"}, 0, []finding{{diagnosis.TimeClaimBadType, 0}}},
	{"exp an array", obj{"exp": []int{1}}, 0, []finding{{diagnosis.TimeClaimBadType, 0}}},
	{"exp in milliseconds", obj{"exp": num("1789000240000")}, 0, []finding{{diagnosis.TimeClaimMilliseconds, 0}}},
	{"exp in microseconds", obj{"exp": num("1789000240000000")}, 0, []finding{{diagnosis.TimeClaimOutOfRange, 0}}},
	{"exp 1e300", obj{"exp": num("1e300")}, 0, []finding{{diagnosis.TimeClaimOutOfRange, 0}}},
	{"exp 1e-300", obj{"exp": num("1e-300"), "iat": nil}, 0, []finding{{diagnosis.TokenExpired, now.Unix()}}},
	{"exp with an exponent beyond int", obj{"exp": num("1e99999999999999999999")}, 0, []finding{{diagnosis.TimeClaimOutOfRange, 0}}},
	{"exp 0 with an exponent beyond int", obj{"exp": num("0e99999999999999999999")}, 0, []finding{{diagnosis.TokenExpired, now.Unix()}}},
	{"exp with a small exponent beyond int", obj{"exp": num("1e-99999999999999999999"), "iat": nil}, 0, []finding{{diagnosis.TokenExpired, now.Unix()}}},
	{"exp negative", obj{"exp": -1}, 0, []finding{{diagnosis.TimeClaimOutOfRange, 0}}},
	{"exp at the end of the year 9999", obj{"exp": num("253402300799")}, 0, nil},
	{"exp beyond the year 9999", obj{"exp": num("253402300800")}, 0, []finding{{diagnosis.TimeClaimMilliseconds, 0}}},
	{"exp beyond 292 years", obj{"exp": num("99999999999")}, 0, nil},

	{"nbf within the leeway", obj{"nbf": at(30, "")}, 0, nil},
	{"nbf beyond the leeway", obj{"nbf": at(31, "")}, 0, []finding{{diagnosis.TokenNotYetValid, 31}}},
	{"nbf a fraction beyond the leeway", obj{"nbf": at(30, ".1")}, 0, []finding{{diagnosis.TokenNotYetValid, 30}}},
	{"nbf beyond 292 years", obj{"nbf": num("99999999999")}, 0, []finding{{diagnosis.TokenNotYetValid, 99999999999 - now.Unix()}}},
	{"nbf a boolean", obj{"nbf": true}, 0, []finding{{diagnosis.TimeClaimBadType, 0}}},
	{"iat within the leeway", obj{"iat": at(30, "")}, 0, nil},
	{"iat beyond the leeway", obj{"iat": at(31, "")}, 0, []finding{{diagnosis.TokenIssuedInFuture, 31}}},
	{"no iat", obj{"iat": nil}, 0, nil},

	{"as long as allowed", obj{"iat": at(-60, ""), "exp": at(240, "")}, 300 * time.Second, nil},
	{"longer than allowed", obj{"iat": at(-60, ""), "exp": at(250, "")}, 300 * time.Second, []finding{{diagnosis.LifetimeTooLong, 10}}},
	{"longer by a fraction", obj{"iat": at(-60, ""), "exp": at(240, ".5")}, 300 * time.Second, []finding{{diagnosis.LifetimeTooLong, 0}}},
	{"a lifetime without iat", obj{"iat": nil}, 300 * time.Second, []finding{{diagnosis.IatMissing, 0}}},
	{"a lifetime with a bad iat", obj{"iat": "x"}, 300 * time.Second, []finding{{diagnosis.TimeClaimBadType, 0}}},

	{"everything at once, in order", obj{"exp": num("1789000240000"), "nbf": at(99, ""), "iat": "x"}, 0, []finding{
		{diagnosis.TokenNotYetValid, 99}, {diagnosis.TimeClaimBadType, 0}, {diagnosis.TimeClaimMilliseconds, 0}}},
}

func TestCheckTime(t *testing.T) {
	for _, tc := range timeCases {
		t.Run(tc.name, func(t *testing.T) {
			r := rules()
			r.MaximumLifetime = tc.limit
			tok := parse(t, unsigned(goodHeader, goodClaims.with(tc.claims)))
			if diff := cmp.Diff(tc.want, findings(r.CheckTime(tok.Keep(nil), now)), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNullTimesAreOfTheWrongType(t *testing.T) {
	tok := parse(t, unsigned(goodHeader, `{"exp":null,"nbf":null,"iat":null}`))
	want := []diagnosis.Code{diagnosis.TimeClaimBadType, diagnosis.TimeClaimBadType, diagnosis.TimeClaimBadType}
	if diff := cmp.Diff(want, codes(rules().CheckTime(tok.Keep(nil), now))); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

// Times are exact: the rational number that the digits spell, rounded down to
// the nanosecond.
func TestTimesAgreeWithExactArithmetic(t *testing.T) {
	digits := rapid.StringMatching(`(0|[1-9][0-9]{0,12})(\.[0-9]{1,14})?([eE][+-]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		text := digits.Draw(t, "number")
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("no rational number: %q", text)
		}
		tok, f := token.Parse(unsigned(goodHeader, `{"exp":`+text+`}`), token.Limits{})
		if f != nil {
			t.Fatalf("%s: %s", text, f.Code)
		}
		got, usable := tok.Keep(nil).ExpiresAt()
		if inRange := exact.Cmp(big.NewRat(253_402_300_800, 1)) < 0; usable != inRange {
			t.Fatalf("%s: expected usable to be %v", text, inRange)
		} else if !inRange {
			return
		}
		nanos := new(big.Int).Mul(exact.Num(), big.NewInt(1e9))
		nanos.Div(nanos, exact.Denom())
		sec, nsec := new(big.Int).DivMod(nanos, big.NewInt(1e9), new(big.Int))
		if want := time.Unix(sec.Int64(), nsec.Int64()); !got.Equal(want) {
			t.Fatalf("%s: expected %v, got %v", text, want, got)
		}
	})
}

func TestExpiresAtOfUnusableClaims(t *testing.T) {
	for _, claims := range []string{`{}`, `{"exp":"1"}`, `{"exp":null}`, `{"exp":1` + strings.Repeat("0", 400) + `}`} {
		if at, ok := parse(t, unsigned(goodHeader, claims)).Keep(nil).ExpiresAt(); ok {
			t.Errorf("%s: expected no time, got %v", claims, at)
		}
	}
	if at, ok := new(token.Verified).ExpiresAt(); ok {
		t.Errorf("a token that was not parsed: expected no time, got %v", at)
	}
}
