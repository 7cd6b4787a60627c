package kongdev_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

// binaries are built once for all specs.
var binaries struct{ kongdev, stock string }

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "kd")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binaries.kongdev, binaries.stock = filepath.Join(dir, "kongdev"), filepath.Join(dir, "stock")
		for _, b := range []struct {
			dir, out, pkg string
			flags         []string
		}{
			{".", binaries.kongdev, "kong-plugin-auth-diagnosis/cmd/kongdev", buildFlags},
			{"testdata/stockplugin", binaries.stock, ".", nil},
		} {
			cmd := exec.Command("go", append(append([]string{"build", "-o", b.out}, b.flags...), b.pkg)...)
			cmd.Dir = b.dir
			if out, err := cmd.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "building %s: %v\n%s", b.pkg, err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

// deadline bounds every wait for another process.
const deadline = 10 * time.Second

// kong is one running gateway, known by its command line and HTTP only.
type kong struct {
	t      *testing.T
	prefix string
	conf   string
	yml    string
	proxy  string // host:port
	admin  string
	env    []string
}

// startKong starts a gateway with two workers and the stock plugin; extra lines
// are added to kong.conf.
func startKong(t *testing.T, yml string, extra ...string) *kong {
	t.Helper()
	k := newKong(t, yml, extra...)
	k.start()
	return k
}

// start starts the gateway and waits for its plugin server.
func (k *kong) start() {
	k.t.Helper()
	if out, err := k.run("start", "-c", k.conf); err != nil {
		k.t.Fatalf("start: %v\n%s\n%s", err, out, k.errorLog())
	}
	k.await("the plugin server", func() bool {
		c, err := net.Dial("unix", filepath.Join(k.prefix, "stock.socket"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func newKong(t *testing.T, yml string, extra ...string) *kong {
	t.Helper()
	prefix, err := os.MkdirTemp("", "k")
	if err != nil {
		t.Fatal(err)
	}
	k := &kong{t: t, prefix: prefix, conf: filepath.Join(prefix, "kong.conf"), yml: filepath.Join(prefix, "kong.yml"),
		proxy: freeAddr(t), admin: freeAddr(t)}
	t.Cleanup(func() {
		out, err := k.run("stop", "-p", prefix)
		if err != nil && !strings.Contains(out, "not running") {
			t.Errorf("stop: %v\n%s", err, out)
		}
		if strings.Contains(k.errorLog(), "DATA RACE") {
			t.Error("the gateway reported a data race")
		}
		if t.Failed() {
			t.Logf("error log:\n%s", k.errorLog())
		}
		if err := os.RemoveAll(prefix); err != nil {
			t.Error(err)
		}
	})
	k.write(k.yml, yml)
	k.write(k.conf, strings.Join(append([]string{
		"prefix = " + prefix, "database = off", "declarative_config = " + k.yml,
		"proxy_listen = " + k.proxy, "admin_listen = " + k.admin, "status_listen = off",
		"nginx_worker_processes = 2", "log_level = debug",
		"plugins = bundled,stock", "pluginserver_names = stock",
		"pluginserver_stock_socket = " + prefix + "/stock.socket",
		"pluginserver_stock_start_cmd = " + binaries.stock + " -kong-prefix " + prefix,
		"pluginserver_stock_query_cmd = " + binaries.stock + " -dump",
	}, extra...), "\n")+"\n")
	return k
}

func (k *kong) write(path, text string) {
	k.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kong) run(args ...string) (string, error) {
	cmd := exec.Command(binaries.kongdev, args...)
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), k.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (k *kong) errorLog() string {
	text, err := os.ReadFile(filepath.Join(k.prefix, "logs", "error.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// await polls until ok, for what happens in another process.
func (k *kong) await(what string, ok func() bool) {
	k.t.Helper()
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	k.t.Fatalf("waited %v for %s", deadline, what)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// client is one client connection that sends bytes as they are.
type client struct {
	t *testing.T
	net.Conn
	br *bufio.Reader
}

func (k *kong) dial() *client {
	k.t.Helper()
	c, err := net.Dial("tcp", k.proxy)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(deadline)); err != nil {
		k.t.Fatal(err)
	}
	return &client{k.t, c, bufio.NewReaderSize(c, 64<<10)}
}

func (c *client) send(raw string) *client {
	c.t.Helper()
	if _, err := io.WriteString(c, raw); err != nil {
		c.t.Fatal(err)
	}
	return c
}

// answer is a response with its body read.
type answer struct {
	*h1.Response
	body string
}

func (c *client) recv(method string) answer {
	c.t.Helper()
	resp, err := h1.ReadResponse(c.br)
	if err != nil {
		c.t.Fatalf("reading the response: %v", err)
	}
	body, _, err := h1.ResponseBody(c.br, resp, method)
	if err != nil {
		c.t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := io.Copy(&buf, body); err != nil {
		c.t.Fatal(err)
	}
	return answer{resp, buf.String()}
}

// try is get for goroutines other than the test's.
func (k *kong) try(path string) (status int, err error) {
	c, err := net.Dial("tcp", k.proxy)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(deadline)); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(c, request(path, "Connection: close")); err != nil {
		return 0, err
	}
	resp, err := h1.ReadResponse(bufio.NewReaderSize(c, 64<<10))
	if err != nil {
		return 0, err
	}
	return resp.Status, nil
}

// get sends a GET on a connection of its own; lines are raw header lines.
func (k *kong) get(path string, lines ...string) answer {
	k.t.Helper()
	c := k.dial()
	defer c.Close()
	return c.send(request(path, lines...)).recv("GET")
}

func request(path string, lines ...string) string {
	head := "GET " + path + " HTTP/1.1\r\nHost: api.test\r\n"
	for _, l := range lines {
		head += l + "\r\n"
	}
	return head + "\r\n"
}

// adminGet reads from the Admin API.
func (k *kong) adminGet(path string) string {
	k.t.Helper()
	resp, err := http.Get("http://" + k.admin + path)
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return string(text)
}

// post sends a body to the Admin API.
func (k *kong) post(path, body string) (int, string) {
	k.t.Helper()
	resp, err := http.Post("http://"+k.admin+path, "application/json", strings.NewReader(body))
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// upstream echoes the request's headers and names them like a plugin would.
func upstream(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var echo bytes.Buffer
		if err := r.Write(&echo); err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Label", "upstream")
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		if _, err := w.Write(echo.Bytes()); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// route writes a route with the stock plugin for declarative configurations.
func route(name, do string) string {
	return fmt.Sprintf("  - name: %s\n    paths: [/%s]\n    plugins:\n    - name: stock\n      config: {label: %q, do: %q}\n",
		name, name, name, do)
}

func config(url string, routes ...string) string {
	return "_format_version: \"3.0\"\nservices:\n- name: svc\n  url: " + url + "\n  routes:\n" + strings.Join(routes, "")
}
