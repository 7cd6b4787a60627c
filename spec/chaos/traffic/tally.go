package traffic

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// keepWrong is how many wrong answers a tally describes.
const keepWrong = 8

// Tally counts what came of the requests.
type Tally struct {
	Good     int           // let through, as they should be
	Hostile  int           // refused with the right diagnosis
	Excused  int           // answered with a 5xx in a gap
	Admitted int           // hostile and let through: never excused
	Wrong    int           // anything else
	Slowest  time.Duration // of all answers

	Examples []string // of the admitted and the wrong
}

// Answers is the number of requests that have ended.
func (t Tally) Answers() int { return t.Good + t.Hostile + t.Excused + t.Admitted + t.Wrong }

// Fault returns what is wrong with a tally, nil for nothing. Traffic of which one
// kind never got an answer proves nothing, and is wrong too.
func (t Tally) Fault() error {
	switch {
	case t.Admitted+t.Wrong > 0:
		return fmt.Errorf("%d of %d requests let through that should not be, %d otherwise wrong: %s",
			t.Admitted, t.Answers(), t.Wrong, strings.Join(t.Examples, "; "))
	case t.Good == 0 || t.Hostile == 0:
		return fmt.Errorf("expected good and hostile requests, got %d and %d", t.Good, t.Hostile)
	}
	return nil
}

// String sums a tally up in a line.
func (t Tally) String() string {
	return fmt.Sprintf("%d good, %d hostile, %d excused, %d admitted, %d wrong, slowest %s",
		t.Good, t.Hostile, t.Excused, t.Admitted, t.Wrong, t.Slowest.Round(time.Millisecond))
}

func (t Tally) clone() Tally {
	t.Examples = slices.Clone(t.Examples)
	return t
}

// Gap is a time in which requests may be answered with a 5xx.
type Gap struct {
	Begun   time.Time
	Last    time.Time // when the last of them had its answer; Begun without any
	Excused int

	codes []string
}

// excuses reports whether a request may be answered so while the gap is open.
func (g *Gap) excuses(r request, status int, code string) bool {
	return g != nil && status >= 500 && (len(g.codes) == 0 || r.good && slices.Contains(g.codes, code))
}

// Length is how long the fault was felt.
func (g Gap) Length() time.Duration { return g.Last.Sub(g.Begun) }

// Gap opens a gap; only one may be open at a time. end closes it and returns what
// it cost. A request that began before may still be excused after. With codes, only
// good requests are excused, and only those that one of these diagnoses explains.
func (t *Traffic) Gap(codes ...string) (end func() Gap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	g := &Gap{Begun: now, Last: now, codes: codes}
	t.gap = g
	return func() Gap {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.gap = nil
		return *g
	}
}

func (t *Traffic) open() *Gap {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gap
}

// note holds an answer against the right one. gap is the one that was open when the
// request began; one that has opened since excuses too.
func (t *Traffic) note(r request, resp *http.Response, err error, begun time.Time, gap *Gap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer func() {
		close(t.served)
		t.served = make(chan struct{})
	}()
	now := time.Now()
	t.tally.Slowest = max(t.tally.Slowest, now.Sub(begun))
	if gap == nil {
		gap = t.gap
	}
	if err != nil {
		t.tally.wrong(r, err.Error())
		return
	}
	code, _, _ := strings.Cut(resp.Header.Get("X-Auth-Diagnosis"), ";")
	told := fmt.Sprintf("%d %s", resp.StatusCode, code)
	switch {
	case r.good && resp.StatusCode == http.StatusOK:
		t.tally.Good++
	case !r.good && resp.StatusCode < 400:
		t.tally.Admitted++
		t.tally.example(r, told)
	case !r.good && slices.Contains(r.codes, code):
		t.tally.Hostile++
	case gap.excuses(r, resp.StatusCode, code):
		t.tally.Excused++
		gap.Excused++
		gap.Last = now
	default:
		t.tally.wrong(r, told)
	}
}

func (t *Tally) wrong(r request, told string) {
	t.Wrong++
	t.example(r, told)
}

func (t *Tally) example(r request, told string) {
	if len(t.Examples) < keepWrong {
		t.Examples = append(t.Examples, fmt.Sprintf("%s: %s", r.what, told))
	}
}
