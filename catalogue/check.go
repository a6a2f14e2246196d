package catalogue

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

var (
	idForm      = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)
	editionForm = regexp.MustCompile(`^([RK])([1-9][0-9]?)$`)
)

const (
	maxID   = 60
	maxText = 4000 // bytes of one text
)

// checker looks at one catalogue alone.
type checker struct {
	c     *Catalogue
	known Checks
	found Mistakes
}

func (k *checker) bad(ja, en string, path ...any) {
	if len(k.found) < 2*maxMistakes {
		k.found = append(k.found, k.c.places.mistake(ja, en, path...))
	}
}

func (k *checker) all() {
	k.head()
	sections := map[string]bool{}
	for n, s := range k.c.Sections {
		if s.ID == "" || len(s.ID) > maxID || sections[s.ID] {
			k.bad("区分の id がないか、二度使われています。", "the section's id is missing or used twice", "sections", n)
		}
		sections[s.ID] = true
		k.text(s.Title, true, "sections", n, "title")
		k.text(s.Intro, false, "sections", n, "intro")
	}
	switch {
	case len(k.c.Items) == 0:
		k.bad("items に質問が一つもありません。", "items holds no question")
	case len(k.c.Items) > maxItems:
		k.bad("質問は 500 までです。", "there may be 500 items", "items")
		k.c.Items = k.c.Items[:maxItems]
	}
	ids := map[string]bool{}
	for n := range k.c.Items {
		i := &k.c.Items[n]
		k.defaults(i)
		k.itemID(i.ID, ids, n)
		if !sections[i.Section] {
			k.bad("区分「"+i.Section+"」が sections にありません。", "sections has no “"+i.Section+"”", "items", n, "section")
		}
		k.provenance(i, n)
		k.texts(i, n)
		k.values(i, n)
		k.special(i, n)
	}
}

func (k *checker) head() {
	c := k.c
	if !idForm.MatchString(c.ID) || len(c.ID) > maxID {
		k.bad("id は小文字の英数字とハイフン・点で、60 文字までです。", "the id has small letters, digits, hyphens and dots, up to 60", "id")
	}
	if !slices.Contains(Kinds(), c.Kind) {
		k.bad("種類「"+string(c.Kind)+"」はありません。使えるのは "+list(Kinds())+" です。", "there is no kind “"+string(c.Kind)+"”; there are "+list(Kinds()), "kind")
	}
	if c.Form != "" && !slices.Contains(Forms(), c.Form) {
		k.bad("form「"+string(c.Form)+"」はありません。使えるのは "+list(Forms())+" です。", "there is no form “"+string(c.Form)+"”; there are "+list(Forms()), "form")
	}
	if c.Origin != OriginOfficial && c.Origin != OriginOwn {
		k.bad("origin は official（公式の表）か own（独自）です。", "origin is official or own", "origin")
	}
	k.edition()
	if at, p, err := jp.Date(c.Published); err != nil {
		k.bad("公表日："+fault.Sentence(err, "ja"), "published: "+fault.Sentence(err, "en"), "published")
	} else if p < jp.Month {
		k.bad("公表日は月まで書いてください（令和7年5月 など）。", "published needs at least the month", "published")
	} else {
		c.Published = at
	}
	k.text(c.Title, true, "title")
	k.text(c.Basis, true, "basis")
	k.confidence(c.Source.Confidence, "source", "confidence")
	if strings.TrimSpace(c.Source.Text) == "" {
		k.bad("出典（source.text）を書いてください。", "source.text is needed", "source")
	}
	if c.Rounds < 0 || c.Rounds > 4 {
		k.bad("rounds は 0〜4 です。", "rounds is 0 to 4", "rounds")
	}
	if c.Previous == c.ID && c.ID != "" {
		k.bad("前の版（previous）が自分自身です。", "previous names the catalogue itself", "previous")
	}
}

// edition demands that an official edition and its year agree: R7 is fiscal year 2025.
func (k *checker) edition() {
	g := editionForm.FindStringSubmatch(k.c.Edition)
	if g == nil {
		k.bad("版「"+k.c.Edition+"」が分かりません。令和8年度なら R8、独自の表なら K1 のように書きます。", "unknown edition “"+k.c.Edition+"”; write R8 for Reiwa 8, K1 for one of your own", "edition")
		return
	}
	n, _ := strconv.Atoi(g[2]) // digits by the pattern
	if k.c.FiscalYear < 2019 || k.c.FiscalYear > 2099 || g[1] == "R" && k.c.FiscalYear != 2018+n {
		k.bad(fmt.Sprintf("版 %s と年度 %d が合いません（R7 は 2025）。", k.c.Edition, k.c.FiscalYear), fmt.Sprintf("edition %s and fiscal year %d do not agree (R7 is 2025)", k.c.Edition, k.c.FiscalYear), "fiscal_year")
	}
	if g[1] == "K" && k.c.Origin == OriginOfficial {
		k.bad("版 K… は独自の表の版です。公式の表には R… を書いてください。", "editions K… are of one's own; an official catalogue has R…", "edition")
	}
}

