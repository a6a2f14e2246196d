package asset

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(t *testing.T, url string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", url, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func TestStyleSheetIsThereWithoutBundle(t *testing.T) {
	w := get(t, URL("app.css"))
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Type"), "text/css") {
		t.Fatalf("style sheet: %d %q", w.Code, w.Header().Get("Content-Type"))
	}
	if !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("a hashed address should be kept for ever, got %q", w.Header().Get("Cache-Control"))
	}
	if strings.Contains(w.Body.String(), "@import") {
		t.Error("the style sheet must need no other file")
	}
	if again := get(t, URL("app.css"), "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("known ETag: got %d, want 304", again.Code)
	}
}

func TestOldHashIsServedButNotKept(t *testing.T) {
	w := get(t, "/assets/000000000000/app.css")
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("old hash: %d, cache %q", w.Code, w.Header().Get("Cache-Control"))
	}
}

func TestUnknownNames(t *testing.T) {
	for _, p := range []string{"/assets/", "/assets/x", "/assets/x/package.json", "/assets/x/../asset.go", "/assets/x/app.ts"} {
		if w := get(t, p); w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", p, w.Code)
		}
	}
	if URL("nothing.js") != "" {
		t.Error("an absent file has no address")
	}
}
