package drill

import (
	"strings"
	"testing"

	"kenshin/drill/letter"
	"kenshin/fault"
	"kenshin/internal/dbtest"
)

// What the chosen charset cannot carry is told before anybody is asked to approve, wherever it stands: in the mail, or in a recipient's name.
func TestSubmitTellsWhatTheCharsetCannotCarry(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t), 3)
	ctx := as(t.Context(), trainer)
	submit := func(change func(*Mail)) error {
		m := mailOf()
		m.Charset = string(letter.ISO2022JP)
		change(&m)
		d, err := r.Save(ctx, r.f, Drill{Name: "文字", Mail: m})
		r.must(err)
		r.green(d)
		_, err = r.Submit(ctx, r.f, d.ID)
		return err
	}
	err := submit(func(m *Mail) { m.Text = "{{氏名}} 様\n\n一行目\n届きました😀\n{{リンク}}\n" })
	if says := fault.Sentence(err, "ja"); !fault.Is(err, fault.Invalid) || !strings.Contains(says, "本文 4行目「😀」") || !strings.Contains(says, "UTF-8") {
		t.Errorf("an emoji in the text: %v", says)
	}
	if err := submit(func(m *Mail) { m.FromName = "𠮷田宅配" }); !strings.Contains(fault.Sentence(err, "ja"), "差出人の名前 1行目「𠮷」") {
		t.Errorf("the sender's name: %v", err)
	}
	if err := submit(func(m *Mail) { m.Charset, m.Text = string(letter.UTF8), m.Text+"😀" }); err != nil {
		t.Errorf("UTF-8 carries everything: %v", err)
	}
	_, _, err = r.SavePeople(ctx, r.f, []Person{{Address: "yoshida@hospital.example.jp", Surname: "𠮷田", Department: "看護部"}}, false)
	r.must(err)
	if err := submit(func(*Mail) {}); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Sentence(err, "ja"), "(1人)") || !strings.Contains(fault.Sentence(err, "en"), "𠮷") {
		t.Errorf("a recipient's name: %v", err)
	}
	if err := submit(func(m *Mail) { m.Charset = string(letter.Auto) }); err != nil {
		t.Errorf("whichever fits: %v", err)
	}
	if _, err := r.Save(ctx, r.f, Drill{Name: "文字", Mail: Mail{Charset: "shift_jis", FromName: "a", FromLocal: "a", Subject: "a", Text: "a", Link: true}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a charset that is none: %v", err)
	}
	m := mailOf()
	if m.Charset, m.Text = string(letter.ISO2022JP), "髙﨑 様 ①㈱ 高崎"; m.Doubtful() != "髙﨑①㈱" {
		t.Errorf("doubtful: %q", m.Doubtful())
	}
}
