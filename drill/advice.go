package drill

import (
	"context"
	"time"

	"kenshin/drill/lesson"
	"kenshin/drill/rate"
	"kenshin/drill/scale"
	"kenshin/i18n"
)

const (
	adviceCues = 3                // as many as are remembered
	slowReport = 30 * time.Minute // after which a first report comes late
)

// Advice is what to do next, as sentences. Each sentence carries the numbers that it comes from; where numbers show nothing, it says so.
func (r Result) Advice(ctx context.Context) (out []string) {
	d, sums, times := r.Drill, r.Sums, r.Times
	say := func(ja, en string, args ...any) { out = append(out, i18n.T(ctx, ja, en, args...)) }
	all := sums.All
	if !all.shown() {
		say("人数が少ないため、数字から言えることはありません。手がかりを全員で見てください。", "Too few people for numbers to say anything. Look at the cues together.")
		return out
	}
	reported, fell := rate.Rate{Count: all.Reported, Of: all.Reached()}, rate.Rate{Count: all.Fell, Of: all.Reached()}
	out = append(out, adviceReports(ctx, all))
	if x := times.Race; !x.FirstReport.IsZero() && !x.FirstClick.IsZero() && !x.Won() {
		say("%s 本物なら、報告を待つあいだに広がります。気づいた1人目がすぐ電話できるようにしてください。", "%s A real attack would have spread meanwhile. Make it easy for the first who notices to call.", x.Text().For(ctx))
	} else if times.Reported && times.First > slowReport {
		say("最初の報告まで %s かかりました。本物なら、そのあいだ止められません。迷ったらすぐ知らせてよいことを、くり返し伝えてください。",
			"The first report took %s. A real attack goes on meanwhile. Repeat that a false alarm is welcome.", rate.Span(times.First).For(ctx))
	}
	out = append(out, adviceDepartments(ctx, sums, fell, true)...)
	out = append(out, adviceDepartments(ctx, sums, reported, false)...)
	out = append(out, adviceCue(ctx, d, fell)...)
	if all.Unknown+all.Failed > 0 {
		say("届かなかったか、届いたか分からないメールが %d通あります。次の訓練の前に、宛先を確かめてください。", "%d mails failed or have an unknown end. Check the addresses before the next drill.", all.Unknown+all.Failed)
	}
	if raw, person := all.URLRaw+all.QRRaw+all.AttachRaw, all.URLPerson+all.QRPerson+all.AttachPerson; raw > person {
		say("リンクと添付への通信のうち、人のものと言えないものがあります(宛先の数で、通信 %d、人 %d)。上の率には、人と見たものだけを使っています。",
			"Some arrivals cannot be taken for people (recipients: %d with arrivals, %d with a person's). Rates use the latter.", raw, person)
	}
	if d.Rating.Difficulty == "" {
		say("このメールの見抜きにくさは量られていません。量っておくと、次の訓練と比べられます。", "The difficulty of this mail was not measured. Measure it, and the next drill can be compared.")
	}
	return out
}

// adviceReports is about who reported.
func adviceReports(ctx context.Context, all Totals) string {
	switch {
	case all.Reported == 0:
		return i18n.T(ctx, "報告が1件もありませんでした(0 / %d人)。報告のしかた(転送先・電話)を、全員にもう一度知らせてください。", "Nobody reported (0 of %d). Tell everybody again how to report.", all.Reached())
	case all.Fell > all.Reported:
		return i18n.T(ctx, "報告した人(%d人)より、開いた人(%d人)が多い結果です。「あやしいと思ったら転送」を朝礼でくり返してください。",
			"More people fell (%[2]d) than reported (%[1]d). Repeat how to report at every morning meeting.", all.Reported, all.Fell)
	case all.Fell == all.Reported:
		return i18n.T(ctx, "報告した人と開いた人が同じ %d人でした。開いたあとの報告でも助かることを、全員に伝えてください。", "As many reported as fell: %d. Tell everybody that a report after opening helps as well.", all.Reported)
	}
	return i18n.T(ctx, "開いた人(%[2]d人)より、報告した人(%[1]d人)が多い結果です。報告してくれた人に、お礼を伝えてください。",
		"More people reported (%d) than fell (%d). Thank those who reported.", all.Reported, all.Fell)
}

