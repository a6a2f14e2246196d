package drill

import (
	"net/netip"
	"testing"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

// Who opened an attachment, pressed 続ける on its page and answered the lesson's questions opened the attachment, not a link; answers are a
// person's. Who only read the lesson of a feedback mail fell for nothing.
func TestWhatLedToThePageIsCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) { whatLedToThePage(t, newRig(t, db, 2)) })
}

func whatLedToThePage(t *testing.T, r *rig) {
	t.Helper()
	ctx := as(t.Context(), trainer)
	m := mailOf()
	m.Link, m.Text, m.HTML, m.Attachment, m.FileName = false, "{{氏名}} 様\n\n添付をご覧ください。\n", "", "html", "送り状.html"
	d, err := r.Save(ctx, r.f, Drill{Name: "添付", Mail: m, Schedule: Schedule{Rate: 1000}})
	r.must(err)
	r.green(d)
	d, err = r.Submit(ctx, r.f, d.ID)
	r.must(err)
	d, err = r.Approve(as(t.Context(), director), r.f, d.ID, d.Hash)
	r.must(err)
	page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{})
	r.must(err)
	c := r.Counter()
	defer c.Close()
	arrive := func(target string, of, s Signal, method, detail string) {
		t.Helper()
		_, known, err := c.Arrive(ctx, Arrival{Token: r.token(d.ID, target, of), Signal: s, Method: method, Detail: detail, Net: netip.MustParseAddr("203.0.113.7"),
			Agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"})
		r.must(err)
		if !known {
			t.Fatal("no such link")
		}
	}
	fell, read := page.Targets[0].ID, page.Targets[1].ID
	arrive(fell, Attached, "", "GET", "")
	arrive(fell, Attached, Confirm, "POST", "")
	arrive(fell, Attached, Answered, "POST", Answer(0, 1))
	arrive(read, Lesson, Confirm, "POST", "")
	arrive(read, Lesson, Answered, "POST", Answer(0, 1))
	r.must(r.Judge(ctx, r.f, d.ID))
	page, err = r.Targets(ctx, r.f, d.ID, TargetFilter{})
	r.must(err)
	for _, to := range page.Targets {
		if !to.ByPerson[Visited].IsZero() || to.ByPerson[Attached].IsZero() == (to.ID == fell) || to.Machine != 0 {
			t.Errorf("%s: by a person %v, %d by machines", to.Name(), to.ByPerson, to.Machine)
		}
	}
}
