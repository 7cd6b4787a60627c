package redisstore

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

func TestCountsAreReadAsWritten(t *testing.T) {
	for _, c := range []counts{
		{},
		{second: 1, day: 2, date: 7, hour: ratelimit.Count{Number: 3, Used: 4}, minute: ratelimit.Count{Number: 5, Used: 6}},
		{second: maxSum, day: maxSum, date: 1<<31 - 1, hour: ratelimit.Count{Number: 1<<32 - 1, Used: 1<<32 - 1}, minute: ratelimit.Count{Number: 1<<32 - 1, Used: 1<<32 - 1}},
	} {
		text := string(c.append(nil))
		if len(text) > longestField {
			t.Errorf("%q: expected at most %d bytes, got %d", text, longestField, len(text))
		}
		got, err := readCounts(text)
		if err != nil || got != c {
			t.Errorf("%q: expected %+v, got %+v, %v", text, c, got, err)
		}
	}
}

func TestFieldsThatNoNodeWritesAreRefused(t *testing.T) {
	for _, text := range []string{
		"", " ", "1", "1 7:2", "1 7:2 3:4", "1 7:2 3:4 5", "1 7:2 3:4 5:", "1 7:2 3 4 5:6", "1 2 3:4 5:6", "-1 7:2 3:4 5:6", "+1 7:2 3:4 5:6",
		"01 7:2 3:4 5:6", "1  7:2 3:4 5:6", " 1 7:2 3:4 5:6", "1 7:2 3:4 5:6x", "1 7:2 4294967296:4 5:6", "1 7:2 3:4294967296 5:6",
		"1 2147483648:2 3:4 5:6", "1 -7:2 3:4 5:6", "9007199254740993 7:2 3:4 5:6", "1 7:9007199254740993 3:4 5:6",
		"99999999999999999999999999 7:2 3:4 5:6", "1 7:2 3:4 5:6\n", "1e3 7:2 3:4 5:6", "1 7:2 3:4:5 6:7", strings.Repeat("9", 1<<16),
	} {
		if c, err := readCounts(text); !errors.Is(err, errField) {
			t.Errorf("%.40q: expected %v, got %+v, %v", text, errField, c, err)
		} else if strings.Contains(err.Error(), text) && text != "" && text != " " && text != "1" {
			t.Errorf("%q repeats the field", err)
		}
	}
}

func TestWordsOfLaterVersionsAreIgnored(t *testing.T) {
	c, err := readCounts("1 7:2 3:4 5:6 more:7 x")
	if expected := (counts{second: 1, date: 7, day: 2, hour: ratelimit.Count{Number: 3, Used: 4}, minute: ratelimit.Count{Number: 5, Used: 6}}); err != nil || c != expected {
		t.Errorf("expected %+v, got %+v, %v", expected, c, err)
	}
}

func FuzzFields(f *testing.F) {
	f.Add("1204 20577:1204 493854:377 29631241:9", "1 20577:1 493853:1 29631240:1")
	f.Add("9007199254740992 20577:9007199254740992 4294967295:4294967295 4294967295:4294967295", "0 0:0 0:0 0:0")
	f.Fuzz(func(t *testing.T, a, b string) {
		all := newSum(utc.Day(noon).Number, noon)
		for _, text := range []string{a, b, a} {
			c, err := readCounts(text)
			if err != nil {
				continue
			}
			if back, err := readCounts(string(c.append(nil))); err != nil || back != c {
				t.Fatalf("%q: expected %+v, got %+v, %v", text, c, back, err)
			}
			all.add(c)
		}
		// Whatever Redis holds, the node's own admissions stay, no total is
		// negative and the bucket stays within its bounds.
		p := newPeer(hashes{}, "n", View{})
		own := p.pass(7, ratelimit.Tier{Name: "t", Second: 5, Minute: 100, Hour: 100, Day: 100})
		p.sync()
		x, st := p.entry()
		x.merge(&st, time.Second, x.own, &all, 0, time.Second)
		if st.Used < int64(own) || st.Hour.Number != x.own.hour.Number || st.Hour.Used < x.own.hour.Used || x.own.day != int64(own) {
			t.Fatalf("%q, %q: %d of its own became %+v", a, b, own, st)
		}
		if debt := st.TAT - time.Second; debt > 2*time.Second {
			t.Fatalf("%q, %q: expected a debt of at most burst and a second, got %v", a, b, debt)
		}
	})
}
