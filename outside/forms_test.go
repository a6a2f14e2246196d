package outside

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kenshin/drill"
	"kenshin/internal/dbtest"
)

// row is a line of the guide's table of addresses.
type row struct{ method, address, signal string }

func guideRows(t *testing.T) (out []row) {
	t.Helper()
	text, err := os.ReadFile("../docs/guide/drill.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("(?m)^\\| (GET|POST) \\| `(/[^`]*)` \\| .* \\| (?:`([a-z]+)`|—) \\|$")
	for _, m := range line.FindAllStringSubmatch(string(text), -1) {
		out = append(out, row{m[1], m[2], m[3]})
	}
	return out
}

// of are the tokens that the guide names.
var of = map[string]drill.Signal{"(開封)": drill.Opened, "(リンク)": drill.Visited, "(QR)": drill.Scanned, "(添付)": drill.Attached, "(見えないリンク)": drill.Honeypot, "(教材)": drill.Lesson, "(報告)": drill.Reported}

// form is an address without what differs from recipient to recipient: any token, any number.
func (r row) form() string {
	a := regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(r.address, "{token}")
	if strings.HasPrefix(a, "/verify/") {
		a = "/verify/{code}"
	}
	return r.method + " " + regexp.MustCompile(`/\d+`).ReplaceAllString(a, "/{n}")
}

// The guide's table holds every address that this listener answers, and no other.
func TestTheGuideListsEveryAddress(t *testing.T) {
	served := map[string]bool{"POST /{token}/quiz/{n}/{n}": true, "GET /{token}/quiz/{n}": true, "GET /{token}/quiz/{n}/{n}": true}
	for pattern := range (&Server{}).fixed() {
		served[pattern] = true
	}
	for _, suffix := range links() {
		served["GET /{token}"+suffix] = true
	}
	for suffix := range touches() {
		served["GET /{token}"+suffix] = true
	}
	for _, page := range pages() {
		if page != "quiz" { // which question stands behind it
			served["GET /{token}/"+page] = true
		}
	}
	for suffix := range presses() {
		served["POST /{token}"+suffix] = true
	}
	told := map[string]bool{}
	for _, r := range guideRows(t) {
		told[r.form()] = true
	}
	for _, x := range slices.Sorted(maps.Keys(served)) {
		if !told[x] {
			t.Errorf("docs/guide/drill.md lacks %s", x)
		}
	}
	for _, x := range slices.Sorted(maps.Keys(told)) {
		if !served[x] {
			t.Errorf("docs/guide/drill.md tells of %s, which nobody answers", x)
		}
	}
	for _, s := range drill.Linked() {
		if !slices.ContainsFunc(guideRows(t), func(r row) bool {
			name, _, _ := strings.Cut(strings.TrimPrefix(r.address, "/"), ")")
			return of[name+")"] == s
		}) {
			t.Errorf("docs/guide/drill.md lacks the link of %s", s)
		}
	}
}

// Every line of the table does what it says: the address answers, and exactly that is recorded.
func TestEveryAddressOfTheGuideRecordsWhatItSays(t *testing.T) {
	rows := guideRows(t)
	if len(rows) < 20 {
		t.Fatalf("%d lines", len(rows))
	}
	r := newRig(t)
	id, token := r.sent(drill.Standard, parcelMail())
	for _, x := range rows {
		address := x.address
		for name, s := range of {
			address = strings.ReplaceAll(address, name, token[s])
		}
		before := r.events(id)
		res, _ := r.do(x.method, address, "")
		want := 200
		switch {
		case x.method == "POST" && (strings.HasSuffix(address, "/ok") || strings.Contains(address, "/quiz/")):
			want = 303
		case strings.Contains(x.address, "見えない"):
			want = 404
		case address == "/favicon.ico":
			want = 204
		}
		if res.StatusCode != want {
			t.Errorf("%s %s answers %d, not %d", x.method, x.address, res.StatusCode, want)
		}
		got := ""
		if after := r.events(id); len(after) > len(before) {
			got = string(after[len(after)-1].Signal)
			if after[len(after)-1].Malformed {
				t.Errorf("%s %s is malformed", x.method, x.address)
			}
		}
		if got != x.signal {
			t.Errorf("%s %s records %q, the guide says %q", x.method, x.address, got, x.signal)
		}
	}
}

// A mail scanner that fetches the lesson's link has not finished the lesson, and one that fetches the report's has told nobody.
func TestFetchingAPageFinishesAndReportsNothing(t *testing.T) {
	r := newRig(t)
	id, token := r.sent(drill.Standard, parcelMail())
	for _, s := range []drill.Signal{drill.Lesson, drill.Reported} {
		for _, method := range []string{"GET", "HEAD"} {
			r.do(method, "/"+token[s], "")
		}
	}
	read := func() drill.Target {
		to, _, err := r.book.Target(r.ctx(), dbtest.Facility, id, "t-1")
		r.must(err)
		return to
	}
	if to := read(); !to.First[drill.Lesson].IsZero() || !to.First[drill.Reported].IsZero() {
		t.Errorf("fetched pages count: %v", to.First)
	}
	if res, _ := r.do("POST", "/"+token[drill.Reported]+"/report", ""); res.StatusCode != 200 {
		t.Errorf("the button: %d", res.StatusCode)
	}
	if to := read(); to.First[drill.Reported].IsZero() {
		t.Error("the button does not report")
	}
}
