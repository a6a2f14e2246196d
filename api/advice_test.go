package api

import (
	"strings"
	"testing"
)

// Last year's answers are proposals until a person takes them; an item that somebody answered meanwhile stays as it is.
func TestLastYearsAnswersByScript(t *testing.T) {
	r := sqlite(t)
	r.ok("PUT", "/assessments/checklist-r6-facility/items/r6.2.2", m{"reply": "yes", "on": "2025-11-01"})
	var item string
	for _, x := range r.ok("GET", "/assessments/checklist-r7-facility/carried", nil).items() {
		if x["reply"] == "yes" {
			item, _ = x["item"].(string)
		}
	}
	if item == "" {
		t.Fatal(r.ok("GET", "/assessments/checklist-r7-facility/carried", nil).text)
	}
	if a := r.admin("POST", "/assessments/checklist-r7-facility/carry", m{"items": []string{item, "r9.9"}}); a.StatusCode != 422 || a.places() != "body.items[1]" {
		t.Errorf("an item that is none: %d %s", a.StatusCode, a.text)
	}
	for n := range 2 {
		a := r.ok("POST", "/assessments/checklist-r7-facility/carry", m{"items": []string{item, "r7.2.1"}})
		if took := strings.Contains(a.text, item); took != (n == 0) || strings.Contains(a.text, "r7.2.1") {
			t.Errorf("taken over, try %d: %s", n, a.text)
		}
	}
	if a := r.ok("GET", "/assessments/checklist-r7-facility/items/"+item, nil); a.sub("answer")["reply"] != "yes" || a.sub("answer")["on"] != "2026-11-20" {
		t.Errorf("%s", a.text)
	}
}

func TestAdviceAndYardstickByScript(t *testing.T) {
	r := sqlite(t)
	if a := r.ok("GET", "/level/advice", nil); a.sub("pattern") != nil {
		t.Errorf("a pattern that nobody asked for: %s", a.text)
	}
	house, err := r.Account.Facility(t.Context(), r.f)
	r.must(err)
	house.Beds = 120
	r.must(r.Account.EditFacility(t.Context(), house))
	a := r.ok("GET", "/level/advice?staff=no&cloud=no", nil)
	if a.sub("pattern")["id"] == nil || len(a.body["configurations"].([]any)) == 0 || a.str("class") != "100-199" {
		t.Errorf("%s", a.text)
	}
	r.ok("PUT", "/systems/"+r.ids["system"], m{"name": "電子カルテ", "hosting": "onprem"})
	if b := r.ok("GET", "/level/advice?staff=no", nil); b.sub("pattern")["id"] != a.sub("pattern")["id"] {
		t.Errorf("the ledger says on the premises: %s", b.text)
	}
	r.ok("PUT", "/level/pattern", m{"staff": "yes", "cloud": "yes"})
	if b := r.ok("GET", "/level/advice", nil); b.sub("pattern")["id"] != "II" || len(b.body["configurations"].([]any)) == 0 {
		t.Errorf("the answers were kept: %s", b.text)
	}
	if b := r.ok("GET", "/level/advice?cloud=no", nil); b.sub("pattern")["id"] != "I" {
		t.Errorf("what is asked wins over what was kept: %s", b.text)
	}
	list := r.ok("GET", "/yardstick", nil).items()
	r.ok("POST", "/registers/contracts/rows", m{"values": m{"vendor": "カルテ社", "what": "保守", "split": "written", "reviewed": "2026-11-01"}})
	r.ok("POST", "/registers/contracts/rows", m{"values": m{"vendor": "検査社", "what": "保守", "split": "no", "reviewed": "2026-11-01"}})
	for _, x := range r.ok("GET", "/yardstick", nil).items() {
		if x["id"] == "roles-in-contracts" && (x["register"] != "contracts" || x["rows"] != 1.0 || x["rows_of"] != 2.0) {
			t.Errorf("what the register says of contracts: %v", x)
		}
	}
	own := 0
	for _, x := range list {
		if x["source"] == "" || x["date"] == "" {
			t.Errorf("a figure without its source: %v", x)
		}
		if x["item"] != nil {
			own++
		}
	}
	if len(list) == 0 || own == 0 {
		t.Errorf("%d figures, %d beside an own answer", len(list), own)
	}
}
