package measure_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

// stat is /proc/PID/stat with a name, a parent and times in ticks.
func stat(name, parent, utime, stime string) string {
	return "42 (" + name + ") S " + parent + " 42 42 0 -1 4194304 90 0 0 0 " + utime + " " + stime + " 0 0 20 0 5 0 1114640 180224 0\n"
}

func proc(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestCPUTime(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  time.Duration
	}{
		"nanoseconds of all threads": {
			map[string]string{"42/stat": stat("x", "1", "1", "2"), "42/task/42/schedstat": "31000000 5 7\n", "42/task/43/schedstat": "2500000 5 7\n"},
			33500 * time.Microsecond,
		},
		"ticks, when threads have ended": {
			map[string]string{"42/stat": stat("x", "1", "10", "20"), "42/task/42/schedstat": "31000000 5 7\n"},
			300 * time.Millisecond,
		},
		"ticks, when the kernel keeps nothing finer": {
			map[string]string{"42/stat": stat("x", "1", "3", "4"), "42/task/42/comm": "x\n"},
			70 * time.Millisecond,
		},
		"a name like the fields behind it": {
			map[string]string{"42/stat": stat("a) S 1 (b", "1", "1", "1"), "42/task/42/schedstat": "0 0 0\n"},
			20 * time.Millisecond,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := measure.CPUTime(proc(c.files), 42)
			if err != nil || got != c.want {
				t.Errorf("got %v, %v, expected %v", got, err, c.want)
			}
		})
	}
}

func TestCPUTimeOfSeveralIsTheirSum(t *testing.T) {
	files := proc(map[string]string{
		"42/stat": stat("x", "1", "1", "0"), "42/task/42/schedstat": "10000000 0 0\n",
		"43/stat": stat("y", "1", "2", "0"), "43/task/43/schedstat": "20000000 0 0\n",
	})
	if got, err := measure.CPUTime(files, 42, 43); err != nil || got != 30*time.Millisecond {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCPUTimeRefuses(t *testing.T) {
	good := stat("x", "1", "1", "1")
	for name, c := range map[string]struct {
		stat, sched string
		want        error
	}{
		"no process":        {"", "", fs.ErrNotExist},
		"a stat cut short":  {good[:len("42 (x) S 1 42 42 0 -1 4194304 90")], "1 2 3", measure.ErrProc},
		"a stat of nothing": {"\n", "1 2 3", measure.ErrProc},
		"times in words":    {stat("x", "1", "one", "1"), "1 2 3", measure.ErrProc},
		"a short schedstat": {good, "1 2", measure.ErrProc},
		"a wordy schedstat": {good, "a b c", measure.ErrProc},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			if c.stat != "" {
				files["42/stat"], files["42/task/42/schedstat"] = c.stat, c.sched
			}
			if got, err := measure.CPUTime(proc(files), 42); !errors.Is(err, c.want) {
				t.Errorf("got %v, %v, expected %v", got, err, c.want)
			}
		})
	}
}

func TestCPUTimeOfThisProcessGrows(t *testing.T) {
	var last time.Duration
	for range 3 {
		if _, err := measure.Loop(20*time.Millisecond, func(int) {}); err != nil {
			t.Fatal(err)
		}
		now, err := measure.CPUTime(os.DirFS("/proc"), os.Getpid())
		if err != nil || now <= last {
			t.Fatalf("got %v, %v after %v", now, err, last)
		}
		last = now
	}
}

func TestProcesses(t *testing.T) {
	files := proc(map[string]string{
		"7/stat": stat("nginx", "3", "0", "0"), "7/cmdline": "nginx: worker process\x00\x00\x00",
		"42/stat": stat("a) b", "7", "0", "0"), "42/cmdline": "/bin/plugin\x00-kong-prefix\x00/tmp/x\x00",
		"2/stat": stat("kthreadd", "0", "0", "0"), "2/cmdline": "",
		"9/comm": "has ended", "uptime": "1 2",
	})
	got, err := measure.Processes(files)
	if err != nil {
		t.Fatal(err)
	}
	want := []measure.Process{
		{PID: 2, Parent: 0},
		{PID: 42, Parent: 7, Args: []string{"/bin/plugin", "-kong-prefix", "/tmp/x"}},
		{PID: 7, Parent: 3, Args: []string{"nginx: worker process"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := measure.Processes(proc(map[string]string{"5/stat": "5 (x", "5/cmdline": "x"})); !errors.Is(err, measure.ErrProc) {
		t.Errorf("got %v, expected %v", err, measure.ErrProc)
	}
}
