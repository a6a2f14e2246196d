package drill

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"kenshin/drill/lesson"
	"kenshin/drill/rate"
	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/store"
)

// Yearly is how many drills a year has unless somebody decides otherwise.
const Yearly = 4

// usual are the months of a year of four: not in April with its new staff, nor around Obon and the turn of the year.
var usual = []time.Month{time.June, time.September, time.November, time.February}

// past is a drill that was sent, as proposals need it.
type past struct {
	Scenario string
	Cue      scale.ID // that it taught first
	Level    scenario.Level
	Totals   Totals
	Name     string
	Final    bool // it was closed: its numbers count
}

// Advised is the difficulty that the results suggest for the next drill, and why.
type Advised struct {
	Level scenario.Level
	Why   i18n.Text
}

// advised goes one step up when more people reported than fell, one down when far more fell, and begins easy. The newest result comes first.
func advised(list []past) Advised {
	for _, p := range list {
		t := p.Totals
		if !p.Final || !(rate.Rate{Of: t.Reached()}).Shown() {
			continue
		}
		say := func(l scenario.Level, ja, en string) Advised {
			return Advised{l, i18n.Text{Ja: fmt.Sprintf("前回「%s」(%s)で報告 %d / %d人、開いた人 %d / %d人。%s", p.Name, p.Level.Name().Ja, t.Reported, t.Reached(), t.Fell, t.Reached(), ja),
				En: fmt.Sprintf("Last drill “%s” (%s): %d of %d reported, %d of %d fell. %s", p.Name, p.Level.Name().En, t.Reported, t.Reached(), t.Fell, t.Reached(), en)}}
		}
		levels := []scenario.Level{scenario.Easy, scenario.Medium, scenario.Hard}
		at := max(0, slices.Index(levels, p.Level))
		switch {
		case t.Reported > t.Fell && at < 2:
			return say(levels[at+1], "報告が上回ったので、1段むずかしくします。", "More reported than fell: one step up.")
		case t.Reported > t.Fell:
			return say(levels[at], "いちばんむずかしい段で続けます。", "It stays at the hardest.")
		case t.Fell > 2*t.Reported && at > 0:
			return say(levels[at-1], "開いた人がずっと多いので、1段やさしくして報告の練習をします。", "Far more fell: one step down, to practise reporting.")
		}
		return say(levels[at], "同じ段で、報告をもう一度練習します。", "It stays there, to practise reporting.")
	}
	return Advised{scenario.Easy, i18n.Text{Ja: "まだ結果がないので、やさしいものから始めます。", En: "There is no result yet: it begins easy."}}
}

// firstCue is what a mail teaches first.
func firstCue(s scenario.Scenario, l scenario.Level) scale.ID {
	m, _ := s.Mail(l)
	for _, c := range lesson.Pick(m.Cues, 1) {
		return c.Cue
	}
	return ""
}

func titleOf(all scenario.Catalogue, id string, l scenario.Level) (title, cue i18n.Text) {
	s, ok := all.Find(id)
	if !ok {
		return i18n.Text{Ja: id, En: id}, cue
	}
	if c, ok := scale.Find(firstCue(s, l)); ok {
		cue = c.Name
	}
	return s.Title, cue
}

// propose fills a fiscal year up to some drills (0: as usual, and never more than one in two months): other stories and other cues than before,
// fitting their month, in months to come and well apart.
func propose(year, count int, now time.Time, all scenario.Catalogue, results []past, have []Planning) (out []Plan) {
	months := freeMonths(year, count, now, have)
	base := advised(results).Level
	usedStory, usedCue := map[string]bool{}, map[scale.ID]bool{}
	for _, p := range results[:min(len(results), 2*Yearly)] {
		usedStory[p.Scenario] = true
	}
	for _, p := range results[:min(len(results), Yearly-1)] {
		usedCue[p.Cue] = true
	}
	for _, p := range have {
		if s, ok := all.Find(p.Scenario); ok {
			usedStory[s.ID], usedCue[firstCue(s, p.Level)] = true, true
		}
	}
	for i, m := range months {
		level := base
		if i >= 2 && base != scenario.Hard { // by then there are two results; the page says so when they speak against it
			level = stepUp(base)
		}
		s, ok := story(all, level, int(m.Month()), year*7+i*5, usedStory, usedCue)
		if !ok {
			continue
		}
		usedStory[s.ID], usedCue[firstCue(s, level)] = true, true
		out = append(out, Plan{Month: m.Format(monthForm), Scenario: s.ID, Level: level})
	}
	return out
}

