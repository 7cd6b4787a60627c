package config

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

// witnessHeader is the request header of the edge's statements. Answers must not
// carry a header of that name: a hop may take it for one of its own.
const witnessHeader = "X-Auth-Witness"

// SigningPoints returns the members that a key may sign: its own list, else one
// on the way into the edge and one on the way out of it.
func (e *Edge) SigningPoints(k *EdgeKey) []string {
	if len(k.Points) > 0 {
		return k.Points
	}
	return []string{e.Name + "-in", e.Name + "-out"}
}

func checkEdge(c *Config, p *problems) {
	const path = "config.edge.keys"
	if c.Edge.Witness == WitnessOff {
		return
	}
	if len(c.Edge.Keys) == 0 {
		p.add(path, "expected at least 1 element with witness %s, got 0", c.Edge.Witness)
	}
	if c.Mode == ModeAdvise && c.Edge.Witness == WitnessRequired {
		p.add("config.edge.witness", "expected off or optional with mode advise, got %s: advise never rejects", show(c.Edge.Witness, false))
	}
	ids := make([]string, len(c.Edge.Keys))
	for i, k := range c.Edge.Keys {
		ids[i] = k.ID
		unique(p, shape.At(path, i)+".points", "", k.Points, exact)
		if len(k.Points) == 0 && !isPoint(c.Edge.Name) {
			p.add(shape.At(path, i)+".points", "expected at least 1 element with an edge.name that does not begin with a letter, got 0")
		}
	}
	unique(p, path, ".id", ids, exact)
	if strings.EqualFold(c.Diagnosis.HeaderName, witnessHeader) {
		p.add("config.diagnosis.header_name", "expected a header other than the witness, got %s", show(c.Diagnosis.HeaderName, false))
	}
}
