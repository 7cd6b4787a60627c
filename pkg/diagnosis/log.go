package diagnosis

import "strconv"

// Member is one name and value of the log object; a value is a string, an
// int64 or a list of strings.
type Member struct {
	Name  string
	Value any
}

// Log returns the log object: the exact code whatever the client was told,
// with every failed check and finding. Status is 0 for requests that were let
// through.
func (d *Diagnosis) Log() []Member {
	v := d.exact()
	m := []Member{
		{"code", string(v.row.Code)},
		{"hop", v.hop.String()},
		{"certainty", v.certainty.String()},
		{"status", int64(d.loggedStatus())},
	}
	if v.by != nil {
		m = append(m, Member{"by", *v.by})
	}
	if d.Window != "" {
		m = append(m, Member{"tier", d.Tier}, Member{"window", d.Window})
	}
	m = append(m, Member{"fix", v.row.Fix})
	if t := d.detail(); t != "" {
		m = append(m, Member{"detail", t})
	}
	if len(d.Others) > 0 {
		also := make([]string, len(d.Others))
		for i := range d.Others {
			also[i] = string(d.Others[i].Code)
		}
		m = append(m, Member{"also", also})
	}
	if len(d.Findings) > 0 {
		names := make([]string, len(d.Findings))
		for i, f := range d.Findings {
			names[i] = string(f.Name)
		}
		m = append(m, Member{"findings", names})
	}
	if d.Advise {
		m = append(m, Member{"mode", "advise"})
	}
	if d.RequestID != "" {
		m = append(m, Member{"id", Clean(d.RequestID, 64)})
	}
	return m
}

// Line returns the verdict as one log line without values of the request.
func (d *Diagnosis) Line() string {
	v := d.exact()
	s := "auth-diagnosis: " + string(v.row.Code) + " hop=" + v.hop.String() + " certainty=" + v.certainty.String()
	if v.by != nil {
		s += " by=" + strconv.FormatInt(*v.by, 10)
	}
	if d.Advise {
		s += " mode=advise"
	}
	if d.RequestID != "" {
		s += " id=" + Clean(d.RequestID, 64)
	}
	return s
}

func (d *Diagnosis) loggedStatus() int {
	if d.Advise {
		return 0
	}
	return d.Status()
}
