package form

import (
	"context"
	"slices"
	"strconv"
	"time"

	"kenshin/assess/inquiry"
	"kenshin/catalogue"
	"kenshin/i18n"
)

func t(ctx context.Context, ja, en string, args ...any) string { return i18n.T(ctx, ja, en, args...) }

// tokyo is the clock of the pages: they show days, and who answers sits in Japan.
func tokyo() *time.Location { return time.FixedZone("JST", 9*3600) }

func dayOf(at time.Time) string { return at.In(tokyo()).Format("2006年1月2日") }

func clock(at time.Time) string { return at.In(tokyo()).Format("1月2日 15:04") }

func (v view) answer(id string) inquiry.Answer { return v.Typed.Answers[id] }

// differs is what another browser saved for an item, where that is something else than what was typed.
func (v view) differs(ctx context.Context, i catalogue.Item) string {
	if v.Stored == nil {
		return ""
	}
	a, b := v.Stored[i.ID], v.answer(i.ID)
	if a.Reply == b.Reply && a.Value == b.Value && a.Note == b.Note && a.Target == b.Target && a.On == b.On && slices.Equal(a.Many, b.Many) {
		return ""
	}
	text := a.Shown(i).For(ctx)
	if a.Empty() {
		text = t(ctx, "未回答", "not answered")
	}
	for _, s := range []string{a.On, a.Target, a.Note} {
		if s != "" {
			text += " · " + s
		}
	}
	return text
}

func (v view) vendor() bool { return v.Inquiry.Kind == inquiry.Vendor }

func (v view) nameless() bool { return v.Inquiry.Kind == inquiry.Survey && !v.Inquiry.Named }

// answered is how many items have an answer.
func (v view) answered() int {
	n := 0
	for _, i := range v.Items {
		if !v.answer(i.ID).Empty() {
			n++
		}
	}
	return n
}

func (v view) copied() bool {
	for _, a := range v.Typed.Answers {
		if a.Copied != "" {
			return true
		}
	}
	for _, a := range v.Sheet.Answers {
		if a.Copied != "" {
			return true
		}
	}
	return false
}

// section is an item's section where a new one begins.
func (v view) section(n int) (catalogue.Section, bool) {
	if n > 0 && v.Items[n].Section == v.Items[n-1].Section || v.Inquiry.Kind == inquiry.Question {
		return catalogue.Section{}, false
	}
	k := slices.IndexFunc(v.Catalogue.Sections, func(s catalogue.Section) bool { return s.ID == v.Items[n].Section })
	if k < 0 {
		return catalogue.Section{}, false
	}
	return v.Catalogue.Sections[k], true
}

func has(list []int, n int) bool { return slices.Contains(list, n) }

func num(n int) string { return strconv.Itoa(n) }

func replies() []catalogue.Reply { return catalogue.Replies() }

// who is who saved last, in brackets.
func (v view) who() string {
	if v.Sheet.By == "" {
		return ""
	}
	return "（" + v.Sheet.By + "）"
}

// marked says whether an item carries a mark that has to be explained.
func (v view) marked() bool {
	return v.Catalogue.Origin == catalogue.OriginOfficial && slices.ContainsFunc(v.Items, func(i catalogue.Item) bool { return i.Standing() != catalogue.Confirmed })
}
