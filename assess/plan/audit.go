package plan

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/register"
)

// AuditPlan is one audit from its plan to its report.
type AuditPlan struct {
	Day         string      `json:"day"` // planned for
	Auditor     string      `json:"auditor"`
	Independent bool        `json:"independent"` // not the one who does the work that is audited
	Scope       string      `json:"scope"`
	Catalogue   string      `json:"catalogue"` // id of the catalogue that the items come from
	Edition     string      `json:"edition"`
	Items       []AuditItem `json:"items"`
	Samples     []Sample    `json:"samples,omitempty"`
	Remarks     []Remark    `json:"remarks,omitempty"`
	Reported    string      `json:"reported"` // day of the report
	Result      string      `json:"result"`
}

// Verdict is what an auditor says of an item or of a drawn one.
type Verdict string

const (
	NotSeen Verdict = ""
	Good    Verdict = "good"
	Poor    Verdict = "poor"
	NoCase  Verdict = "none" // does not apply here
)

// Label is the verdict in words.
func (v Verdict) Label() i18n.Text {
	switch v {
	case Good:
		return i18n.Text{Ja: "よい", En: "Good"}
	case Poor:
		return i18n.Text{Ja: "不備あり", En: "Lacking"}
	case NoCase:
		return i18n.Text{Ja: "対象外", En: "Not applicable"}
	}
	return i18n.Text{Ja: "まだ見ていない", En: "Not seen yet"}
}

func (v Verdict) known() bool { return slices.Contains([]Verdict{NotSeen, Good, Poor, NoCase}, v) }

// AuditItem is one thing that is looked at.
type AuditItem struct {
	ID       string    `json:"id"`
	Title    i18n.Text `json:"title"`
	How      i18n.Text `json:"how"`
	Required bool      `json:"required"`
	Verdict  Verdict   `json:"verdict"`
	Note     string    `json:"note"`
}

// Population is what a sample is drawn from: the ledger's devices, or the rows of a register.
type Population struct {
	ID   string    // "devices", or a register's id
	Text i18n.Text // its name
}

// Member is one of a population.
type Member struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Drawn is one of a sample, with what the auditor saw.
type Drawn struct {
	Member
	Verdict Verdict `json:"verdict"`
	Note    string  `json:"note"`
}

// Sample is a random choice that anybody can draw again: from the seed and the ids as they were on that day.
type Sample struct {
	Population string    `json:"population"`
	Text       i18n.Text `json:"text"`
	At         time.Time `json:"at"`
	Seed       string    `json:"seed"`  // 32 hex digits
	Frame      []string  `json:"frame"` // ids that it was drawn from, sorted
	Digest     string    `json:"digest"`
	Drawn      []Drawn   `json:"drawn"`
}

// Again draws the sample once more from what is kept of it and reports whether it comes out the same.
func (s Sample) Again() bool {
	if digest(s.Frame) != s.Digest {
		return false
	}
	ids := choose(s.Seed, s.Frame, len(s.Drawn))
	return slices.EqualFunc(ids, s.Drawn, func(id string, d Drawn) bool { return id == d.ID })
}

// Veiled is the sheet as a role may see it: of a register that holds people's names, who may not read it sees how many rows were drawn and what
// was found, and not whose they are.
func (s Sheet) Veiled(r actor.Role) Sheet {
	if s.Audit == nil {
		return s
	}
	a := *s.Audit
	a.Samples = slices.Clone(a.Samples)
	for i := range a.Samples {
		k, err := register.KindOf(a.Samples[i].Population)
		if err != nil || k.MayRead(r) { // no register: the ledger's devices
			continue
		}
		a.Samples[i].Drawn = slices.Clone(a.Samples[i].Drawn)
		for n := range a.Samples[i].Drawn {
			a.Samples[i].Drawn[n].Text, a.Samples[i].Drawn[n].Note = fmt.Sprintf("(%d)", n+1), ""
		}
	}
	s.Audit = &a
	return s
}

// choose draws n of the sorted ids: a Fisher-Yates shuffle driven by ChaCha8 over SHA-256 of the seed.
func choose(seed string, ids []string, n int) []string {
	r := mathrand.New(mathrand.NewChaCha8(sha256.Sum256([]byte("kenshin audit sample\x00" + seed))))
	ids = slices.Clone(ids)
	n = min(n, len(ids))
	for i := range n {
		k := i + r.IntN(len(ids)-i)
		ids[i], ids[k] = ids[k], ids[i]
	}
	return ids[:n]
}

func digest(ids []string) string {
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n")))
	return hex.EncodeToString(sum[:])
}

const (
	maxSamples = 20
	maxDrawn   = 100
	maxFrame   = 20_000
)