func stepUp(l scenario.Level) scenario.Level {
	if l == scenario.Easy {
		return scenario.Medium
	}
	return scenario.Hard
}

// story picks what was not told lately and teaches another cue, beginning at another place each year.
func story(all scenario.Catalogue, level scenario.Level, month, turn int, usedStory map[string]bool, usedCue map[scale.ID]bool) (best scenario.Scenario, ok bool) {
	most := -1
	for i := range all.Scenarios {
		s := all.Scenarios[(turn+i)%len(all.Scenarios)]
		m, has := s.Mail(level)
		if !has || !s.Season.Fits(month) || !m.Link && m.Attachment == nil {
			continue
		}
		worth := 0
		if !usedStory[s.ID] {
			worth += 2
		}
		if !usedCue[firstCue(s, level)] {
			worth++
		}
		if worth > most {
			most, best, ok = worth, s, true
		}
	}
	return best, ok
}

// freeMonths spreads some drills over a fiscal year's months that are still to come and have none yet.
func freeMonths(year, count int, now time.Time, have []Planning) (out []time.Time) {
	taken := map[string]bool{}
	for _, p := range have {
		taken[p.Month] = true
	}
	var free, good []time.Time
	for i := range 12 {
		m := time.Date(year, time.April+time.Month(i), 1, 0, 0, 0, 0, now.Location())
		if !m.AddDate(0, 0, 14).After(now) || taken[m.Format(monthForm)] {
			continue
		}
		free = append(free, m)
		if slices.Contains(usual, m.Month()) {
			good = append(good, m)
		}
	}
	if count -= len(have); count == -len(have) {
		count = min(Yearly-len(have), (len(free)+1)/2)
	}
	if count <= 0 {
		return nil
	}
	if len(good) >= count {
		return good[len(good)-count:]
	}
	if len(free) <= count {
		return free
	}
	for i := range count {
		out = append(out, free[(2*i+1)*len(free)/(2*count)])
	}
	return out
}

// results reads the drills that were sent, the newest first.
func (b *Book) results(ctx context.Context, f facility.ID) (out []past, err error) {
	list, err := b.List(ctx, f, Sent, Closed)
	if err != nil {
		return nil, err
	}
	sums, err := b.Totals(ctx, f, Period{})
	if err != nil {
		return nil, err
	}
	totals := map[string]Totals{}
	for _, t := range sums.ByDrill {
		totals[t.Drill] = t
	}
	slices.SortFunc(list, func(a, b Drill) int { return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(b.ID, a.ID)) })
	for _, d := range list {
		if d.Mode == Course || d.Started.IsZero() || d.Rating.Difficulty == "" {
			continue
		}
		p := past{Scenario: d.Mail.Scenario, Level: scenario.LevelOf(scale.Difficulty(d.Rating.Difficulty)), Totals: totals[d.ID], Name: d.Name, Final: d.State == Closed}
		for _, c := range lesson.Pick(d.marks(), 1) {
			p.Cue = c.Cue
		}
		out = append(out, p)
	}
	return out, nil
}

// NextLevel is the difficulty that the newest results suggest, with the numbers behind it.
func (b *Book) NextLevel(ctx context.Context, f facility.ID) (Advised, error) {
	list, err := b.results(ctx, f)
	return advised(list), err
}

// ProposePlans fills a fiscal year's plan up to so many drills (0 is Yearly, at most 12) and returns what was added.
func (b *Book) ProposePlans(ctx context.Context, f facility.ID, year, count int) (out []Plan, err error) {
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return nil, err
	}
	results, err := b.results(ctx, f)
	if err != nil {
		return nil, err
	}
	all, err := b.Scenarios(ctx, f)
	if err != nil {
		return nil, err
	}
	now := b.now().In(fac.Location())
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		from, before := yearOf(year)
		have, err := planned(ctx, tx, from, before, now)
		if err != nil {
			return err
		}
		if out = propose(year, min(count, 12), now, all, results, have); len(out) == 0 {
			return nil
		}
		for i := range out {
			if err := b.addPlan(ctx, tx, &out[i]); err != nil {
				return err
			}
		}
		return b.trail(ctx, tx, "drill.plan", out[0].ID, i18n.Text{Ja: fmt.Sprintf("%d年度の訓練の計画に%d件を足しました", year, len(out)), En: fmt.Sprintf("Added %d drills to the plan of %d", len(out), year)}, nil)
	})
	return out, err
}

// PlanYear is the fiscal year of a month like "2027-02".
func PlanYear(month string) int {
	at, err := time.Parse(monthForm, month)
	if err != nil {
		return 0
	}
	return jp.FiscalYear(at)
}