func (k *checker) defaults(i *Item) {
	if i.Origin == "" {
		i.Origin = k.c.Origin
	}
	if i.Wording == "" && i.Origin == OriginOwn {
		i.Wording = OwnWork
	}
	if i.Source == "" && i.Origin == OriginOwn {
		i.Source = k.c.Source.Text
	}
}

func (k *checker) itemID(id string, ids map[string]bool, n int) {
	if !idForm.MatchString(id) || len(id) > maxID {
		k.bad("id は小文字の英数字と点・ハイフンで、60 文字までです。", "the id has small letters, digits, dots and hyphens, up to 60", "items", n, "id")
	} else if ids[id] {
		k.bad("id「"+id+"」が二度使われています。", "the id “"+id+"” is used twice", "items", n, "id")
	}
	ids[id] = true
}

// provenance is the rule that nothing unconfirmed looks official: a number needs a source, and an own question has none.
func (k *checker) provenance(i *Item, n int) {
	if i.Origin != OriginOfficial && i.Origin != OriginOwn {
		k.bad("origin は official（公式の表）か own（独自）です。", "origin is official or own", "items", n, "origin")
	}
	if i.Origin == OriginOwn {
		if i.Number != "" {
			k.bad("独自の質問に公式の番号「"+i.Number+"」は付けられません。", "one's own question cannot carry the official number “"+i.Number+"”", "items", n, "number")
		}
		if i.Wording != OwnWork {
			k.bad("独自の質問の wording は own です。", "the wording of one's own question is own", "items", n, "wording")
		}
		return
	}
	if k.c.Origin == OriginOwn {
		k.bad("独自の表に公式の質問は置けません。公式の表（origin: official）に書いてください。", "an own catalogue cannot hold official items", "items", n, "origin")
	}
	k.confidence(i.Wording, "items", n, "wording")
	if i.Wording == OwnWork {
		k.bad("公式の質問の wording は O・S・I・R のどれかです。", "the wording of an official item is O, S, I or R", "items", n, "wording")
	}
	if strings.TrimSpace(i.Source) == "" {
		k.bad("公式の質問には、どこで見たか（source）が要ります。", "an official item needs its source", "items", n)
	}
	if i.Number != "" {
		k.confidence(i.Numbering, "items", n, "numbering")
	}
}

func confidences() []Confidence {
	return []Confidence{Official, Secondary, Inferred, Recalled, OwnWork}
}

func (k *checker) confidence(c Confidence, path ...any) {
	if !slices.Contains(confidences(), c) {
		k.bad("確かさは O（公式の文面を見た）・S（二次資料）・I（推定）・R（記憶）・own（独自）のどれかです。", "a confidence is O, S, I, R or own", path...)
	}
}

func (k *checker) texts(i *Item, n int) {
	k.text(i.Title, true, "items", n, "title")
	for field, t := range map[string]i18n.Text{"addition": i.Addition, "skip": i.Skip, "plain": i.Plain, "misread": i.Misread} {
		k.text(t, false, "items", n, field)
	}
	for field, ts := range map[string][]i18n.Text{"counts": i.Counts, "evidence": i.Evidence} {
		if len(ts) > 20 {
			k.bad("20 までにしてください。", "up to 20, please", "items", n, field)
			continue
		}
		for at, t := range ts {
			k.text(t, true, "items", n, field, at)
		}
	}
	if i.Explain == "" && strings.TrimSpace(i.Plain.Ja) == "" {
		k.bad("やさしい説明（plain）か、説明を借りる質問（explain）が要ります。", "plain, or explain with an item that explains it, is needed", "items", n)
	}
}

func (k *checker) text(t i18n.Text, needed bool, path ...any) {
	ja, en := strings.TrimSpace(t.Ja), strings.TrimSpace(t.En)
	switch {
	case needed && ja == "" && en == "":
		k.bad("文（ja と en）がありません。", "the text (ja and en) is missing", path...)
	case (ja == "") != (en == ""):
		k.bad("日本語（ja）と英語（en）の両方を書いてください。", "write both Japanese (ja) and English (en)", path...)
	case len(t.Ja) > maxText || len(t.En) > maxText:
		k.bad("文が長すぎます（4,000 バイトまで）。", "the text is too long (4,000 bytes)", path...)
	}
}

