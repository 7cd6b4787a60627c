package admin_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/kongdev/admin"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
)

// busy is a gateway that is loading a configuration.
type busy struct{ admin.Backend }

func (busy) LoadConfig([]byte) (*entity.Set, error) { return nil, admin.ErrBusy }

func TestConfigBesideAnother(t *testing.T) {
	w := httptest.NewRecorder()
	admin.Handler(busy{}).ServeHTTP(w, httptest.NewRequest("POST", "/config", strings.NewReader("_format_version: \"3.0\"\n")))
	if w.Code != 429 || w.Header().Get("Retry-After") != "10" || !strings.Contains(w.Body.String(), "Currently loading previous configuration") {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
}
