package inquiry

import (
	"bytes"
	"database/sql"
	"strings"
	"testing"
	"time"

	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

func TestVendorsAnswerOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		letters, left, err := r.book.AskVendors(r.ctx(), dbtest.Facility, nil, time.Time{}, "")
		r.must(err)
		if len(letters) != 2 || strings.Join(left, "") != "院内ファイル共有" {
			t.Fatalf("asked %d vendors, left out %v", len(letters), left)
		}
		byName := map[string]Letter{}
		for _, l := range letters {
			byName[l.Name] = l
		}
		l := byName["㈱髙﨑システム"]
		if !l.Mailed || len(l.Links) != 2 || byName["丙検査サービス"].Mailed {
			t.Fatalf("mailed %v with %d links; the vendor without an address: %v", l.Mailed, len(l.Links), byName["丙検査サービス"].Mailed)
		}
		if m := r.mails[0]; len(r.mails) != 1 || m.to != "hoshu@takasaki.example.jp" || !strings.Contains(m.text, l.Links[0].Address) || !strings.Contains(m.text, "内線1234") {
			t.Errorf("the mail: %+v", r.mails)
		}
		again, _, err := r.book.AskVendors(r.ctx(), dbtest.Facility, nil, time.Time{}, "")
		if r.must(err); len(again) != 0 {
			t.Error("who was asked is asked again by the one click")
		}
		token, i := r.token(l.Links[0]), l.Links[0].Inquiry
		var stored int
		r.must(db.ReadShared(t.Context(), func(tx *store.Shared) error {
			return tx.Row(t.Context(), "SELECT count(*) FROM inquiry_doors WHERE hash = $1", token).Scan(&stored)
		}))
		if stored != 0 {
			t.Error("the token itself is stored")
		}
		form, err := r.book.Form(t.Context(), token, mainSheet, "a")
		if r.must(err); form.Gate != Opens || form.Hospital != "見本総合病院" || len(form.Items) < 10 || form.Inquiry.SubjectName != i.SubjectName {
			t.Fatalf("the form behind the link: %v %q %d", form.Gate, form.Hospital, len(form.Items))
		}
		r.submit(token, i)
		if form, err = r.book.Form(t.Context(), token, mainSheet, "a"); err != nil || form.Gate != Done {
			t.Errorf("after answering the link: %v %v", form.Gate, err)
		}
		_, err = r.book.Save(t.Context(), token, Saving{Sheet: mainSheet, Revision: 1, Filling: Filling{Answers: r.all(i, catalogue.No)}})
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("a second answer: %v", err)
		}
		i = r.get(i.ID)
		if len(r.claimed) != 0 {
			t.Error("an answer counts before the hospital took it in")
		}
		if err := r.book.TakeIn(r.ctx(), dbtest.Facility, i.ID, i.Revision-1, false); !fault.Is(err, fault.Conflict) {
			t.Errorf("taking in what was changed meanwhile: %v", err)
		}
		r.must(r.book.TakeIn(r.ctx(), dbtest.Facility, i.ID, i.Revision, false))
		if len(r.claimed) != 1 || r.claimed[0].Subject != i.Subject || r.get(i.ID).State != Taken {
			t.Errorf("claimed %+v", r.claimed)
		}
		if err := r.book.Revoke(r.ctx(), dbtest.Facility, i.ID, ""); !fault.Is(err, fault.Conflict) {
			t.Errorf("what was taken in is revoked: %v", err)
		}
	})
}

func TestADraftIsKeptAndNothingIsOverwritten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		token, i := r.ask(r.emr)
		id := "r7v.2.2"
		first, err := r.book.Save(t.Context(), token, Saving{Sheet: mainSheet, Seat: "a", Filling: Filling{Answers: map[string]Answer{id: {Reply: catalogue.Yes}}}})
		r.must(err)
		_, err = r.book.Save(t.Context(), token, Saving{Sheet: mainSheet, Seat: "b", Filling: Filling{Answers: map[string]Answer{id: {Reply: catalogue.No}}}})
		if !fault.Is(err, fault.Conflict) {
			t.Fatalf("a second browser with the empty form: %v", err)
		}
		form, err := r.book.Form(t.Context(), token, mainSheet, "b")
		if r.must(err); form.Sheet.Answers[id].Reply != catalogue.Yes || form.SameSeat {
			t.Errorf("the draft is %+v, the same browser: %v", form.Sheet.Answers[id], form.SameSeat)
		}
		_, err = r.book.Save(t.Context(), token, Saving{Sheet: mainSheet, Seat: "b", Revision: first.Revision, Filling: Filling{Answers: map[string]Answer{id: {Reply: catalogue.No, Target: "令和9年2月1日"}}}})
		r.must(err)
		steps, err := r.book.History(r.ctx(), dbtest.Facility, i.ID)
		if r.must(err); len(steps) != 3 || steps[1].Answers[id].Reply != catalogue.Yes || steps[0].Answers[id].Target != "2027-02-01" {
			t.Errorf("the history has %d steps: %+v", len(steps), steps)
		}
		if r.get(i.ID).State != Waiting {
			t.Error("a draft counts as an answer")
		}
	})
}

