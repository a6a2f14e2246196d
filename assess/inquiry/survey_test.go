package inquiry

import (
	"context"
	"strings"
	"testing"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// answer sends n sheets of a department in.
func (r *rig) answer(l Letter, n int, choice string) {
	r.t.Helper()
	for range n {
		token := r.token(l.Links[0])
		id, err := r.book.Begin(r.t.Context(), token)
		r.must(err)
		_, err = r.book.Save(r.t.Context(), token, Saving{Sheet: id, Submit: true, Filling: Filling{By: "名前", Answers: map[string]Answer{"survey.daily.usb": {Value: choice}, "survey.system.list": {Value: "栄養管理 " + choice}}}})
		r.must(err)
	}
}

func (r *rig) survey(named bool, departments ...string) (Poll, []Letter) {
	r.t.Helper()
	var list []Department
	for _, d := range departments {
		list = append(list, Department{Name: d})
	}
	p, letters, err := r.book.StartSurvey(r.ctx(), dbtest.Facility, Poll{Catalogue: "survey-departments", Named: named}, list)
	r.must(err)
	return p, letters
}

func (r *rig) tally(p Poll) Tally {
	r.t.Helper()
	t, err := r.book.Tally(r.ctx(), dbtest.Facility, p.ID)
	r.must(err)
	return t
}

func alone(t Tally) string {
	var out []string
	for _, d := range t.Departments {
		if d.Alone {
			out = append(out, d.Inquiry.SubjectName)
		}
	}
	return strings.Join(out, " ")
}

func TestNamelessAnswersCannotBeTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		p, l := r.survey(false, "看護部", "検査科", "薬剤部", "医事課")
		r.answer(l[0], 9, "0")
		r.answer(l[1], 6, "1")
		r.answer(l[2], 2, "1")
		if got := r.tally(p); got.Shown || got.Sent != 17 {
			t.Errorf("before closing: shown %v of %d", got.Shown, got.Sent)
		}
		r.must(r.book.CloseSurvey(r.ctx(), dbtest.Facility, p.ID))
		got := r.tally(p)
		// two of 薬剤部 would follow from the total less the others: the next smallest is hidden with them
		if !got.Shown || alone(got) != "看護部" {
			t.Fatalf("alone: %q", alone(got))
		}
		for _, i := range got.Items {
			for _, w := range i.Words {
				if w.Department != "" || w.By != "" {
					t.Errorf("a nameless word of %q %q", w.Department, w.By)
				}
			}
			if i.Item.ID == "survey.daily.usb" && (i.All.Of != 17 || i.All.Choice[1] != 8 || i.By[1].Of != 0 || i.By[2].Of != 0 || i.By[0].Of != 9) {
				t.Errorf("counts: %+v %+v", i.All, i.By)
			}
		}
		few, l := r.survey(false, "看護部")
		r.answer(l[0], 4, "0")
		r.must(r.book.CloseSurvey(r.ctx(), dbtest.Facility, few.ID))
		if got := r.tally(few); got.Shown || got.Items != nil {
			t.Error("four nameless answers are shown")
		}
		if _, err := r.book.Begin(t.Context(), r.token(l[0].Links[0])); !fault.Is(err, fault.Conflict) {
			t.Errorf("a closed survey begins: %v", err)
		}
	})
}

func TestANamedSurveyAndItsVisit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		p, l := r.survey(true, "放射線科", "栄養科")
		r.answer(l[0], 1, "1")
		got := r.tally(p)
		if !got.Shown || alone(got) != "放射線科" {
			t.Errorf("alone: %q", alone(got))
		}
		id := l[0].Links[0].Inquiry.ID
		r.must(r.book.SaveNotes(r.ctx(), dbtest.Facility, id, []Note{{Item: "survey.daily.usb", Text: "引き出しにUSBが3本"}}))
		if err := r.book.SaveNotes(r.ctx(), dbtest.Facility, id, []Note{{Item: "survey.daily.usb", Text: "別の人のメモ"}}); !fault.Is(err, fault.Conflict) {
			t.Errorf("two visitors: %v", err)
		}
		notes, err := r.book.Notes(r.ctx(), dbtest.Facility, id)
		if r.must(err); notes["survey.daily.usb"].Text != "引き出しにUSBが3本" || notes["survey.daily.usb"].ByName != "情報 太郎" {
			t.Errorf("notes: %+v", notes)
		}
	})
}

func TestDepartmentsAsPeopleWriteThem(t *testing.T) {
	list, err := ReadDepartments("看護部，kango@example.jp\n\n　放射線科\t\n薬剤部、yaku@example.jp")
	if err != nil || len(list) != 3 || list[0] != (Department{"看護部", "kango@example.jp"}) || list[1].Name != "放射線科" {
		t.Errorf("%+v %v", list, err)
	}
	for _, bad := range []string{"", "看護部, どこか", "看護部\n看護部", ",a@example.jp", strings.Repeat("あ", 300)} {
		if _, err := ReadDepartments(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func TestAQuestionComesBack(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	replied := ""
	r.book.Replies = func(_ context.Context, _ facility.ID, question, text, by string) error {
		replied = question + "|" + text + "|" + by
		return nil
	}
	l, err := r.book.AskQuestion(r.ctx(), dbtest.Facility, Asking{ID: "q-1", Catalogue: "checklist-r7-facility", Item: "r7.2.2", Text: "保守回線はいくつありますか", Due: time.Time{}})
	r.must(err)
	if l.Name != "支援団体" || !l.Mailed || r.mails[0].to != "shien@example.jp" || !strings.Contains(l.Text, "保守回線はいくつ") {
		t.Errorf("the letter: %+v", l)
	}
	token := r.token(l.Links[0])
	f, err := r.book.Form(t.Context(), token, mainSheet, "")
	if r.must(err); len(f.Items) != 1 || f.Items[0].ID != "r7.2.2" {
		t.Fatalf("asked %d items", len(f.Items))
	}
	_, err = r.book.Save(t.Context(), token, Saving{Sheet: mainSheet, Submit: true, Filling: Filling{By: "支援 花子", Answers: map[string]Answer{"r7.2.2": {Reply: "yes", Note: "2回線です"}}}})
	r.must(err)
	if replied != "q-1|はい。2回線です|支援団体 支援 花子" {
		t.Errorf("came back as %q", replied)
	}
}
