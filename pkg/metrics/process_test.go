package metrics_test

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/metrics"
)

// proc is a process of that name; its times are 1.50 s, 0.25 s and 100 s after the start
// of the machine.
func proc(name string) fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"stat":       file("cpu  1 2 3\nbtime 1700000000\nprocesses 5\n"),
		"self/stat":  file("42 (" + name + ") S 1 42 42 0 -1 4194304 103 0 0 0 150 25 7 8 20 0 1 0 10000 2998272 395 18446744073709551615\n"),
		"self/statm": file("5000 1234 900 300 0 800 0\n"),
		"self/fd/0":  file(""),
		"self/fd/7":  file(""),
	}
}

func TestProcess(t *testing.T) {
	full := metrics.Process{Resident: 1234 * 4096, Descriptors: 2, CPU: 1.75, Started: 1700000100}
	without := func(names ...string) fs.FS {
		p := proc("kong")
		for _, name := range names {
			delete(p, name)
		}
		return p
	}
	cut := proc("kong")
	cut["self/stat"].Data = []byte("42 (kong) S 1 42")
	cut["self/statm"].Data = []byte("5000")
	cut["stat"].Data = []byte("btime soon\n")
	for name, tt := range map[string]struct {
		proc fs.FS
		want metrics.Process
	}{
		"all there":                      {proc("auth-diagnosis"), full},
		"a name with what ends a name":   {proc("a) R 1 2 (b"), full},
		"no proc":                        {fstest.MapFS{}, metrics.Process{}},
		"no time of the machine's start": {without("stat"), metrics.Process{Resident: 1234 * 4096, Descriptors: 2, CPU: 1.75}},
		"files that are cut":             {cut, metrics.Process{Descriptors: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got := metrics.ReadProcess(tt.proc, 4096)
			if got.Goroutines < 1 {
				t.Errorf("%d goroutines", got.Goroutines)
			}
			got.Goroutines = 0
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("process (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThisProcess(t *testing.T) {
	p := metrics.ReadProcess(os.DirFS("/proc"), os.Getpagesize())
	started := time.Unix(0, int64(p.Started*1e9))
	if age := time.Since(started); age < -time.Minute || age > 24*time.Hour {
		t.Errorf("started %v, %v ago", started, age)
	}
	if p.Resident < 1<<20 || p.Descriptors < 3 {
		t.Errorf("%+v", p)
	}
}

func TestWhatIsUnknownIsLeftOut(t *testing.T) {
	var p metrics.Page
	metrics.Process{Goroutines: 7, CPU: 0.5}.Write(&p)
	want := `# HELP go_goroutines Goroutines that there are.
# TYPE go_goroutines gauge
go_goroutines 7
# HELP process_cpu_seconds_total Seconds of processor time used.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 0.5
`
	if diff := cmp.Diff(want, string(p.Bytes())); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}
