package redisstore

import (
	"context"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// ReadDay reads how many admissions of a day a field of a hash has, and those
// under tiers with a second window.
func ReadDay(field string) (day, second int64, err error) {
	c, err := readCounts(field)
	return c.day, c.second, err
}

// AsyncKey is the name of a hash.
var AsyncKey = asyncKey

// ManualView returns a view without a goroutine, and a round of it, which tells
// how many keys Redis answered.
func ManualView(s *Store, v View) (l ratelimit.Limiter, round func() int) {
	w := &pipelines{client: s.client, field: s.process, timeout: s.options.timeout()}
	a := newAsync(s.clock, w, v.MaxKeys, func(Fault) {})
	return a.view(v), func() int { return a.round(context.Background()).answered }
}
