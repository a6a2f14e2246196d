package drill

import (
	"cmp"
	"context"
	"slices"
	"time"

	"kenshin/drill/hit"
	"kenshin/drill/rate"
	"kenshin/facility"
	"kenshin/fault"
)

// Times is how long recipients took, of one drill or of several: one entry for each who was reached.
type Times struct {
	Reports, Falls []rate.Time
	QR             []rate.Time // who followed the QR code, a part of Falls
	Race           rate.Race
	First          time.Duration // from the first mail to the first report
	Reported       bool          // there is a first report
}

// TimesOf measures each recipient from the acceptance of the own mail. Who did nothing was watched until the drill closed or until now.
func TimesOf(d Drill, list []Target, now time.Time) (x Times) {
	until := now
	if d.State == Closed && d.Ended.Before(now) {
		until = d.Ended
	}
	var reports, clicks, scans []time.Time
	begun := d.Started
	for i := range list {
		t := &list[i]
		start := t.AcceptedAt
		if start.IsZero() {
			start = d.Started
		}
		if begun.IsZero() || start.Before(begun) && !start.IsZero() {
			begun = start
		}
		after := func(at time.Time, all *[]time.Time) rate.Time {
			if at.IsZero() || at.After(until) { // what came after the end is kept in the list and counts no more
				return rate.Time{After: until.Sub(start)}
			}
			*all = append(*all, at)
			return rate.Time{After: max(0, at.Sub(start)), Seen: true} // clocks may have been set back
		}
		x.Reports = append(x.Reports, after(t.First[Reported], &reports))
		x.Falls = append(x.Falls, after(t.Fell(), &clicks))
		x.QR = append(x.QR, after(t.ByPerson[Scanned], &scans))
	}
	x.Race = rate.First(reports, clicks)
	if x.Reported = !x.Race.FirstReport.IsZero(); x.Reported {
		x.First = x.Race.FirstReport.Sub(begun)
	}
	return x
}

// Result is everything that is said of one drill.
type Result struct {
	Drill    Drill
	Sums     Sums
	Times    Times         // empty where so few people were reached that times would be single persons'
	Canary   hit.FalseHits // how often decoy mailboxes would have been taken for people; Canaries 0: not measured
	Mails    map[Delivery]int
	Unjudged bool    // some arrivals were not judged yet
	Before   *Before // nil: there is no earlier drill of like difficulty
}

// Before is the newest earlier drill of the same kind and difficulty, and the change since.
type Before struct {
	Drill          Drill
	Reported, Fell rate.Comparison
}

// Result tells how a drill went that was sent.
func (b *Book) Result(ctx context.Context, f facility.ID, id string) (r Result, err error) {
	if r.Drill, err = b.Get(ctx, f, id); err != nil {
		return r, err
	}
	if r.Drill.Started.IsZero() {
		return r, fault.New(fault.NotFound, "この訓練はまだ送られていないので、結果はありません。", "This drill was not sent yet: there is no result.")
	}
	if r.Sums, err = b.Totals(ctx, f, Period{Drill: id}); err != nil {
		return r, err
	}
	if r.Canary, err = b.decoys(ctx, f, id); err != nil {
		return r, err
	}
	if r.Sums.All.shown() {
		list, err := b.moments(ctx, f, id)
		if err != nil {
			return r, err
		}
		r.Times = TimesOf(r.Drill, list, b.now())
	}
	if r.Mails, err = b.Progress(ctx, f, id); err != nil {
		return r, err
	}
	dirty, err := b.Dirty(ctx, f)
	if err != nil {
		return r, err
	}
	r.Unjudged = slices.Contains(dirty, id)
	r.Before, err = b.before(ctx, f, r.Drill, r.Sums.All)
	return r, err
}

// decoys is what a drill's decoy mailboxes say about the judgement, nothing where it has none.
func (b *Book) decoys(ctx context.Context, f facility.ID, id string) (hit.FalseHits, error) {
	some, err := b.Targets(ctx, f, id, TargetFilter{Canaries: true, Limit: 1})
	if err != nil || some.Total == 0 {
		return hit.FalseHits{}, err
	}
	return b.FalseHits(ctx, f, id)
}

// shown reports whether a group is large enough for numbers.
func (t Totals) shown() bool { return rate.Rate{Of: t.Reached()}.Shown() }

// before finds the newest earlier drill of the same kind and difficulty, and compares.
func (b *Book) before(ctx context.Context, f facility.ID, d Drill, now Totals) (*Before, error) {
	if d.Rating.Difficulty == "" {
		return nil, nil //nolint:nilnil // nothing to compare with
	}
	list, err := b.List(ctx, f, Sent, Closed)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(o Drill) bool {
		return o.ID == d.ID || o.Mode != d.Mode || o.Rating.Difficulty != d.Rating.Difficulty || o.Started.IsZero() || !o.Started.Before(d.Started)
	})
	if len(list) == 0 {
		return nil, nil //nolint:nilnil // nothing to compare with
	}
	last := slices.MaxFunc(list, func(a, b Drill) int { return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID)) })
	sums, err := b.Totals(ctx, f, Period{Drill: last.ID})
	if err != nil {
		return nil, err
	}
	then := sums.All
	change := func(a, b int) rate.Comparison {
		return rate.Compare(rate.Drill{Rate: rate.Rate{Count: a, Of: then.Reached()}, Difficulty: last.Rating.Difficulty},
			rate.Drill{Rate: rate.Rate{Count: b, Of: now.Reached()}, Difficulty: d.Rating.Difficulty})
	}
	return &Before{last, change(then.Reported, now.Reported), change(then.Fell, now.Fell)}, nil
}
