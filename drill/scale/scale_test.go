package scale_test

import (
	"slices"
	"strings"
	"testing"

	"kenshin/drill/scale"
)

func TestThe23CuesInTheirFiveGroups(t *testing.T) {
	want := map[scale.Group]int{"error": 2, "technical": 4, "visual": 4, "language": 7, "tactic": 6}
	got, ids := map[scale.Group]int{}, map[scale.ID]bool{}
	for _, c := range scale.Cues() {
		got[c.Group]++
		if ids[c.ID] {
			t.Errorf("%s twice", c.ID)
		}
		ids[c.ID] = true
		for _, s := range []string{c.Name.Ja, c.Name.En, c.What.Ja, c.What.En, c.LookFor.Ja, c.LookFor.En} {
			if s == "" {
				t.Errorf("%s: a text is missing", c.ID)
			}
		}
	}
	if len(ids) != 23 {
		t.Errorf("%d cues", len(ids))
	}
	for g, n := range want {
		if got[g] != n {
			t.Errorf("%s has %d cues, want %d", g, got[g], n)
		}
	}
}

// The table of TN 2276 at both edges of every class.
func TestDifficultyTable(t *testing.T) {
	premise := map[string]scale.Premise{
		"weak": {Process: 8, Relevance: 2}, "medium": {Process: 8, Relevance: 4}, "medium-top": {Process: 8, Relevance: 8}, "strong": {Process: 8, Relevance: 8, Events: 2},
		"strong-less-training": {Process: 8, Relevance: 8, Events: 2, Trained: 2}, "below-zero": {Trained: 8},
	}
	for _, c := range []struct {
		cues    int
		premise string
		want    scale.Difficulty
	}{
		{1, "weak", scale.Moderately}, {8, "weak", scale.Moderately}, {9, "weak", scale.ModeratelyToLeast}, {14, "weak", scale.ModeratelyToLeast},
		{15, "weak", scale.Least}, {1, "medium", scale.Very}, {8, "medium-top", scale.Very}, {9, "medium", scale.Moderately},
		{14, "medium-top", scale.Moderately}, {15, "medium", scale.Moderately}, {8, "strong", scale.Very}, {9, "strong", scale.Very},
		{14, "strong", scale.Very}, {15, "strong", scale.Moderately}, {60, "strong", scale.Moderately}, {14, "strong-less-training", scale.Moderately},
		{9, "below-zero", scale.ModeratelyToLeast}, {15, "below-zero", scale.Least},
	} {
		r := scale.Rate(scale.Counts{"urgency": c.cues - 1, "greeting": 1}, premise[c.premise])
		if r.Difficulty != c.want || r.Cues != c.cues || len(r.Reasons) < 2 {
			t.Errorf("%d cues, %s premise: %+v, want %s", c.cues, c.premise, r, c.want)
		}
	}
}

func TestImpossibleWorksheetsAreRefused(t *testing.T) {
	for _, p := range []scale.Premise{{Process: 3}, {Relevance: -2}, {Trained: 10}} {
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), "0, 2, 4, 6 or 8") {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, c := range []scale.Counts{{"no-such": 1}, {"urgency": -1}} {
		if c.Check() == nil {
			t.Errorf("%v passed", c)
		}
	}
	if err := (scale.Premise{Process: 8, Trained: 2}).Check(); err != nil {
		t.Error(err)
	}
}

func has(found []scale.Found, id scale.ID, part scale.Part, text string) bool {
	return slices.ContainsFunc(found, func(f scale.Found) bool { return f.Cue == id && f.Part == part && strings.Contains(f.Text, text) })
}

