package register

import (
	"slices"
	"strings"

	"kenshin/jp"
)

// Left is an account that is still there though its holder has left.
type Left struct {
	Leaver  Row
	Account Row
	ByName  bool // by the name alone: it may be somebody else of the same name
}

// Excused reports whether somebody wrote why the account is kept.
func (l Left) Excused() bool { return l.Account.Values["excuse"] != "" }

// Departed knows who has left, for accounts and names that are held against the list of leavers.
type Departed struct{ byName, byNumber map[string][]Row }

// DepartedBy reads the list (rows of "leavers") as of a day ("2026-11-21"). Whose last day is not over yet still works here.
func DepartedBy(leavers []Row, today string) Departed {
	d := Departed{map[string][]Row{}, map[string][]Row{}}
	for _, l := range leavers {
		if left := lastDay(l.Values["left"]); left == "" || left >= today {
			continue
		}
		if n := staffNo(l.Values["staff_no"]); n != "" {
			d.byNumber[n] = append(d.byNumber[n], l)
		}
		if key := PersonKey(l.Values["name"]); key != "" {
			d.byName[key] = append(d.byName[key], l)
		}
	}
	return d
}

// Find returns who of the list somebody is. Staff numbers decide where both have one: then a shared name means nothing. Otherwise names are
// compared however they are written (髙﨑 = 高崎, full and half width, spaces, brackets), and departments where both have one. byName warns that
// it may be somebody else of the same name.
func (d Departed) Find(name, number, department string) (leaver Row, byName, found bool) {
	if number = staffNo(number); number != "" && len(d.byNumber[number]) > 0 {
		return d.byNumber[number][0], false, true
	}
	department = jp.Fold(department)
	for _, l := range d.byName[PersonKey(name)] {
		theirs := jp.Fold(l.Values["department"])
		if (number == "" || staffNo(l.Values["staff_no"]) == "") && (department == "" || theirs == "" || department == theirs) {
			return l, true, true
		}
	}
	return Row{}, false, false
}

// StillThere matches leavers (rows of "leavers") with enabled accounts (rows of "accounts"), in the order of the leavers.
func StillThere(leavers, accounts []Row, today string) (out []Left) {
	departed, place := DepartedBy(leavers, today), map[string]int{}
	for i, l := range leavers {
		place[l.ID] = i
	}
	for _, a := range accounts {
		if a.Values["enabled"] == "no" {
			continue
		}
		if l, byName, found := departed.Find(a.Values["name"], a.Values["staff_no"], a.Values["department"]); found {
			out = append(out, Left{Leaver: l, Account: a, ByName: byName})
		}
	}
	slices.SortStableFunc(out, func(a, b Left) int { return place[a.Leaver.ID] - place[b.Leaver.ID] })
	return out
}

// Dormant returns the enabled accounts that nobody used for so many days before today. Accounts without a date are not among them.
func Dormant(accounts []Row, days int, today string) (out []Row) {
	for _, a := range accounts {
		if last := a.Values["last_used"]; a.Values["enabled"] != "no" && last != "" && addDays(lastDay(last), days) < today {
			out = append(out, a)
		}
	}
	return out
}

// PersonKey is what the writings of one name have in common.
func PersonKey(name string) string {
	key := jp.Fold(name)
	for _, b := range [][2]string{{"(", ")"}, {"[", "]"}, {"【", "】"}} {
		if before, rest, ok := strings.Cut(key, b[0]); ok {
			_, after, _ := strings.Cut(rest, b[1])
			key = before + after
		}
	}
	return strings.TrimSuffix(strings.TrimSuffix(key, "様"), "先生")
}

// staffNo drops zeros at the front, which Excel does too.
func staffNo(s string) string { return strings.TrimLeft(jp.Fold(s), "0") }
