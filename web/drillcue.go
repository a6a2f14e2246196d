package web

import (
	"net/url"
	"slices"
	"strings"

	"kenshin/drill"
	"kenshin/drill/scale"
	"kenshin/web/page"
)

// cueTyped is the cue that a person is about to add; with do=cue it is added to the draft, or the error says why not.
func (v *visit) cueTyped(d *drill.Drill, s drill.Settings, typed url.Values) (add drill.Cue, wrong string) {
	add = drill.Cue{ID: typed.Get("add_cue"), Part: typed.Get("add_part"), Text: strings.TrimSpace(typed.Get("add_text"))}
	if typed.Get("do") != "cue" {
		return add, ""
	}
	if _, known := scale.Find(scale.ID(add.ID)); !known {
		return add, v.t("手がかりを選んでください。", "Choose a cue.")
	}
	m := d.Mail
	m.FromLocal += "@" + s.Domain
	switch {
	case add.Text == "":
		return add, v.t("どの言葉で分かるかを、メールにあるとおりに入れてください。「ない」ことが手がかりなら、本来あるはずの場所の言葉を入れます。", "Enter the words by which it shows. Where something is missing, the words where a reader would look for it.")
	case strings.Contains(add.Text, "{{"):
		return add, v.t("人ごとに入れ替わる言葉は、手がかりにできません。", "Words that are filled in cannot be a cue.")
	case scale.Part(add.Part) == "address" && !strings.Contains(m.FromLocal, add.Text), !stands(m, add):
		return add, v.t("この言葉は、そこにありません。メールにあるとおりに写してください。", "These words are not there. Copy them as they stand in the mail.")
	case slices.Contains(d.Rating.Cues, add):
		return add, v.t("この手がかりは、もう数えています。", "This cue is counted already.")
	case len(d.Rating.Cues) >= 100:
		return add, v.t("手がかりは100か所までです。", "At most 100 cues.")
	}
	d.Rating.Cues = append(d.Rating.Cues, add)
	return drill.Cue{}, ""
}

// offered are the cues that somebody ticked and still stand in the mail, what the machine finds, and what a person saw and took back. A find
// that nobody has seen yet is ticked in an own mail, not in one that came with its cues.
func offered(v *visit, d drill.Drill, s drill.Settings, typed url.Values) (out []page.OfferedCue) {
	have, seen := map[drill.Cue]bool{}, map[drill.Cue]bool{}
	before := cuesOf(typed["seen"])
	for _, c := range before {
		seen[c] = true
	}
	take := func(c drill.Cue, on bool, why string) {
		if !have[c] && len(out) < 100 {
			have[c] = true
			out = append(out, page.OfferedCue{Cue: c, On: on, Why: why})
		}
	}
	for _, c := range d.Rating.Cues {
		if stands(d.Mail, c) {
			take(c, true, "")
		}
	}
	for _, f := range d.Mail.Suggest(s.Domain) {
		take(f.Cue, !seen[f.Cue] && d.Mail.Scenario == "" && len(typed) > 0, f.Why.For(v.ctx))
	}
	for _, c := range before {
		if stands(d.Mail, c) {
			take(c, false, "")
		}
	}
	return out
}

// stands reports whether a cue's wording is still in its part of the mail.
func stands(m drill.Mail, c drill.Cue) bool {
	switch scale.Part(c.Part) {
	case "subject":
		return strings.Contains(m.Subject, c.Text)
	case "sender":
		return strings.Contains(m.FromName, c.Text)
	case "attachment":
		return strings.Contains(m.FileName, c.Text)
	case "address":
		return true // the domain is the settings'
	case "html":
		return strings.Contains(m.HTML, c.Text)
	}
	return strings.Contains(m.Text, c.Text) || strings.Contains(m.HTML, c.Text)
}