func TestWhatAnAnswerNeeds(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	token, i := r.ask(r.emr)
	id := "r7v.2.3"
	for name, c := range map[string]struct {
		change func(*Saving)
		says   string
	}{
		"no name":          {func(s *Saving) { s.By = "" }, "お名前"},
		"no company":       {func(s *Saving) { s.Company = " " }, "会社名"},
		"an item is open":  {func(s *Saving) { delete(s.Answers, id) }, "まだ答えがありません"},
		"no without date":  {func(s *Saving) { s.Answers[id] = Answer{Reply: catalogue.No} }, "目標日"},
		"a date that was":  {func(s *Saving) { s.Answers[id] = Answer{Reply: catalogue.No, Target: "2026/4/1"} }, "過ぎています"},
		"no reason":        {func(s *Saving) { s.Answers[id] = Answer{Reply: catalogue.NotApplicable} }, "理由"},
		"the future":       {func(s *Saving) { s.Answers[id] = Answer{Reply: catalogue.Yes, On: "2026-12-24"} }, "未来"},
		"no such day":      {func(s *Saving) { s.Answers[id] = Answer{Reply: catalogue.Yes, On: "令和8年2月30日"} }, "2月30日"},
		"a month only":     {func(s *Saving) { s.Answers[id] = Answer{Reply: catalogue.Yes, On: "令和8年2月"} }, "年月日"},
		"a foreign answer": {func(s *Saving) { s.Answers[id] = Answer{Reply: "perhaps"} }, "選んで"},
		"endless":          {func(s *Saving) { s.Answers[id] = Answer{Reply: catalogue.Yes, Note: strings.Repeat("あ", 2001)} }, "2000文字"},
	} {
		in := Saving{Sheet: mainSheet, Submit: true, Filling: Filling{Answers: r.all(i, catalogue.Yes), By: "甲", Company: "乙"}}
		c.change(&in)
		_, err := r.book.Save(t.Context(), token, in)
		if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) || !strings.Contains(fault.Sentence(err, "ja"), c.says) {
			t.Errorf("%s: %v", name, fault.Sentence(err, "ja"))
		}
	}
	if s, err := r.book.Sheets(r.ctx(), dbtest.Facility, i.ID); err != nil || len(s) != 0 {
		t.Errorf("refused answers left %v %v", s, err)
	}
}

func TestLinksEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		token, i := r.ask(r.emr)
		gate := func(token string) Gate {
			d, err := r.book.Open(t.Context(), token)
			r.must(err)
			return d.Gate
		}
		r.now = r.now.AddDate(0, 0, 61)
		if g := gate(token); g != RunOut {
			t.Errorf("after 61 days: %v", g)
		}
		l, err := r.book.Remind(r.ctx(), dbtest.Facility, i.ID, time.Time{})
		r.must(err)
		fresh := r.token(l.Links[0])
		if gate(fresh) != Opens || !r.get(i.ID).Due.After(r.now) {
			t.Error("a renewed link does not open, or its day lies in the past")
		}
		r.must(r.book.Revoke(r.ctx(), dbtest.Facility, i.ID, "契約が終わった"))
		if gate(fresh) != Ended || gate(token) != Ended {
			t.Errorf("after revoking: %v, %v", gate(fresh), gate(token))
		}
		if _, err := r.book.Save(t.Context(), fresh, Saving{Sheet: mainSheet}); !fault.Is(err, fault.Denied) {
			t.Errorf("saving by a revoked link: %v", err)
		}
		for _, bad := range []string{"", "x", strings.Repeat("a", tokenLength), strings.Repeat("a", 5000)} {
			if gate(bad) != NoSuch {
				t.Errorf("%.10q opens something", bad)
			}
		}
		other, next := r.ask(r.emr)
		if next.ID == i.ID || gate(other) != Opens {
			t.Error("after revoking nobody can be asked anew")
		}
	})
}

func TestARefusalIsARisk(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		token, i := r.ask(r.emr)
		open := func() []finding.Finding {
			p, err := r.book.Findings.List(r.ctx(), dbtest.Facility, finding.Filter{Check: refusalCheck, States: []finding.State{finding.Open}})
			r.must(err)
			return p.Findings
		}
		if err := r.book.Decline(t.Context(), token, "", "髙﨑"); !fault.Is(err, fault.Invalid) {
			t.Errorf("a refusal without a reason: %v", err)
		}
		r.must(r.book.Decline(t.Context(), token, "契約に含まれていないため", "髙﨑"))
		if f := open(); len(f) != 1 || !strings.Contains(f[0].Why.Ja, "契約に含まれていない") || !strings.Contains(f[0].Title.Ja, "電子カルテ") {
			t.Fatalf("findings: %+v", f)
		}
		token, lab := r.ask(r.lab)
		_ = token
		r.must(r.book.Refuse(r.ctx(), dbtest.Facility, lab.ID, "電話で断られた"))
		if len(open()) != 2 {
			t.Errorf("%d findings after two refusals", len(open()))
		}
		r.must(r.book.GiveBack(r.ctx(), dbtest.Facility, i.ID, "契約を見直したので、もう一度お願いします"))
		if f := open(); len(f) != 1 || !strings.Contains(f[0].Title.Ja, "検体検査") {
			t.Errorf("after asking again: %+v", f)
		}
	})
}

