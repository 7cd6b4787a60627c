package kongdev_test

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The stock plugin runs on go-pdk's own server, so what it shows here is what
// Kong does with it.

func TestEachWorkerStartsItsOwnInstance(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "none")))
	for range 4 {
		if got := k.get("/a").Header.Value("X-Label"); got != "a" {
			t.Fatalf("label: expected %q, got %q", "a", got)
		}
	}
	if got := strings.Count(k.errorLog(), "started plugin server: seq"); got != 2 {
		t.Errorf("instances started for 4 requests over 2 workers: expected 2, got %d", got)
	}
}

func TestPluginHeadersComeBeforeTheUpstreamsOwn(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "upstream")))
	got := k.get("/a", "X-Removed: yes", "X-Added: theirs")
	if diff := cmp.Diff([]string{"a", "upstream"}, got.Header.Values("X-Label")); diff != "" {
		t.Errorf("X-Label (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a=1", "b=2"}, got.Header.Values("Set-Cookie")); diff != "" {
		t.Errorf("Set-Cookie (-want +got):\n%s", diff)
	}
	if strings.Contains(got.body, "X-Removed") {
		t.Error("a header set to an empty list reached the upstream")
	}
	if !strings.Contains(got.body, "X-Added: a\r\nX-Added: b\r\n") || strings.Contains(got.body, "theirs") {
		t.Errorf("X-Added: expected the plugin's two values, got %q", got.body)
	}
}

func TestExitNeverAnswersThePlugin(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "exit")))
	for range 3 {
		got := k.get("/a")
		if got.Status != 418 || got.body != "short and stout" || got.Header.Value("X-Exit") != "yes" {
			t.Fatalf("exit: got %d %q %v", got.Status, got.body, got.Header)
		}
		if got.Header.Value("X-Label") != "a" {
			t.Error("a header set before the exit is missing")
		}
		if got.Header.Has("Via") || !got.Header.Has("X-Kong-Response-Latency") {
			t.Errorf("expected the marks of an answer made by Kong, got %v", got.Header)
		}
	}
	k.await("the dropped sockets in the plugin's log", func() bool {
		return strings.Count(k.errorLog(), "EOF")+strings.Count(k.errorLog(), "closed network")+
			strings.Count(k.errorLog(), "broken pipe") >= 3
	})
}

func TestDroppedConnectionIsReplayed(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "close-once")))
	got := k.get("/a")
	if got.Status != 200 {
		t.Errorf("expected the event to be repeated and the request to pass, got %d %q", got.Status, got.body)
	}
	if n := got.Header.Value("X-Runs"); n != "2" {
		t.Errorf("runs of the handler for one request: expected 2, got %q", n)
	}
}

// TestAClosedConnectionResetsAllWorkers: the one that met it at once, the others by an
// event.
func TestAClosedConnectionResetsAllWorkers(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "close-once"), route("b", "none")))
	k.get("/b")
	k.get("/b")
	k.get("/a")
	// Both start b's, one starts a's twice, and both start b's anew.
	k.await("six instances", func() bool {
		k.get("/b")
		return strings.Count(k.errorLog(), "started plugin server: seq") >= 6
	})
}

func TestPluginProcessHasTheLimitsOfAWorker(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "none")), "nginx_main_worker_rlimit_nofile = 1100")
	limits, err := os.ReadFile("/proc/" + k.get("/a").Header.Value("X-Server-Pid") + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			if diff := cmp.Diff([]string{"1100", "1100", "files"}, strings.Fields(rest)); diff != "" {
				t.Errorf("soft and hard limit (-want +got):\n%s", diff)
			}
			return
		}
	}
	t.Errorf("no limit of open files in %s", limits)
}

func TestDeadPluginServerIs500UntilItIsBack(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "none")))
	pid, err := strconv.Atoi(k.get("/a").Header.Value("X-Server-Pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	failed := 0
	k.await("the respawned plugin server", func() bool {
		got := k.get("/a")
		switch got.Status {
		case 500:
			failed++
			if !strings.Contains(got.body, "An unexpected error occurred") {
				t.Errorf("500 body: got %q", got.body)
			}
			return false
		case 200:
			if !got.Header.Has("X-Label") {
				t.Error("a request passed without the plugin")
			}
			return got.Header.Value("X-Server-Pid") != strconv.Itoa(pid)
		}
		t.Fatalf("expected 500 or 200, got %d", got.Status)
		return false
	})
	if failed == 0 {
		t.Error("expected 500 answers while the plugin server was away")
	}
}

func TestOneRawHeaderByteHidesAllHeadersFromGoPDK(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "headers")))
	if got := k.get("/a", "X-Name: Jos\xc3\xa9").Header.Value("X-Header-Error"); got != "<nil>" {
		t.Errorf("UTF-8 header: expected no error, got %q", got)
	}
	got := k.get("/a", "X-Name: Jos\xe9")
	if !strings.Contains(got.Header.Value("X-Header-Error"), "UTF-8") || got.Header.Value("X-Header-Count") != "0" {
		t.Errorf("expected go-pdk to refuse the raw byte, got %v", got.Header)
	}
	if !strings.Contains(got.body, "Jos\xe9") {
		t.Error("the raw byte did not reach the upstream unchanged")
	}
}

