package assess

import (
	"context"

	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
)

// LevelView is the flowchart of the levels as a facility stands on it: 「申告では2、証拠では1」, and the shortest way up.
type LevelView struct {
	Standing
	Gates Assessment // the gates with their answers and evidence
	Next  []Action   // at most three
}

// Level says where a facility stands on the levels of network control, by what people claim and by what the evidence shows.
func (b *Book) Level(ctx context.Context, f facility.ID) (LevelView, error) {
	set, err := b.Catalogues(ctx, f)
	if err != nil {
		return LevelView{}, err
	}
	gates, ok := set.Newest(catalogue.Gates, catalogue.FacilityForm)
	if !ok {
		return LevelView{}, fault.New(fault.NotFound, "レベルの関門の定義がありません。", "The gates of the levels are not defined.")
	}
	checklist, _ := set.Newest(catalogue.Checklist, catalogue.FacilityForm)
	a, err := b.Assessment(ctx, f, gates.ID, "")
	if err != nil {
		return LevelView{}, err
	}
	all := a.Answered()
	return LevelView{Standing: Levels(all, a.At), Gates: a, Next: NextActions(all, checklist, 3, a.At)}, nil
}

// Answered returns the items as the rounds and the levels take them.
func (a *Assessment) Answered() []Answered {
	out := make([]Answered, len(a.Items))
	for n, i := range a.Items {
		out[n] = i.Answered
	}
	return out
}

// Counts says how many items of a form are in each state.
func (a *Assessment) Counts() map[State]int {
	out := map[State]int{}
	for _, i := range a.Items {
		out[i.State]++
	}
	return out
}
