package dock

import (
	"context"
	"slices"

	"kenshin/facility"
)

// Result is a dock laid beside the years before, as the result sheet and the director's page show it.
type Result struct {
	Dock
	Before     []Dock // the newest first, at most two
	Besides    []Beside
	Strengths  []Remark
	Weaknesses []Remark
	Years      []Year // the oldest first
}

// Result returns a dock with the two before it.
func (b *Book) Result(ctx context.Context, f facility.ID, id string) (r Result, err error) {
	if r.Dock, err = b.Get(ctx, f, id); err != nil {
		return r, err
	}
	if r.Before, err = b.Before(ctx, f, r.Number, 2); err != nil {
		return r, err
	}
	var old *Snapshot
	if len(r.Before) > 0 {
		old = &r.Before[0].Snapshot
	}
	r.Strengths, r.Weaknesses = Strengths(&r.Snapshot, old), Weaknesses(&r.Snapshot, old)
	if form, ok := r.Snapshot.Checklist(); ok {
		if old == nil {
			old = &Snapshot{}
		}
		r.Besides = Compare(form, old)
	}
	for _, d := range slices.Backward(r.Before) {
		r.Years = append(r.Years, TrendOf(&d.Snapshot))
	}
	r.Years = append(r.Years, TrendOf(&r.Snapshot))
	return r, nil
}
