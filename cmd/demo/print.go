package main

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// printer writes the tour as a table, coloured on a terminal.
type printer struct {
	w     io.Writer
	color bool
	n     int
}

func newPrinter(f *os.File) *printer {
	info, err := f.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &printer{w: f, color: terminal && os.Getenv("NO_COLOR") == ""}
}

const (
	red   = "31"
	green = "32"
	amber = "33"
	faint = "2"
	bold  = "1"
)

func (p *printer) paint(code, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *printer) head(r *rig.Rig) {
	fmt.Fprintf(p.w, "edge %s → gateway %s → upstream %s\n\n", r.Edge.URL(), r.Proxy, r.Upstream.URL())
	fmt.Fprintln(p.w, p.paint(bold, fmt.Sprintf("%3s  %-42s %-24s %-6s  %s", "", "sent", "route", "status", "who acts")))
}

func (p *printer) row(r *row, resp *http.Response, err error) {
	p.n++
	status, header, acts := "–", "–", "–"
	if resp != nil {
		status = fmt.Sprint(resp.StatusCode)
		if header = resp.Header.Get("X-Auth-Diagnosis"); header == "" {
			header = "(no X-Auth-Diagnosis)"
		}
		acts = who(resp)
	}
	color := green
	if resp != nil && resp.StatusCode != http.StatusOK {
		color = amber
	}
	fmt.Fprintf(p.w, "%3d  %-42s %-24s %s  %s\n     %s\n", p.n, r.title, r.via, p.paint(color, fmt.Sprintf("%-6s", status)), acts, p.paint(faint, header))
	if err != nil {
		fmt.Fprintln(p.w, "     "+p.paint(red, "NOT AS EXPECTED: "+err.Error()))
	}
}

// who reads the one to act from the header, as a user would.
func who(resp *http.Response) string {
	code, hop := parse(resp)
	switch {
	case resp.StatusCode == http.StatusOK || code == "":
		return "nobody"
	case hop == "":
		return "–"
	}
	return hop
}

func (p *printer) summary(missed int) {
	if missed == 0 {
		fmt.Fprintln(p.w, "\n"+p.paint(green, fmt.Sprintf("all %d answers as expected", p.n)))
		return
	}
	fmt.Fprintln(p.w, "\n"+p.paint(red, fmt.Sprintf("%d of %d answers not as expected", missed, p.n)))
}

func (p *printer) curls(rows []*row) {
	fmt.Fprintln(p.w)
	for i, r := range rows {
		fmt.Fprintf(p.w, "# %d. %s, %s\n%s\n", i+1, r.title, r.via, r.curl())
	}
}
