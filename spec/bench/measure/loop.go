package measure

import (
	"runtime"
	"syscall"
	"time"
)

// Cost is what one call of a function costs this process: CPU time with that of
// the garbage collector, which other programs on the machine do not change, and
// allocations.
type Cost struct {
	CPU    time.Duration
	Allocs float64
}

// Loop calls f for about as long as d, at least once, and returns the mean cost.
// f is called with 0, 1, 2 and so on.
func Loop(d time.Duration, f func(i int)) (Cost, error) {
	runtime.GC() // or one case pays for the garbage of the one before
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, err := selfTime()
	if err != nil {
		return Cost{}, err
	}
	n := 0
	const batch = 16 // looking at the clock is not free
	for end := time.Now().Add(d); n == 0 || time.Now().Before(end); {
		for range batch {
			f(n)
			n++
		}
	}
	stop, err := selfTime()
	if err != nil {
		return Cost{}, err
	}
	runtime.ReadMemStats(&after)
	return Cost{
		CPU:    (stop - start) / time.Duration(n),
		Allocs: float64((after.Mallocs - before.Mallocs) / uint64(n)),
	}, nil
}

// selfTime is the CPU time that this process has used.
func selfTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