func TestGetHeadersStopsAt100(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "headers")))
	var lines []string
	for i := range 150 {
		lines = append(lines, fmt.Sprintf("X-%d: v", i))
	}
	if got := k.get("/a", lines...).Header.Value("X-Header-Count"); got != "100" {
		t.Errorf("headers seen of 151: expected 100, got %q", got)
	}
}

func TestNginxRefusesHeadsBeforeAnyPlugin(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "none")))
	long := strings.Repeat("x", 8192)
	for name, c := range map[string]struct {
		raw, message string
		status       int
	}{
		"two Authorization lines":  {request("/a", "Authorization: Bearer x", "Authorization: Bearer y"), "Bad request", 400},
		"two Host lines":           {request("/a", "Host: other"), "Bad request", 400},
		"a header line over 8 KB":  {request("/a", "Authorization: "+long), "Request header or cookie too large", 400},
		"a blank before the colon": {request("/a", "Authorization : x"), "Bad request", 400},
		"a folded line":            {request("/a", "X-A: b", "  c"), "Bad request", 400},
		"a NUL":                    {request("/a", "X-A: b\x00c"), "Bad request", 400},
		"no Host":                  {"GET /a HTTP/1.1\r\n\r\n", "Bad request", 400},
		"a long request line":      {request("/a?" + long), "URI too long", 414},
	} {
		t.Run(name, func(t *testing.T) {
			got := k.dial().send(c.raw).recv("GET")
			if got.Status != c.status || !strings.HasPrefix(got.body, c.message+"\nrequest_id: ") {
				t.Errorf("expected %d %q, got %d %q", c.status, c.message, got.Status, got.body)
			}
			if got.Header.Has("X-Label") {
				t.Error("the plugin ran")
			}
			if id := got.Header.Value("X-Kong-Request-Id"); len(id) != 32 || !strings.Contains(got.body, id) {
				t.Errorf("request id: expected the header's in the body, got %q", id)
			}
		})
	}
}