func TestAnswersAreReusedAndConfirmed(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	token, emr := r.ask(r.emr)
	r.submit(token, emr)
	other, pacs := r.ask(r.pacs)
	form, err := r.book.Form(t.Context(), other, mainSheet, "a")
	if r.must(err); len(form.Others) != 1 || form.Others[0].System != "電子カルテ" {
		t.Fatalf("to copy from: %+v", form.Others)
	}
	lab, _ := r.ask(r.lab)
	if err := r.book.CopyFrom(t.Context(), lab, emr.ID, "x"); !fault.Is(err, fault.NotFound) {
		t.Errorf("another vendor copies: %v", err)
	}
	r.must(r.book.CopyFrom(t.Context(), other, emr.ID, "a"))
	if err := r.book.CopyFrom(t.Context(), other, emr.ID, "a"); !fault.Is(err, fault.Conflict) {
		t.Errorf("copying over what was begun: %v", err)
	}
	form, err = r.book.Form(t.Context(), other, mainSheet, "a")
	r.must(err)
	in := Saving{Sheet: mainSheet, Revision: form.Sheet.Revision, Seat: "a", Submit: true, Filling: form.Sheet.Filling}
	if a := in.Answers["r7v.2.2"]; a.Copied != "電子カルテ" || a.On != "" {
		t.Errorf("a copied answer is %+v", a)
	}
	if _, err := r.book.Save(t.Context(), other, in); !fault.Is(err, fault.Invalid) {
		t.Errorf("copied answers are sent in unread: %v", err)
	}
	in.Confirmed = true
	if _, err := r.book.Save(t.Context(), other, in); err != nil {
		t.Fatal(err)
	}
	if r.get(pacs.ID).State != Answered {
		t.Error("the copy was not sent in")
	}
}

func TestRemindersGoOutOnce(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	_, i := r.ask(r.emr) // due in 28 days, on the 30th
	r.mails = nil
	sent := func() int {
		n, err := r.book.RemindDue(r.ctx(), dbtest.Facility)
		r.must(err)
		return n
	}
	if sent() != 0 {
		t.Error("reminded on the first day")
	}
	r.now = r.now.AddDate(0, 0, 21)
	if sent() != 1 || sent() != 0 {
		t.Error("seven days before the day: not once")
	}
	if !strings.Contains(r.mails[0].text, "https://kaitou.example.jp/f/") {
		t.Error("the reminder has no link")
	}
	r.relay = false
	r.now = r.now.AddDate(0, 0, 6)
	if sent() != 0 {
		t.Error("reminded without a mail server")
	}
	r.relay = true
	if sent() != 1 {
		t.Error("what could not go out yesterday does not go out today")
	}
	r.now = r.now.AddDate(0, 0, 10)
	if sent() != 0 || r.get(i.ID).State != Waiting {
		t.Error("reminded after the day")
	}
}

func TestFilesThatAreNotTaken(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	token, i := r.ask(r.emr)
	for name, content := range map[string]string{
		"MDS.exe": "x", "見積.pdf.exe": "x", "開示書.exe.pdf": "%PDF-1.7", "../../etc/passwd.txt": "x", `C:\Users\a\MDS.pdf`: "x", "MDS\u202Efdp.exe": "x", "MDS\u202E.pdf": "x",
		"MDS.pdf": "MZ\x90\x00\x03", "MDS.txt": "  <script>alert(1)</script>", "MDS.zip": "PK\x03\x04", "": "x", "空.pdf": "", "名前なし": "x", "a.html": "x", "ＭＤＳ．ｅｘｅ": "x",
	} {
		if err := r.book.Attach(t.Context(), token, name, strings.NewReader(content)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is taken: %v", name, err)
		}
	}
	if err := r.book.Attach(t.Context(), token, "大きい.pdf", bytes.NewReader(make([]byte, 21<<20))); !fault.Is(err, fault.TooLarge) {
		t.Errorf("21 MB: %v", err)
	}
	r.must(r.book.Attach(t.Context(), token, "MDS_電子カルテ.pdf", strings.NewReader("%PDF-1.7 …")))
	files, err := r.book.Files(r.ctx(), dbtest.Facility, i.ID)
	if r.must(err); len(files) != 1 || files[0].Name != "MDS_電子カルテ.pdf" {
		t.Errorf("the files are %+v", files)
	}
	blobs := 0
	r.must(r.db.Read(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
		return store.Each(t.Context(), tx, func(*sql.Rows) error { blobs++; return nil }, "SELECT id FROM blob_files WHERE facility_id = $1")
	}))
	if blobs != 1 {
		t.Errorf("%d files are stored after refusals", blobs)
	}
}
