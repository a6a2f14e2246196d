package api

import (
	"strings"
	"testing"

	"kenshin/store"
)

// A file of mistakes says where they are; one that serves several facilities is left to the support body.
func TestAnEditionIsLoaded(t *testing.T) {
	r := sqlite(t)
	whole := r.admin("GET", "/catalogues/checklist-r7-facility", nil)
	text := whole.str("yaml")
	if whole.StatusCode != 200 || !strings.Contains(text, "id: checklist-r7-facility") {
		t.Fatalf("%d %.300s", whole.StatusCode, whole.text)
	}
	if a := r.admin("POST", "/catalogues", m{"yaml": text}); a.StatusCode != 403 {
		t.Errorf("an admin of one of two facilities changes what both are asked: %d", a.StatusCode)
	}
	r.must(r.DB.WriteShared(t.Context(), func(tx *store.Shared) error {
		_, err := tx.Exec(t.Context(), "DELETE FROM account_facilities WHERE id = $1", string(r.canary))
		return err
	}))
	if a := r.admin("POST", "/catalogues", m{"yaml": strings.Replace(text, "fiscal_year: 2025", "fiscal_year: 2031", 1)}); a.StatusCode != 422 || !strings.Contains(a.text, "line 7 fiscal_year") {
		t.Errorf("a wrong year: %d %s", a.StatusCode, a.text)
	}
	corrected := strings.Replace(text, "医療情報システム安全管理責任者を設置している。", "医療情報システム安全管理責任者を任命している。", 1)
	if a := r.admin("POST", "/catalogues", m{"yaml": corrected, "name": "r7b.yaml"}); a.StatusCode != 201 {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	again := r.admin("GET", "/catalogues/checklist-r7-facility", nil)
	if !strings.Contains(again.text, "任命している") || !strings.Contains(again.text, "r7b.yaml") {
		t.Errorf("the correction is not in force: %.400s", again.text)
	}
	if a := r.admin("GET", "/catalogues/checklist-r7-facility?version="+whole.str("sha256"), nil); a.str("yaml") != text {
		t.Error("the text of old packs is gone")
	}
	fees := r.admin("GET", "/tables/fees", nil).str("yaml")
	if a := r.admin("PUT", "/tables/fees", m{"yaml": strings.Replace(fees, "confidence: S", "confidence: Z", 1)}); a.StatusCode != 422 || !strings.Contains(a.text, "confidence") {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if a := r.admin("PUT", "/tables/fees", m{"yaml": strings.Replace(fees, "confidence: S", "confidence: O", 1), "name": "告示.yaml"}); a.StatusCode != 200 || a.body["shipped"] != false {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	if list := r.admin("GET", "/tables", nil); len(list.items()) != 5 || !strings.Contains(list.text, "告示.yaml") {
		t.Errorf("%s", list.text)
	}
	if a := r.admin("PUT", "/tables/fees", m{"yaml": ""}); a.body["shipped"] != true {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
}
