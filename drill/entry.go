package drill

import (
	"context"
	"slices"

	"kenshin/drill/domain"
	"kenshin/drill/roster"
	"kenshin/facility"
	"kenshin/fault"
)

// Owned refuses addresses whose domain is not proven to be the hospital's own now: for reading lists.
func (b *Book) Owned(ctx context.Context, f facility.ID) (roster.Verified, error) {
	domains, err := b.Domains(ctx, f)
	return func(address string) error { return domain.Covers(domains, address, b.now()) }, err
}

// TakeRoster puts the good rows of a list among the recipients. With leave, staff who are not named are taken off: the list is the whole staff.
func (b *Book) TakeRoster(ctx context.Context, f facility.ID, list roster.List, role PersonRole, leave bool) (added, changed int, err error) {
	switch {
	case !slices.Contains([]PersonRole{Staff, Canary, Tester}, role):
		return 0, 0, fault.New(fault.Invalid, "何に使うかを選んでください。", "Choose what they are for.")
	case len(list.Recipients) == 0:
		return 0, 0, fault.New(fault.Invalid, "登録できる人がいません。列の意味か、ファイルを直してください。", "Nobody can be taken. Change the columns or the file.")
	case leave && role != Staff:
		return 0, 0, fault.New(fault.Invalid, "「職員の全員」の印は、職員の一覧だけに付けられます。", "Only a list of staff can be the whole staff.")
	}
	people := make([]Person, len(list.Recipients))
	for i, r := range list.Recipients {
		people[i] = Person{Address: r.Email, Surname: r.Family, Given: r.Given, Reading: r.Kana, Department: r.Department, Job: r.Job, Role: role}
		if r.Family == "" && r.Given == "" {
			people[i].Surname = r.Name
		}
	}
	return b.SavePeople(ctx, f, people, leave)
}
