package drill

import (
	"context"

	"kenshin/drill/button"
	"kenshin/facility"
	"kenshin/store"
)

// Button says what the facility's report button is made of.
func (b *Book) Button(ctx context.Context, f facility.ID) (button.Spec, error) {
	s, err := b.Settings(ctx, f)
	if err != nil {
		return button.Spec{}, err
	}
	door, err := b.Door(ctx, f)
	if err != nil {
		return button.Spec{}, err
	}
	// the same settings make the same files, later ones a later version
	made := b.now()
	if s.Revision != 0 {
		made = store.Time(s.Revision)
	}
	name := s.Org
	if name == "" {
		house, err := b.houses.Facility(ctx, f)
		if err != nil {
			return button.Spec{}, err
		}
		name = house.Name
	}
	return button.Spec{House: string(f), Hospital: name, ReportTo: s.ReportTo, Base: s.Base, Door: door, Made: made}, nil
}

// ButtonAt is Button for the facility that a number in an address stands for; false when there is none, or it takes no reports.
func (b *Book) ButtonAt(ctx context.Context, door uint32) (button.Spec, bool, error) {
	f, known, err := b.house(ctx, door)
	if err != nil || !known {
		return button.Spec{}, false, err
	}
	s, err := b.Button(ctx, f)
	return s, err == nil && s.ReportTo != "", err
}
