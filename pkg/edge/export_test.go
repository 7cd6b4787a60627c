package edge

import "kong-plugin-auth-diagnosis/pkg/diagnosis"

// Sign is a row of the table of signs without its condition.
type Sign struct {
	Name, Trace, Says, Look, Fix string
	Codes                        []diagnosis.Code // that come out of it
}

// Signs lists the table of signs.
func Signs() (all []Sign) {
	for i := range signs {
		s := &signs[i]
		row := Sign{Name: s.name, Trace: s.trace, Says: s.says, Look: s.look, Fix: s.fix}
		for _, c := range s.codes {
			if c = s.code(c); len(row.Codes) == 0 || row.Codes[len(row.Codes)-1] != c {
				row.Codes = append(row.Codes, c)
			}
		}
		all = append(all, row)
	}
	return all
}

// CandidateNames and MarkNames list the other two tables.
func CandidateNames() (names []string) {
	for i := range candidates {
		names = append(names, candidates[i].name)
	}
	return names
}

func MarkNames() (names []string) {
	for i := range marks {
		names = append(names, marks[i].name)
	}
	return names
}
