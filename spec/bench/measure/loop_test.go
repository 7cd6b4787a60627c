package measure_test

import (
	"testing"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

var sink []byte

func TestLoopCountsCallsAndAllocations(t *testing.T) {
	calls := 0
	c, err := measure.Loop(0, func(i int) {
		if i != calls {
			t.Errorf("call %d got %d", calls, i)
		}
		calls++
		sink = make([]byte, 1<<10)
		sink = make([]byte, 1<<10)
	})
	if err != nil || calls == 0 || c.CPU < 0 || c.Allocs < 2 {
		t.Errorf("got %+v, %v after %d calls", c, err, calls)
	}
}