// TestReloadMixesInstanceIDs is the drain recipe: request heads are left half
// sent over a reload that removes a plugin configuration. The old workers send
// their old instance ids to the new plugin server, where go-pdk has given them
// to other configurations.
func TestReloadMixesInstanceIDs(t *testing.T) {
	t.Parallel()
	url := upstream(t)
	k := startKong(t, config(url, route("a", "none"), route("b", "none"), route("c", "none")))
	names := []string{"a", "b", "c"}
	for range 2 { // both workers start all three
		for _, n := range names {
			k.get("/" + n)
			k.get("/" + n)
		}
	}
	var half []*client // half[i] asks for names[i%3]
	for range 4 {
		for _, n := range names {
			half = append(half, k.dial().send("GET /"+n+" HTTP/1.1\r\nHost: api.test\r\n"))
		}
	}
	idle := []*client{k.dial(), k.dial()} // one on each worker
	for _, c := range idle {
		c.send(request("/a")).recv("GET")
	}
	k.await("the connections", func() bool {
		return strings.Contains(k.adminGet("/status"), fmt.Sprintf(`"connections_active":%d`, len(half)+len(idle)))
	})
	k.write(k.yml, config(url, "  - name: a\n    paths: [/a]\n", route("b", "none"), route("c", "none")))
	k.reload("-c", k.conf)
	for _, c := range idle { // old workers close these when they begin to drain
		if _, err := c.br.ReadByte(); err != io.EOF {
			t.Fatalf("idle connection: expected EOF, got %v", err)
		}
	}
	// Both new workers start the remaining configurations in the new process.
	for _, n := range []string{"b", "b", "c", "c"} {
		k.get("/" + n)
	}
	wrong := 0
	for i, c := range half {
		name, got := names[i%len(names)], c.send("\r\n").recv("GET")
		if got.Status != 200 {
			t.Errorf("half-sent request to /%s: expected 200, got %d", name, got.Status)
		}
		if label := got.Header.Value("X-Label"); label != name {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("expected a half-sent request to run another route's configuration, as with Kong")
	}
}

// soonGone lets an old worker 0 exit a second after its last request at most, and not
// ten.
var soonGone = []string{"KONGDEV_LOG_READ=1s"}

// TestOldPluginProcessEndsWithWorker0: not earlier, and not with the other workers,
// whose requests go on in the new process.
func TestOldPluginProcessEndsWithWorker0(t *testing.T) {
	t.Parallel()
	k := newKong(t, config(upstream(t), route("a", "none")))
	k.env = soonGone
	k.start()
	others, zeros := k.dial(), k.dial() // connections go around, and worker 0 is not the first
	var old string
	for _, c := range []*client{others, zeros} {
		old = c.send(request("/a")).recv("GET").Header.Value("X-Server-Pid")
		c.send("GET /a HTTP/1.1\r\nHost: api.test\r\n")
	}
	k.reload("-p", k.prefix)
	k.await("the new workers and the new process", func() bool {
		pid := k.get("/a").Header.Value("X-Server-Pid")
		return pid != "" && pid != old
	})
	if _, err := os.Stat("/proc/" + old); err != nil {
		t.Errorf("while worker 0 has a request: %v", err)
	}
	if got := zeros.send("\r\n").recv("GET"); got.Status != 200 || got.Header.Value("X-Label") != "a" {
		t.Errorf("the request of the old worker 0: got %d %v", got.Status, got.Header)
	}
	k.await("the end of the old plugin process", func() bool {
		_, err := os.Stat("/proc/" + old)
		return err != nil
	})
	if got := others.send("\r\n").recv("GET"); got.Status != 200 || got.Header.Value("X-Label") != "a" || got.Header.Value("X-Server-Pid") == old {
		t.Errorf("the request of the other old worker: got %d %v", got.Status, got.Header)
	}
}

func TestReloadDropsNoRequest(t *testing.T) {
	t.Parallel()
	k := startKong(t, config(upstream(t), route("a", "none")))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]int{}
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, err := k.try("/a")
				mu.Lock()
				answers[fmt.Sprint(status, " ", err)]++
				mu.Unlock()
			}
		})
	}
	k.reload("-p", k.prefix)
	k.reload("-p", k.prefix)
	close(stop)
	wg.Wait()
	ok, refused := answers["200 <nil>"], answers["500 <nil>"]
	delete(answers, "200 <nil>")
	delete(answers, "500 <nil>")
	// go-pdk's server removes its socket before it makes the new one, and the old
	// process may be gone before that. Who connects in between gets a 500, from Kong as
	// from here; the gateway drops nobody.
	gap := strings.Count(k.errorLog(), "trying to connect: ")
	if ok == 0 || refused > gap || len(answers) > 0 {
		t.Errorf("over two reloads: expected 200, and 500 for the %d that met no socket, got %d, %d and %v", gap, ok, refused, answers)
	}
}

// reload runs `kongdev reload` and waits for the new plugin server.
func (k *kong) reload(args ...string) {
	k.t.Helper()
	listening := strings.Count(k.errorLog(), "Listening on socket")
	if out, err := k.run(append([]string{"reload"}, args...)...); err != nil {
		k.t.Fatalf("reload: %v %s", err, out)
	}
	k.await("the new plugin server", func() bool {
		return strings.Count(k.errorLog(), "Listening on socket") > listening
	})
}

func TestPostConfigStartsInstancesAnew(t *testing.T) {
	t.Parallel()
	url := upstream(t)
	k := startKong(t, config(url, route("a", "none")))
	k.get("/a")
	k.get("/a")
	status, body := k.post("/config", config(url, strings.Replace(route("a", "none"), `label: "a"`, `label: "new"`, 1)))
	if status != 201 {
		t.Fatalf("POST /config: expected 201, got %d %s", status, body)
	}
	k.await("the new configuration in both workers", func() bool {
		first, second := k.get("/a"), k.get("/a")
		return first.Header.Value("X-Label") == "new" && second.Header.Value("X-Label") == "new"
	})
	k.await("CLOSE of both old instances", func() bool { return strings.Count(k.errorLog(), "closed instance") == 2 })
	status, body = k.post("/config", config(url, strings.Replace(route("a", "none"), "do:", "nope: 1, do:", 1)))
	if status != 400 || !strings.Contains(body, `"nope":"unknown field"`) {
		t.Errorf("bad config: expected 400 with the field, got %d %s", status, body)
	}
	if got := k.get("/a").Header.Value("X-Label"); got != "new" {
		t.Error("a refused configuration took effect")
	}
}
