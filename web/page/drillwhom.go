package page

import (
	"context"

	"github.com/a-h/templ"

	"kenshin/drill"
)

// DrillPersons are the single people of a compose form. Fields: who (what is searched), person (many, ids).
type DrillPersons struct {
	Chosen   []drill.Person // with an id alone: no longer on the list
	Rest     []drill.Person // chosen too, too many for a tick each
	Found    []drill.Person
	More     int // that fit the search as well
	Query    string
	Searched bool
}

// DrillPersonsPart is the single people alone, for htmx.
func DrillPersonsPart(s Shell, v DrillPersons) templ.Component { return part(s, drillPersons(v)) }

func personText(ctx context.Context, p drill.Person) string {
	if p.Address == "" {
		return t(ctx, "宛先の一覧から外れた人(送りません)", "no longer on the list of recipients (gets nothing)")
	}
	return join(first(p.Name(), p.Address), p.Department)
}
