package ratelimit

import (
	"sort"
	"sync/atomic"
	"time"
)

// Day is a calendar day in some zone.
type Day struct {
	// Number counts the zone's days from 1970-01-01, which is 0.
	Number int32
	// End is the first second of the next day, in seconds since the Unix epoch.
	End int64
}

const (
	secondsPerMinute = 60
	secondsPerHour   = 60 * secondsPerMinute
	secondsPerDay    = 24 * secondsPerHour
)

// longestDay bounds the search for a day's end, in seconds. Days of 23 to 25
// hours are common; a zone that crossed the date line has lived one twice.
const longestDay = 3 * secondsPerDay

// Calendar tells which day it is in one zone. It is safe for concurrent use and
// costs a comparison except in the first moment of a day.
type Calendar struct {
	loc     *time.Location
	current atomic.Pointer[span]
}

// span is a stretch of time known to lie in one day.
type span struct {
	from int64 // Unix seconds
	day  Day
}

// NewCalendar returns the calendar of loc; nil means UTC.
func NewCalendar(loc *time.Location) *Calendar {
	if loc == nil {
		loc = time.UTC
	}
	return &Calendar{loc: loc}
}

// Location returns the calendar's zone.
func (c *Calendar) Location() *time.Location { return c.loc }

// Day returns the day in which now lies, by its wall clock.
func (c *Calendar) Day(now time.Time) Day {
	sec := now.Unix()
	if s := c.current.Load(); s != nil && sec >= s.from && sec < s.day.End {
		return s.day
	}
	s := &span{from: sec, day: dayAt(sec, c.loc)}
	c.current.Store(s)
	return s.day
}

// dayAt finds the end of the day by search, not by building the next midnight:
// where clocks change at midnight, that midnight may not exist (Cairo in
// spring) or exist twice (Havana in autumn), and [time.Date] does not say which
// of the answers it gives. A search also skips days that a zone left out.
func dayAt(sec int64, loc *time.Location) Day {
	today := dayNumber(sec, loc)
	n := sort.Search(longestDay, func(i int) bool { return dayNumber(sec+int64(i), loc) > today })
	return Day{Number: today, End: sec + int64(n)}
}

func dayNumber(sec int64, loc *time.Location) int32 {
	_, offset := time.Unix(sec, 0).In(loc).Zone()
	local := sec + int64(offset)
	n := local / secondsPerDay
	if local%secondsPerDay < 0 {
		n--
	}
	return int32(n)
}