func TestSuggestFindsCuesInTheirPlaces(t *testing.T) {
	m := scale.Mail{
		Subject:     "【至急】ﾊﾟｽﾜｰﾄﾞを入力してください",
		Text:        "ご担当者様\n2026年11月27日（月）までに手続きをお願いします。\n★★★重要★★★\n本日中に対応がない場合、メールが利用できなくなります。\n規程に基づき対応します。\n事務局",
		HTML:        `<p>ご担当者様</p><p><a href="https://byoin-portal.test/x">https://byoin.example/login</a> <a href="https://byo1n.example/">こちら</a></p>`,
		From:        `情報システム室 <admin@byo1n.example>`,
		Attachments: []string{"手続き.ｈｔｍｌ", "notes.txt"},
		Own:         []string{"byoin.example"},
	}
	found := scale.Suggest(m)
	for _, w := range []struct {
		id   scale.ID
		part scale.Part
		text string
	}{
		{"urgency", "subject", "至急"}, {"sensitive", "subject", "ﾊﾟｽﾜｰﾄﾞを入力"}, {"greeting", "text", "ご担当者様"}, {"inconsistency", "text", "（月）"},
		{"design", "text", "★★★"}, {"urgency", "text", "本日中"}, {"threat", "text", "できなくなり"}, {"legal", "text", "規程に基づ"}, {"no-signer", "text", "事務局"},
		{"link-text", "html", "https://byoin.example/login"}, {"link-text", "html", "こちら"}, {"domain", "html", "こちら"},
		{"domain", "address", "byo1n.example"}, {"display-name", "address", "admin@byo1n.example"}, {"poses-as", "sender", "情報システム室"}, {"attachment", "attachment", "手続き"},
	} {
		if !has(found, w.id, w.part, w.text) {
			t.Errorf("%s not found in the %s at %q", w.id, w.part, w.text)
		}
	}
	if has(found, "attachment", "attachment", "notes.txt") {
		t.Error("a plain text file is no risky attachment")
	}
	for _, f := range found {
		src := map[scale.Part]string{"subject": m.Subject, "text": m.Text, "html": m.HTML, "attachment": m.Attachments[0]}[f.Part]
		if src != "" && src[f.Start:f.End] != f.Text {
			t.Errorf("%s: bytes %d-%d of the %s are %q, not %q", f.Cue, f.Start, f.End, f.Part, src[f.Start:f.End], f.Text)
		}
	}
}

func TestSuggestInEnglish(t *testing.T) {
	found := scale.Suggest(scale.Mail{Subject: "URGENT: your account", Text: "Dear user,\nplease enter your password within 24 hours or your mailbox will be deleted.\nHelp Desk"})
	for _, id := range []scale.ID{"urgency", "greeting", "sensitive", "threat", "no-signer", "poses-as"} {
		if !slices.ContainsFunc(found, func(f scale.Found) bool { return f.Cue == id }) {
			t.Errorf("%s not found", id)
		}
	}
}

// What people really write among colleagues must not light up.
func TestSuggestLeavesAnOrdinaryMailAlone(t *testing.T) {
	found := scale.Suggest(scale.Mail{
		Subject: "12月の当直の件", Text: "山田先生\n\nお疲れさまです。3病棟の佐藤です。\n12月の当直、5日と12日でお願いできますか。難しければ内線2310までご連絡ください。\n\n3病棟 佐藤",
		From: "佐藤 花子 <sato@byoin.example>", Own: []string{"byoin.example"}})
	if len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}

func TestAWordIsNotFoundInsideAnother(t *testing.T) {
	for _, f := range scale.Suggest(scale.Mail{Subject: "asapple surprized", Text: "内線 100"}) {
		t.Errorf("found %+v", f)
	}
	n := 0
	for _, f := range scale.Suggest(scale.Mail{Text: "大至急お願いします。内線 100"}) {
		if f.Cue == "urgency" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("大至急 counted %d times", n)
	}
}

func FuzzSuggest(f *testing.F) {
	f.Add("至急", "本日中に\xffﾊﾟｽﾜ", `<a href="http://1.2.3.4/">x</a`, "a <b@c>", "x.html")
	f.Add("", "", `<p>至急&amp;本日中</p>`, `"総務課" <x@y>`, "")
	f.Fuzz(func(t *testing.T, subject, text, html, from, file string) {
		for _, g := range scale.Suggest(scale.Mail{Subject: subject, Text: text, HTML: html, From: from, Attachments: []string{file}, Own: []string{"byoin.example"}}) {
			src, ok := map[scale.Part]string{"subject": subject, "text": text, "html": html, "attachment": file}[g.Part]
			if ok && (g.Start < 0 || g.End < g.Start || g.End > len(src)) {
				t.Fatalf("%s: %d-%d of %d bytes", g.Cue, g.Start, g.End, len(src))
			}
		}
	})
}
