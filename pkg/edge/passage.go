package edge

// fate is what became of the credential on the way that the witness covers.
type fate uint8

const (
	fateUnknown fate = iota
	fateIntact
	fateNeverCame
	fateStripped
	fateMoved
	fateRewritten
	fateInjected
)

// where is the stretch of the way on which it happened.
type where uint8

const (
	nowhere where = iota
	before        // the first signing point
	inside        // between the first and the last
	after         // the last, on the way to the gateway
)

// answer is yes, no or unknown: fingerprints under different keys say nothing
// of each other. As a condition of a passage, unknown asks for nothing.
type answer uint8

const (
	unknown answer = iota
	yes
	no
)

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}

// passage is a row of the decision table: what the first point, the last point
// and the gateway saw of the credential, and what follows. A blank line is no
// credential.
type passage struct {
	in, out, here answer
	// moved: another header holds what the first point saw.
	moved answer
	// inHere, outHere: the point saw what the gateway sees.
	inHere, outHere answer
	// inOut: both points saw the same.
	inOut answer

	fate  fate
	where where
}

// passages are tried in order, and for three answers to in, out and here there
// is always one that fits. With a single point in and out are the same, so that
// no row about the inside can.
var passages = []passage{
	{in: yes, here: yes, inHere: yes, fate: fateIntact}, // also if the edge took it out and put it back

	{in: yes, moved: yes, inOut: yes, fate: fateMoved, where: after},
	{in: yes, moved: yes, out: no, fate: fateMoved, where: inside},
	{in: yes, moved: yes, outHere: yes, fate: fateMoved, where: inside},
	{in: yes, moved: yes, fate: fateMoved},

	{in: yes, out: no, here: no, fate: fateStripped, where: inside},
	{out: yes, here: no, fate: fateStripped, where: after},

	{in: yes, out: no, here: yes, fate: fateRewritten, where: after},
	{out: yes, here: yes, outHere: no, fate: fateRewritten, where: after},
	{in: yes, out: yes, here: yes, outHere: yes, fate: fateRewritten, where: inside},

	{in: no, out: yes, here: yes, outHere: yes, fate: fateInjected, where: inside},
	{in: no, out: no, here: yes, fate: fateInjected, where: after},

	{in: no, out: no, here: no, fate: fateNeverCame, where: before},
}

// decide returns what became of the credential.
func decide(seen passage) (fate, where) {
	for i := range passages {
		if p := &passages[i]; p.fits(&seen) {
			return p.fate, p.where
		}
	}
	return fateUnknown, nowhere
}

func (p *passage) fits(seen *passage) bool {
	asks := func(condition, seen answer) bool { return condition == unknown || condition == seen }
	return asks(p.in, seen.in) && asks(p.out, seen.out) && asks(p.here, seen.here) && asks(p.moved, seen.moved) &&
		asks(p.inHere, seen.inHere) && asks(p.outHere, seen.outHere) && asks(p.inOut, seen.inOut)
}
