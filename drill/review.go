package drill

import (
	"cmp"
	"context"
	"slices"
	"time"

	"kenshin/drill/rate"
	"kenshin/drill/scale"
	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/jp"
)

// missedMost is how many cues a review names.
const missedMost = 5

// Review is a facility's drills of a period on one sheet: for the director, and for a support body that looks after many.
type Review struct {
	From, To string // days, both included; "" is open
	Story
	Trends    []Trend     // only across drills of like difficulty
	Missed    []MissedCue // the most first
	Trained   Coverage    // of the fiscal year Year
	TrainedBy []Coverage  // by department, small ones put together
	Year      int
}

// Trend is the drills of one kind and difficulty, the oldest first, with the change from the first to the last.
type Trend struct {
	Mode           Mode
	Difficulty     string
	Drills         []Chapter
	Reported, Fell rate.Comparison
}

// MissedCue is a cue with what became of all mails in which it stood. A mail has several cues: the figure is the mails', not the cue's alone.
type MissedCue struct {
	ID     string
	Name   i18n.Text
	Look   i18n.Text // what a staff member looks at
	Drills int
	Fell   rate.Rate
}

// Review tells a facility's drills of a period. others is the common name of departments that are too small to stand alone.
func (b *Book) Review(ctx context.Context, f facility.ID, p Period, others string) (r Review, err error) {
	r.From, r.To = p.From, p.To
	if r.Story, err = b.Story(ctx, f, Period{From: p.From, To: p.To}); err != nil {
		return r, err
	}
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return r, err
	}
	end := b.now().In(fac.Location())
	if last, err := time.ParseInLocation(time.DateOnly, p.To, fac.Location()); err == nil && last.Before(end) {
		end = last
	}
	r.Year = jp.FiscalYear(end)
	if r.Trained, r.TrainedBy, err = b.Covered(ctx, f, r.Year); err != nil {
		return r, err
	}
	r.TrainedBy = Fold(r.TrainedBy, others)
	r.Trends, r.Missed = trends(r.Drills), missed(r.Drills)
	return r, nil
}

// trends puts drills of like difficulty together where there are at least two that can be compared; lines are the newest first.
func trends(lines []Chapter) (out []Trend) {
	for _, l := range slices.Backward(lines) {
		if l.Totals.Hidden || !l.Totals.shown() || l.Drill.Rating.Difficulty == "" {
			continue
		}
		i := slices.IndexFunc(out, func(t Trend) bool { return t.Drills[0].like(l) })
		if i < 0 {
			out, i = append(out, Trend{Mode: l.Drill.Mode, Difficulty: l.Drill.Rating.Difficulty}), len(out)
		}
		out[i].Drills = append(out[i].Drills, l)
	}
	out = slices.DeleteFunc(out, func(t Trend) bool { return len(t.Drills) < 2 })
	for i := range out {
		first, last := out[i].Drills[0], out[i].Drills[len(out[i].Drills)-1]
		out[i].Reported = rate.Compare(first.of(first.Totals.Reported), last.of(last.Totals.Reported))
		out[i].Fell = rate.Compare(first.of(first.Totals.Fell), last.of(last.Totals.Fell))
	}
	return out
}

// missed adds up, for each cue, the mails in which it stood.
func missed(lines []Chapter) (out []MissedCue) {
	for _, l := range lines {
		if l.Totals.Hidden || !l.Totals.shown() {
			continue
		}
		seen := map[string]bool{}
		for _, c := range l.Drill.Rating.Cues {
			known, ok := scale.Find(scale.ID(c.ID))
			if !ok || seen[c.ID] {
				continue
			}
			seen[c.ID] = true
			i := slices.IndexFunc(out, func(m MissedCue) bool { return m.ID == c.ID })
			if i < 0 {
				out, i = append(out, MissedCue{ID: c.ID, Name: known.Name, Look: known.LookFor}), len(out)
			}
			m := &out[i]
			m.Drills, m.Fell.Count, m.Fell.Of = m.Drills+1, m.Fell.Count+l.Totals.Fell, m.Fell.Of+l.Totals.Reached()
		}
	}
	out = slices.DeleteFunc(out, func(m MissedCue) bool { return m.Fell.Count == 0 })
	slices.SortStableFunc(out, func(a, b MissedCue) int {
		return cmp.Or(cmp.Compare(b.Fell.Share(), a.Fell.Share()), cmp.Compare(b.Fell.Count, a.Fell.Count), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), missedMost)]
}

// alike reports whether departments can be set against each other: they got the same mails, or mails of one difficulty.
func (r Review) alike() bool {
	all, difficulty := true, map[string]bool{}
	for _, l := range r.Drills {
		if l.Totals.Hidden {
			continue
		}
		a := l.Drill.Audience
		all = all && len(a.Departments)+len(a.Jobs)+len(a.People) == 0
		difficulty[l.Drill.Rating.Difficulty] = true
	}
	return all || len(difficulty) == 1 && !difficulty[""]
}

// Advice is three things to do next, each with the numbers that it comes from: reporting, where to teach, and what. Where numbers show nothing it says so.
func (r Review) Advice(ctx context.Context) (out []string) {
	say := func(ja, en string, args ...any) { out = append(out, i18n.T(ctx, ja, en, args...)) }
	all := r.Sums.All
	if !all.shown() {
		say("この期間には、数字から何かを言えるだけの訓練がありません。まず1回、全員への訓練をしてください。", "In this period there is no drill large enough for numbers to say anything. Begin with one drill for everybody.")
		return out
	}
	out = append(out, adviceReports(ctx, all))
	fell := rate.Rate{Count: all.Fell, Of: all.Reached()}
	switch departments := adviceDepartments(ctx, r.Sums, fell, true); {
	case !r.alike():
		say("訓練ごとに宛先の部署とむずかしさが違うので、部署どうしは比べていません。次は、同じメールを全員に送ってください。", "Drills went to different departments with mails of different difficulty: departments are not compared. Send one mail to everybody next.")
	case len(departments) > 0:
		out = append(out, departments[0])
	}
	if len(r.Missed) > 0 {
		m := r.Missed[0]
		say("いちばん見逃されたのは「%s」のあるメールでした(訓練 %d件、%d / %d人が開いた)。次の教材は、まずこれを選んでください。", "Mails with “%s” were missed most (%d drills; %d of %d fell). Choose its lesson first.",
			m.Name.For(ctx), m.Drills, m.Fell.Count, m.Fell.Of)
	}
	if len(out) < 3 && r.Trained.Shown() {
		least := slices.MinFunc(append(slices.Clone(r.TrainedBy), r.Trained), func(a, b Coverage) int {
			return cmp.Compare(rate.Rate{Count: a.Done, Of: a.Of}.Share(), rate.Rate{Count: b.Done, Of: b.Of}.Share())
		})
		switch {
		case r.Trained.Done >= r.Trained.Of:
			say("教材は全員(%d人)が終えています。年間計画どおりに続けてください。", "All %d have finished a lesson. Go on as planned.", r.Trained.Of)
		case least.Department != "":
			say("教材を終えた人は %d / %d人です。いちばん少ない「%s」(%d / %d人)に、短い時間を取ってください。", "%d of %d have finished a lesson. Give the department with the fewest, “%s” (%d of %d), some time.",
				r.Trained.Done, r.Trained.Of, least.Department, least.Done, least.Of)
		default:
			say("教材を終えた人は %d / %d人です。まだの人に、短い時間を取ってください。", "%d of %d have finished a lesson. Give the others some time.", r.Trained.Done, r.Trained.Of)
		}
	}
	return out[:min(len(out), 3)]
}
