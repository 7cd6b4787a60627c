package access

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lookup is a Gateway that only knows consumers, and counts who asks.
type lookup struct {
	Gateway
	known map[string]Consumer
	err   error
	asked int
}

func (l *lookup) LoadConsumer(name string, byUsername bool) (Consumer, error) {
	l.asked++
	return l.known[fmt.Sprintf("%s%v", name, byUsername)], l.err
}

func TestDirectoryRemembersForAWhile(t *testing.T) {
	alice := Consumer{ID: "1", Username: "alice", Tags: []string{"tier:gold"}}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		name  string
		after time.Duration
		asked int // in all
	}{
		"a consumer":                    {"alice", knownFor - 1, 1},
		"a consumer, too long ago":      {"alice", knownFor, 2},
		"no consumer":                   {"bob", unknownFor - 1, 1},
		"no consumer, too long ago":     {"bob", unknownFor, 2},
		"a consumer, clock set back":    {"alice", -time.Second, 2},
		"no consumer, clock set back":   {"bob", -time.Hour, 2},
		"a consumer, at the same time ": {"alice", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := &lookup{known: map[string]Consumer{"alicetrue": alice}}
			d := newDirectory()
			for _, at := range []time.Time{noon, noon.Add(tt.after)} {
				got, err := d.find(l, query{name: tt.name, byUsername: true}, at)
				if err != nil {
					t.Fatal(err)
				}
				if want := map[string]*Consumer{"alice": &alice}[tt.name]; !cmp.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			}
			if l.asked != tt.asked {
				t.Errorf("Kong was asked %d times, want %d", l.asked, tt.asked)
			}
		})
	}
}

func TestDirectoryKeepsQueriesApart(t *testing.T) {
	l := &lookup{known: map[string]Consumer{"atrue": {ID: "1"}, "afalse": {ID: "2"}}}
	d := newDirectory()
	for _, q := range []query{{"", "a", true}, {"", "a", false}, {"w", "a", true}} {
		if _, err := d.find(l, q, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if l.asked != 3 {
		t.Errorf("3 queries asked Kong %d times", l.asked)
	}
}

func TestDirectoryRemembersNoError(t *testing.T) {
	gone := errors.New("gone")
	l := &lookup{err: gone}
	d := newDirectory()
	for range 2 {
		if _, err := d.find(l, query{name: "a"}, time.Unix(0, 0)); !errors.Is(err, gone) {
			t.Errorf("got error %v", err)
		}
	}
	if l.asked != 2 {
		t.Errorf("Kong was asked %d times, want 2", l.asked)
	}
}

func TestDirectoryIsBounded(t *testing.T) {
	const size, n = 1 << 16, 3 * directorySize >> 16
	l := &lookup{known: map[string]Consumer{}}
	for i := range n {
		l.known[fmt.Sprintf("%dfalse", i)] = Consumer{ID: fmt.Sprint(i), Tags: []string{strings.Repeat("x", size)}}
	}
	d := newDirectory()
	for i := range n {
		if _, err := d.find(l, query{name: fmt.Sprint(i)}, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	d.answers.CleanUp()
	if got := d.answers.WeightedSize(); got > directorySize || got < directorySize/2 {
		t.Errorf("%d consumers of %d bytes take %d, want at most %d", n, size, got, directorySize)
	}
}
