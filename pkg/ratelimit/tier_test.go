package ratelimit_test

import (
	"errors"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

func TestTierValidate(t *testing.T) {
	for _, c := range []struct {
		name     string
		tier     ratelimit.Tier
		expected []error
	}{
		{"second and day", ratelimit.Tier{Second: 20, Day: 50_000}, nil},
		{"second alone", ratelimit.Tier{Second: 1}, nil},
		{"minute alone", ratelimit.Tier{Minute: 1}, nil},
		{"hour alone", ratelimit.Tier{Hour: 1}, nil},
		{"day alone", ratelimit.Tier{Day: 1}, nil},
		{"burst below second", ratelimit.Tier{Second: 20, Burst: 1}, nil},
		{"largest", ratelimit.Tier{Second: ratelimit.MaxRate, Burst: ratelimit.MaxRate, Minute: ratelimit.MaxRate, Hour: ratelimit.MaxRate, Day: ratelimit.MaxDay}, nil},
		{"nothing", ratelimit.Tier{}, []error{ratelimit.ErrNoWindow}},
		{"burst alone", ratelimit.Tier{Burst: 5, Day: 5}, []error{ratelimit.ErrBurstAlone}},
		{"second too large", ratelimit.Tier{Second: ratelimit.MaxRate + 1}, []error{ratelimit.ErrOutOfRange}},
		{"minute too large", ratelimit.Tier{Minute: ratelimit.MaxRate + 1}, []error{ratelimit.ErrOutOfRange}},
		{"negative hour", ratelimit.Tier{Hour: -1}, []error{ratelimit.ErrOutOfRange}},
		{"negative day", ratelimit.Tier{Second: 1, Day: -1}, []error{ratelimit.ErrOutOfRange}},
		{"everything wrong", ratelimit.Tier{Burst: -1}, []error{ratelimit.ErrOutOfRange, ratelimit.ErrBurstAlone, ratelimit.ErrNoWindow}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.tier.Validate()
			if (err == nil) != (c.expected == nil) {
				t.Fatalf("expected %v, got %v", c.expected, err)
			}
			for _, e := range c.expected {
				if !errors.Is(err, e) {
					t.Errorf("expected %v among %v", e, err)
				}
			}
		})
	}
}

func TestTierValidateNamesTierAndValue(t *testing.T) {
	err := ratelimit.Tier{Name: "free", Second: -3, Day: 1}.Validate()
	const expected = `tier "free": second: limit out of range: expected 0 to 1000000000, got -3`
	if err == nil || err.Error() != expected {
		t.Errorf("expected %q, got %v", expected, err)
	}
}
