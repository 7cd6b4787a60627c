package corpus_test

import (
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// exempt are codes that no request and key set can make appear here.
var exempt = map[diagnosis.Code]string{
	"internal_error":    "takes a fault in the plugin itself: tested in pkg/pluginserver",
	"deadline_exceeded": "takes a gateway that stops answering: tested in pkg/pluginserver",

	"limiter_unavailable": "takes a Redis that is away: tested in pkg/access and spec",
}

func TestEveryCodeIsProduced(t *testing.T) {
	produced := map[diagnosis.Code]bool{}
	for _, f := range families(t) {
		for _, c := range f.Cases {
			produced[diagnosis.Code(c.Expect.Code)] = true
			if c.Expect.Shown != nil {
				produced[diagnosis.Code(c.Expect.Shown.Code)] = true
			}
		}
	}
	for _, row := range diagnosis.Rows() {
		switch _, excused := exempt[row.Code]; {
		case excused && produced[row.Code]:
			t.Errorf("%s is produced and needs no excuse", row.Code)
		case !excused && !produced[row.Code]:
			t.Errorf("no case produces %s", row.Code)
		}
		delete(produced, row.Code)
	}
	for code := range produced {
		t.Errorf("the catalogue has no %s", code)
	}
}

func TestThereAreEnoughCases(t *testing.T) {
	n := 0
	for _, f := range families(t) {
		n += len(f.Cases)
	}
	if n < 200 {
		t.Errorf("%d cases, expected 200 at least", n)
	}
}