// draw makes a sample of n members.
func draw(p Population, members []Member, n int, at time.Time) (Sample, error) {
	if n < 1 || n > maxDrawn {
		return Sample{}, fault.Newf(fault.Invalid, "選ぶ数は1から%dです。", "Draw 1 to %d.", maxDrawn)
	}
	if len(members) == 0 {
		return Sample{}, fault.New(fault.Conflict, "選ぶ元が空です。先に台帳や記録簿に入れてください。", "There is nothing to draw from: fill the ledger or the register first.")
	}
	if len(members) > maxFrame {
		return Sample{}, fault.Newf(fault.TooLarge, "選ぶ元は%d件までです。", "At most %d to draw from.", maxFrame)
	}
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	s := Sample{Population: p.ID, Text: p.Text, At: at, Seed: hex.EncodeToString(raw)}
	text := map[string]string{}
	for _, m := range members {
		s.Frame, text[m.ID] = append(s.Frame, m.ID), m.Text
	}
	slices.Sort(s.Frame)
	s.Digest = digest(s.Frame)
	for _, id := range choose(s.Seed, s.Frame, n) {
		s.Drawn = append(s.Drawn, Drawn{Member: Member{id, text[id]}})
	}
	return s, nil
}

// Remark is what an auditor found wrong, and its correction.
type Remark struct {
	ID     string `json:"id"`
	Text   string `json:"text"`
	Weight string `json:"weight"` // major, minor, advice
	Action string `json:"action"`
	Owner  string `json:"owner"`
	Due    string `json:"due"`
	Mended string `json:"mended"` // the day on which somebody looked and it was put right
}

func (a *AuditPlan) tidy() error {
	for _, x := range []struct {
		field string
		s     *string
		most  int
	}{{"監査する人", &a.Auditor, 100}, {"範囲", &a.Scope, maxLong}, {"結果", &a.Result, maxLong}} {
		if err := tidyText(0, x.field, x.s, x.most); err != nil {
			return err
		}
	}
	for field, s := range map[string]*string{"予定の日": &a.Day, "報告の日": &a.Reported} {
		if err := tidyDay(0, field, s); err != nil {
			return err
		}
	}
	if len(a.Items) > maxRows || len(a.Remarks) > maxRows || len(a.Samples) > maxSamples {
		return fault.New(fault.TooLarge, "監査の行が多すぎます。", "The audit has too many rows.")
	}
	for i := range a.Items {
		if !a.Items[i].Verdict.known() {
			return bad(i+1, "項目", "選べる答えにありません。", "there is no such verdict.")
		}
		if err := tidyText(i+1, "項目のメモ", &a.Items[i].Note, maxLong); err != nil {
			return err
		}
	}
	for _, s := range a.Samples {
		for i := range s.Drawn {
			if !s.Drawn[i].Verdict.known() {
				return bad(i+1, "抜き取り", "選べる答えにありません。", "there is no such verdict.")
			}
			if err := tidyText(i+1, "抜き取りのメモ", &s.Drawn[i].Note, maxText); err != nil {
				return err
			}
		}
	}
	return a.tidyRemarks()
}

func (a *AuditPlan) tidyRemarks() error {
	seen := map[string]bool{}
	for i := range a.Remarks {
		r, n := &a.Remarks[i], i+1
		for _, x := range []struct {
			field string
			s     *string
			most  int
		}{{"指摘", &r.Text, maxLong}, {"直し方", &r.Action, maxLong}, {"担当", &r.Owner, 100}, {"番号", &r.ID, 60}} {
			if err := tidyText(n, x.field, x.s, x.most); err != nil {
				return err
			}
		}
		for field, s := range map[string]*string{"いつまでに": &r.Due, "直した日": &r.Mended} {
			if err := tidyDay(n, field, s); err != nil {
				return err
			}
		}
		switch {
		case r.ID == "" || seen[r.ID]:
			return bad(n, "番号", "空か、重なっています。", "it is empty or used twice.")
		case r.Text == "":
			return bad(n, "指摘", "書いてください。", "write it.")
		case r.Weight != "major" && r.Weight != "minor" && r.Weight != "advice":
			return bad(n, "重さ", "選んでください。", "choose it.")
		}
		seen[r.ID] = true
	}
	return nil
}

func (a *AuditPlan) ready() error {
	if a.Auditor == "" || a.Reported == "" {
		return fault.New(fault.Conflict, "監査する人と報告の日を入れてください。", "Give the auditor and the day of the report.")
	}
	for i, x := range a.Items {
		if x.Required && x.Verdict == NotSeen {
			return bad(i+1, "必須の項目", "まだ見ていません。", "a required item was not looked at.")
		}
	}
	for i, r := range a.Remarks {
		if r.Weight != "advice" && (r.Owner == "" || r.Due == "") {
			return bad(i+1, "指摘の担当といつまでに", "入れてください。", "give both.")
		}
	}
	return nil
}
