package diagnosis_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

func TestCodesPageIsFresh(t *testing.T) {
	got, err := os.ReadFile("../../docs/CODES.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(diagnosis.Markdown()), string(got)); diff != "" {
		t.Errorf("docs/CODES.md is stale, run make generate (-want +got):\n%s", diff)
	}
}