// adviceDepartments names the department that differs most from all others together, when that is more than chance (95 %).
func adviceDepartments(ctx context.Context, s Sums, all rate.Rate, fell bool) []string {
	const same = "same drill" // departments of one drill got the same mail
	var worst rate.Comparison
	var who Totals
	var part, rest rate.Rate
	compared := 0
	for _, d := range s.ByDepartment {
		if d.Hidden {
			continue
		}
		p := rate.Rate{Count: d.Reported, Of: d.Reached()}
		if fell {
			p.Count = d.Fell
		}
		o := rate.Rate{Count: all.Count - p.Count, Of: all.Of - p.Of}
		c := rate.Compare(rate.Drill{Rate: o, Difficulty: same}, rate.Drill{Rate: p, Difficulty: same})
		if !c.Like {
			continue
		}
		compared++
		if fell && c.Low > 0 && c.Difference > worst.Difference || !fell && c.High < 0 && c.Difference < worst.Difference {
			worst, who, part, rest = c, d, p, o
		}
	}
	if compared < 2 {
		return nil
	}
	name := who.Department
	if name == "" {
		name = i18n.T(ctx, "部署の記入なし", "no department")
	}
	switch {
	case part.Of == 0 && fell:
		return []string{i18n.T(ctx, "開いた人の率に、部署のあいだで偶然と言えないほどの差はありません。特定の部署ではなく、全員に教えてください。",
			"Between departments nothing differs by more than chance in who fell. Teach everybody, not one department.")}
	case part.Of == 0:
		return nil
	case fell:
		return []string{i18n.T(ctx, "「%s」は開いた人が多く(%d / %d人)、ほかの部署(%d / %d人)との差は偶然とは考えにくい大きさです。この部署で短い教材の時間を取ってください。%s",
			"In “%s” more people fell (%d of %d) than elsewhere (%d of %d), by more than chance. Give this department time for a short lesson.%s",
			name, part.Count, part.Of, rest.Count, rest.Of, many(ctx, compared))}
	}
	return []string{i18n.T(ctx, "「%s」は報告が少なく(%d / %d人)、ほかの部署(%d / %d人)との差は偶然とは考えにくい大きさです。報告のしかたが伝わっているか、聞いてください。%s",
		"In “%s” fewer people reported (%d of %d) than elsewhere (%d of %d), by more than chance. Ask whether they know how to report.%s",
		name, part.Count, part.Of, rest.Count, rest.Of, many(ctx, compared))}
}

// many reminds of what comparing many does: one in twenty differs by chance alone.
func many(ctx context.Context, compared int) string {
	if compared < 5 {
		return ""
	}
	return i18n.T(ctx, "(%d部署を比べているので、偶然に差が出ることもあります)", " (With %d departments compared, one may differ by chance.)", compared)
}

// adviceCue says which cue to teach: the first of this mail that anybody can check in any mail. Without anybody who fell there is none to name.
func adviceCue(ctx context.Context, d Drill, fell rate.Rate) []string {
	if fell.Count == 0 || len(d.Rating.Cues) == 0 {
		return nil
	}
	first := lesson.Pick(d.marks(), 1)[0]
	known, ok := scale.Find(first.Cue)
	if !ok {
		return nil
	}
	return []string{i18n.T(ctx, "%d / %d人が開いたこのメールは、「%s」(このメールでは「%s」)から気づけました。次の教材は、まずこれを選んでください。",
		"This mail, to which %d of %d fell, could be recognised by: %s (here “%s”). Choose its lesson first.", fell.Count, fell.Of, known.Name.For(ctx), first.Text)}
}

// ShownCue is a place by which a mail could have been recognised, in words.
type ShownCue struct{ ID, Name, Text, Look string }

// Cues are the first of them, one of each kind: as many as are remembered.
func (d Drill) Cues(ctx context.Context) (out []ShownCue) {
	seen := map[string]bool{}
	for _, c := range d.Rating.Cues {
		known, ok := scale.Find(scale.ID(c.ID))
		if !ok || seen[c.ID] || len(out) == adviceCues {
			continue
		}
		seen[c.ID] = true
		out = append(out, ShownCue{ID: c.ID, Name: known.Name.For(ctx), Text: c.Text, Look: known.LookFor.For(ctx)})
	}
	return out
}