func (k *checker) values(i *Item, n int) {
	if i.Minutes < 0 || i.Minutes > 10000 {
		k.bad("minutes は 0〜10000 分です。", "minutes is 0 to 10000", "items", n, "minutes")
	}
	for at, w := range i.Ask {
		if !slices.Contains(Whos(), w) {
			k.bad("聞く相手「"+string(w)+"」はありません。使えるのは "+list(Whos())+" です。", "there is nobody called “"+string(w)+"”; there are "+list(Whos()), "items", n, "ask", at)
		}
	}
	for at, id := range i.Checks {
		if _, ok := k.known.Find(id); !ok {
			k.bad("測定「"+id+"」はKenshinにありません。kenshin catalogue list --checks で一覧を見られます。", "Kenshin has no check “"+id+"”; see kenshin catalogue list --checks", "items", n, "checks", at)
		}
	}
	for at, c := range i.Clauses {
		if strings.TrimSpace(c.Volume) == "" || strings.TrimSpace(c.Ref) == "" {
			k.bad("ガイドラインの編（volume）と場所（ref）を書いてください。", "a clause needs volume and ref", "items", n, "clauses", at)
		}
		k.confidence(c.Confidence, "items", n, "clauses", at, "confidence")
	}
	for field, y := range map[string]int{"due": i.Due, "horizon": i.Horizon} {
		if y != 0 && (y < 2019 || y > 2099) {
			k.bad(fmt.Sprintf("年度 %d は範囲の外です。西暦4桁で書いてください（令和9年度は 2027）。", y), fmt.Sprintf("fiscal year %d is out of range; write four digits", y), "items", n, field)
		}
	}
	for at, id := range i.From {
		if id == i.ID {
			k.bad("系譜（from）が自分自身を指しています。", "from names the item itself", "items", n, "from", at)
		}
		if slices.Contains(i.From[:at], id) {
			k.bad("系譜（from）に同じ質問が二度あります。", "from names the same item twice", "items", n, "from", at)
		}
	}
	if len(i.From) == 0 && (i.Reworded || i.Widened) {
		k.bad("reworded と widened は、前の版の質問（from）があるときだけ使います。", "reworded and widened need from", "items", n)
	}
	if !slices.Contains(answerKinds(), i.Answer.Kind) {
		k.bad("答え方「"+string(i.Answer.Kind)+"」はありません。", "there is no way of answering called “"+string(i.Answer.Kind)+"”", "items", n, "answer")
	}
	if pick := i.Answer.Kind == Choice || i.Answer.Kind == Many; pick != (len(i.Answer.Choices) >= 2) || len(i.Answer.Choices) > 30 {
		k.bad("選択肢（choices）は、choice と many のときだけ、2〜30 個です。", "choices belong to choice and many, 2 to 30 of them", "items", n, "answer")
	}
	for at, t := range i.Answer.Choices {
		k.text(t, true, "items", n, "answer", "choices", at)
	}
}

// special looks at what only one kind of catalogue has.
func (k *checker) special(i *Item, n int) {
	if (i.Gate != nil) != (k.c.Kind == Gates) {
		k.bad("gate はレベルの表（kind: gates）の質問にだけ、必ず書きます。", "gate belongs to every item of kind gates and to no other", "items", n)
	}
	if g := i.Gate; g != nil {
		if g.Level < 0 || g.Level > 3 || !slices.Contains(Axes(), g.Axis) || !slices.Contains(Costs(), g.Cost) || !slices.Contains(Whos(), g.Who) || g.Minutes < 1 || g.Minutes > 100000 {
			k.bad("gate には level（0〜3）、axis、cost、minutes、who が要ります。", "a gate needs level (0 to 3), axis, cost, minutes and who", "items", n, "gate")
		}
	}
	if party := i.Party == ByHospital || i.Party == Jointly || i.Party == ByVendor; party != (k.c.Kind == Roles) || !party && i.Party != "" {
		k.bad("party（hospital・joint・vendor）は役割分担表（kind: roles）の質問にだけ、必ず書きます。", "party (hospital, joint, vendor) belongs to every item of kind roles and to no other", "items", n)
	}
	if i.Required && k.c.Kind != Audit {
		k.bad("required は監査項目（kind: audit）だけで使います。", "required is for kind audit only", "items", n, "required")
	}
}

func list[K ~string](all []K) string {
	out := make([]string, len(all))
	for i := range all {
		out[i] = string(all[i])
	}
	return strings.Join(out, ", ")
}
