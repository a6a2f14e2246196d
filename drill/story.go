package drill

import (
	"cmp"
	"context"
	"slices"
	"time"

	"kenshin/drill/hit"
	"kenshin/drill/rate"
	"kenshin/facility"
	"kenshin/i18n"
)

// inDetail is how many recipients of a period are read one by one, for times and curves: the newest drills come first.
const inDetail = 20_000

// Story is the drills of a period together.
type Story struct {
	Sums     Sums
	Drills   []Chapter     // the newest first
	Times    Times         // of the newest drills, as many as are read one by one
	Detailed int           // how many these are
	Firsts   []rate.Time   // from the first mail to the first report, of each of these
	Canary   hit.FalseHits // of these
	Unjudged int           // drills with arrivals that were not judged yet
	Warning  i18n.Text     // drills of different difficulty are added up; empty when none are
}

// Chapter is one drill of a period.
type Chapter struct {
	Drill    Drill
	Totals   Totals // Hidden where so few people were reached that only the mails are told
	First    time.Duration
	Reported bool             // First is known
	Before   string           // id of the drill before of like difficulty in the period
	Change   *rate.Comparison // of the report rate since; nil: there is none to compare with
}

func (l Chapter) of(count int) rate.Drill {
	return rate.Drill{Rate: rate.Rate{Count: count, Of: l.Totals.Reached()}, Difficulty: l.Drill.Rating.Difficulty}
}

func (l Chapter) like(o Chapter) bool {
	return o.Drill.Mode == l.Drill.Mode && o.Drill.Rating.Difficulty == l.Drill.Rating.Difficulty && l.Drill.Rating.Difficulty != ""
}

// Story tells the drills of a period.
func (b *Book) Story(ctx context.Context, f facility.ID, p Period) (s Story, err error) {
	if s.Sums, err = b.Totals(ctx, f, p); err != nil {
		return s, err
	}
	all, err := b.List(ctx, f, Sending, Paused, Sent, Closed, Withdrawn)
	if err != nil {
		return s, err
	}
	drills := map[string]Drill{}
	for _, d := range all {
		drills[d.ID] = d
	}
	dirty, err := b.Dirty(ctx, f)
	if err != nil {
		return s, err
	}
	for _, id := range dirty {
		if _, here := drills[id]; here {
			s.Unjudged++
		}
	}
	for _, t := range s.Sums.ByDrill {
		if d, known := drills[t.Drill]; known {
			s.Drills = append(s.Drills, Chapter{Drill: d, Totals: t})
		}
	}
	slices.SortFunc(s.Drills, func(a, b Chapter) int {
		return cmp.Or(b.Drill.Started.Compare(a.Drill.Started), cmp.Compare(b.Drill.ID, a.Drill.ID))
	})
	if !p.Brief {
		if err := b.detail(ctx, f, &s); err != nil {
			return s, err
		}
	}
	s.compare()
	return s, nil
}

// detail reads the recipients of the newest drills one by one. Times of a drill of few people would be single persons'.
func (b *Book) detail(ctx context.Context, f facility.ID, s *Story) error {
	for i := range s.Drills {
		l := &s.Drills[i]
		if l.Totals.Hidden {
			continue
		}
		if s.Detailed > 0 && len(s.Times.Reports)+l.Totals.Reached() > inDetail {
			return nil
		}
		list, err := b.moments(ctx, f, l.Drill.ID)
		if err != nil {
			return err
		}
		wrong, err := b.decoys(ctx, f, l.Drill.ID)
		if err != nil {
			return err
		}
		one := TimesOf(l.Drill, list, b.now())
		s.Detailed++
		s.Times.Reports, s.Times.Falls, s.Times.QR = append(s.Times.Reports, one.Reports...), append(s.Times.Falls, one.Falls...), append(s.Times.QR, one.QR...)
		s.Firsts = append(s.Firsts, rate.Time{After: one.First, Seen: one.Reported})
		s.Canary = hit.FalseHits{Canaries: s.Canary.Canaries + wrong.Canaries, Reached: s.Canary.Reached + wrong.Reached, Person: s.Canary.Person + wrong.Person, Unsure: s.Canary.Unsure + wrong.Unsure}
		l.First, l.Reported = one.First, one.Reported && l.Totals.shown()
	}
	return nil
}

// compare sets each drill against the one before it of the same kind and difficulty, and warns where unlike ones are added up.
func (s *Story) compare() {
	for i := range s.Drills {
		l := &s.Drills[i]
		for _, o := range s.Drills[:i] {
			if c := rate.Compare(o.of(o.Totals.Reported), l.of(l.Totals.Reported)); !c.Like && o.Drill.Rating.Difficulty != l.Drill.Rating.Difficulty && s.Warning.Ja == "" {
				s.Warning = c.Warning
			}
		}
		if j := slices.IndexFunc(s.Drills[i+1:], l.like); j >= 0 {
			o := s.Drills[i+1+j]
			c := rate.Compare(o.of(o.Totals.Reported), l.of(l.Totals.Reported))
			l.Before, l.Change = o.Drill.ID, &c
		}
	}
}
