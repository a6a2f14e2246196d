package lesson_test

import (
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"kenshin/drill/lesson"
	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/i18n"
)

func book(t *testing.T) lesson.Book {
	t.Helper()
	b, err := lesson.Load()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A minute of reading is about 350 Japanese characters; the longest lesson decides.
func TestNoLessonIsLongerThanAMinute(t *testing.T) {
	b := book(t)
	for _, c := range b.Cues {
		if n := utf8.RuneCountInString(strings.ReplaceAll(c.Text.Ja, "\n", "")); n < 150 || n > 350 {
			t.Errorf("%s: %d Japanese characters, want 150 to 350", c.Cue, n)
		}
		if n := len(strings.Fields(c.Text.En)); n < 30 || n > 130 {
			t.Errorf("%s: %d English words", c.Cue, n)
		}
	}
	for _, s := range b.Sets {
		if n := utf8.RuneCountInString(s.Text.Ja); n > 450 {
			t.Errorf("%s: %d characters", s.ID, n)
		}
		for _, st := range s.Steps {
			if n := utf8.RuneCountInString(st.Do.Ja); n > 60 {
				t.Errorf("%s: the step “%s” has %d characters", s.ID, st.Do.Ja, n)
			}
		}
	}
	all := b.After.What.Ja
	for _, x := range append(b.After.Next, b.After.How...) {
		all += x.Ja
	}
	if n := utf8.RuneCountInString(all); n > 420 {
		t.Errorf("the page after a click has %d characters and cannot be read in a minute", n)
	}
}

// Every text on a screen is there in both languages, and every placeholder in it is one that Fill knows.
func TestTextsAreCompleteInBothLanguages(t *testing.T) {
	b := book(t)
	check := func(where string, x i18n.Text) {
		t.Helper()
		if strings.TrimSpace(x.Ja) == "" || strings.TrimSpace(x.En) == "" {
			t.Errorf("%s: a language is missing", where)
		}
		if f := lesson.Fill(x, lesson.Values{}); strings.Contains(f.Ja+f.En, "{{") {
			t.Errorf("%s: an unknown placeholder: %s", where, f.Ja)
		}
	}
	for _, c := range b.Cues {
		check(string(c.Cue), c.Text)
	}
	for _, s := range b.Sets {
		check(s.ID, s.Title)
		check(s.ID, s.For)
		check(s.ID, s.Text)
		for _, st := range s.Steps {
			check(s.ID, st.Do)
			check(s.ID, st.Why)
		}
		for _, q := range s.Questions {
			check(s.ID, q.Ask)
			check(s.ID, q.Explain)
			for _, o := range q.Options {
				check(s.ID, o)
			}
		}
	}
	for _, f := range b.Feedback {
		check(string(f.Outcome), f.Subject)
		check(string(f.Outcome), f.Text)
	}
	a := b.After
	for _, x := range append(append([]i18n.Text{a.Title, a.What, a.CuesHead, a.NextHead, a.HowHead, a.Closing, a.Typed, b.FirstAid.Title, b.FirstAid.Lead, b.FirstAid.Closing, b.Notice.Title, b.Notice.Text}, a.Next...), a.How...) {
		check("pages", x)
	}
	for _, st := range b.FirstAid.Steps {
		check("first aid", st.Do)
		check("first aid", st.Why)
	}
}

// Whoever opened something must first cut the network and must not switch off.
func TestFirstAidSaysTheRightThingsInOrder(t *testing.T) {
	b := book(t)
	want := []string{"LANケーブルを抜く", "電源は切らない", "電話する", "時刻"}
	for i, w := range want {
		if i >= len(b.FirstAid.Steps) || !strings.Contains(b.FirstAid.Steps[i].Do.Ja, w) {
			t.Errorf("step %d should say %s", i+1, w)
		}
	}
}

// Nobody is shamed: words that blame do not stand in what staff read.
func TestNoWordBlames(t *testing.T) {
	b := book(t)
	var all []string
	for _, f := range b.Feedback {
		all = append(all, f.Subject.Ja, f.Text.Ja)
	}
	all = append(all, b.After.Title.Ja, b.After.What.Ja, b.FirstAid.Lead.Ja)
	for _, s := range all {
		for _, w := range []string{"不合格", "失敗", "引っかかりました", "だまされました", "違反", "注意不足", "不注意", "反省", "猛省", "ワースト", "順位"} {
			if strings.Contains(s, w) {
				t.Errorf("“%s” in: %s", w, s)
			}
		}
	}
}

func TestEveryFamilyOfCuesHasItsSet(t *testing.T) {
	b := book(t)
	for _, c := range scale.Cues() {
		s, ok := b.Set(string(c.Group))
		if !ok {
			t.Fatalf("no set %s", c.Group)
		}
		found := false
		for _, id := range s.Cues {
			found = found || string(id) == string(c.ID)
		}
		if !found {
			t.Errorf("%s does not teach %s", s.ID, c.ID)
		}
	}
	for _, id := range []string{"password", "usb", "privacy", "vendor", "stopped-device", "continuity"} {
		if s, ok := b.Set(id); !ok || len(s.Steps) < 2 {
			t.Errorf("the lesson %s is missing or has no steps", id)
		}
	}
}

func TestCheckCountsRightAnswers(t *testing.T) {
	s, _ := book(t).Set("technical")
	right := []int{s.Questions[0].Right, s.Questions[1].Right, s.Questions[2].Right}
	wrong := append([]int{}, right...)
	wrong[1] = (wrong[1] + 1) % len(s.Questions[1].Options)
	r, err := s.Answer(wrong)
	if err != nil || r.Right != 2 || len(r.Wrong) != 1 || r.Wrong[0] != 1 || !r.Passed() {
		t.Errorf("%+v, %v", r, err)
	}
	if r, _ := s.Answer(right); r.Right != 3 {
		t.Errorf("%+v", r)
	}
	for _, bad := range [][]int{nil, {0, 0}, {0, 0, 9}, {-1, 0, 0}} {
		if _, err := s.Answer(bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

func TestEveryCueOfEveryScenarioIsMarkedInPlace(t *testing.T) {
	c, err := scenario.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Scenarios {
		for _, m := range s.Mails {
			file := ""
			if m.Attachment != nil {
				file = m.Attachment.Name
			}
			for _, html := range []string{m.HTML, ""} {
				shown := lesson.Show(lesson.Mail{Subject: m.Subject, Text: m.Text, HTML: html, From: mail.Address{Name: m.Sender.Name, Address: m.Sender.Local + "@drill.example"}, Attachment: file}, m.Cues)
				if len(shown.Legend) != len(m.Cues) {
					t.Errorf("%s %s (html %t): %d of %d cues marked", s.ID, m.Level, html != "", len(shown.Legend), len(m.Cues))
				}
			}
		}
	}
}

func TestShownMailHoldsNothingOfItsHTML(t *testing.T) {
	shown := lesson.Show(lesson.Mail{HTML: `<p onclick="x()">至急 &lt;b&gt;<script>alert(1)</script></p><p><a href="https://drill.example/x">開く</a></p>`},
		[]lesson.Cue{{Cue: "urgency", Text: "至急"}, {Cue: "link-text", Text: "開く"}, {Cue: "threat", Text: "そんな語はない"}})
	all, marked, link := "", "", ""
	for _, l := range shown.Body {
		for _, p := range l {
			all += p.Text
			link += p.Link
			if p.Number > 0 {
				marked += p.Text
			}
		}
	}
	if strings.Contains(all, "alert") || strings.Contains(all, "onclick") || !strings.Contains(all, "<b>") {
		t.Errorf("shown: %q", all)
	}
	if marked != "至急開く" || link != "https://drill.example/x" || len(shown.Legend) != 2 {
		t.Errorf("marked %q, link %q, legend %v", marked, link, shown.Legend)
	}
}

func TestMarksDoNotOverlapAndTakeTheNextPlace(t *testing.T) {
	text := "本日中に、本日中に"
	got := lesson.Mark(text, "text", []lesson.Cue{{Cue: "urgency", Text: "本日中に"}, {Cue: "urgency", Text: "本日中に"}, {Cue: "limited-time", Text: "日中"}})
	if len(got) != 2 || got[0].Number != 1 || got[1].Number != 2 || got[1].Start != strings.LastIndex(text, "本日中に") {
		t.Errorf("%+v", got)
	}
}

func TestPickTakesDifferentKindsFirst(t *testing.T) {
	got := lesson.Pick([]lesson.Cue{{Cue: "greeting", Text: "a"}, {Cue: "urgency", Text: "b"}, {Cue: "urgency", Text: "c"}, {Cue: "display-name", Text: "d"}}, 3)
	if len(got) != 3 || got[0].Text != "d" || got[1].Text != "b" || got[2].Text != "a" {
		t.Errorf("%+v", got)
	}
}

func FuzzShow(f *testing.F) {
	f.Add("至急\n本日中", `<a href="x">至急</a`, "至急", "本日")
	f.Fuzz(func(t *testing.T, text, html, one, two string) {
		cues := []lesson.Cue{{Cue: "urgency", Text: one}, {Cue: "threat", Text: two}}
		for _, m := range []lesson.Mail{{Text: text}, {HTML: html}} {
			lesson.Show(m, cues)
		}
		at := 0
		for _, s := range lesson.Mark(text, "text", cues) {
			if s.Start < at || s.End > len(text) || s.End < s.Start {
				t.Fatalf("%+v in %d bytes", s, len(text))
			}
			at = s.End
		}
	})
}
