package ratelimit

import "time"

// The windows of minute, hour and day are calendar windows: each counts from its
// beginning and is whole again at its end. Minutes and hours are those of UTC,
// as in Kong's rate-limiting plugin; the day is that of a [Calendar].

// window is a calendar window of one key at one instant.
type window struct {
	window Window
	limit  int64 // 0 if the tier has no such window
	used   int64
	left   time.Duration // until its end
	number int64         // which minute, hour or day it is
	end    int64         // of the day, in Unix seconds
}

// windows reads the calendar windows that tier has, the shorter before the
// longer.
func (s State) windows(now time.Time, tier Tier, day Day) (list [3]window) {
	if tier.Minute > 0 {
		list[0] = s.Minute.window(WindowMinute, tier.Minute, now, secondsPerMinute)
	}
	if tier.Hour > 0 {
		list[1] = s.Hour.window(WindowHour, tier.Hour, now, secondsPerHour)
	}
	if tier.Day > 0 {
		used, in := s.dayUse(day, now)
		list[2] = window{WindowDay, tier.Day, used, until(in.End, now), int64(in.Number), in.End}
	}
	return list
}

// keep writes the windows of an admitted request back.
func (s *State) keep(list *[3]window) {
	if w := &list[0]; w.limit > 0 {
		s.Minute = Count{Number: uint32(w.number), Used: uint32(min(w.used, maxCount))}
	}
	if w := &list[1]; w.limit > 0 {
		s.Hour = Count{Number: uint32(w.number), Used: uint32(min(w.used, maxCount))}
	}
	if w := &list[2]; w.limit > 0 {
		s.Used, s.Day, s.DayEnd = w.used, int32(w.number), w.end
	}
}

// Count is how many requests were admitted in one minute or one hour.
type Count struct {
	// Number counts these windows from the Unix epoch on, which began window 0.
	Number uint32
	Used   uint32
}

// maxCount is the most that a Count holds; limits end far below it.
const maxCount = 1<<32 - 1

// window reads the count for now, in windows of so many seconds.
//
// A counted window one ahead is that of a clock that was stepped back over a
// boundary: the count goes on in it while it lasts. One further ahead was
// written by a clock that was wrong: its count is taken along.
func (c Count) window(name Window, limit int64, now time.Time, seconds int64) window {
	current := now.Unix() / seconds
	w := window{window: name, limit: limit, number: current}
	switch ahead := int64(c.Number) - current; {
	case ahead == 0, ahead > 1:
		w.used = int64(c.Used)
	case ahead == 1:
		w.used, w.number = int64(c.Used), int64(c.Number)
	}
	w.left = until((w.number+1)*seconds, now)
	return w
}

// over reports whether the counted window has ended or lies so far ahead that it
// was never right.
func (c Count) over(now time.Time, seconds int64) bool {
	ahead := int64(c.Number) - now.Unix()/seconds
	return c.Used == 0 || ahead < 0 || ahead > 1
}

// dayUse returns what the key has used of day, and the day to go on counting in.
//
// A counted day with a higher number is that of a second zone, or of a clock
// that was stepped back over midnight: the count goes on in it while it lasts.
// One that ends more than two days ahead was written by a clock that was wrong:
// its count is taken along into day, so that putting the clock right gives no
// quota back, and the next midnight does.
func (s State) dayUse(day Day, now time.Time) (used int64, in Day) {
	left := s.DayEnd - now.Unix()
	switch {
	case s.Day == day.Number:
		return s.Used, day
	case s.Day < day.Number, left <= 0:
		return 0, day
	case left <= 2*secondsPerDay:
		return s.Used, Day{Number: s.Day, End: s.DayEnd}
	default:
		return s.Used, day
	}
}

// until returns the time from now to an end in Unix seconds, never negative.
func until(end int64, now time.Time) time.Duration {
	left := time.Duration(end-now.Unix())*time.Second - time.Duration(now.Nanosecond())
	return max(0, left)
}
