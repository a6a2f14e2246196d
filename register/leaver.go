package register

import (
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

// StillThere matches leavers (rows of "leavers") with enabled accounts (rows of "accounts"). Staff numbers decide where both have one: then
// a shared name means nothing. Otherwise names are compared however they are written (髙﨑 = 高崎, full and half width, spaces, brackets).
// Who leaves after today ("2026-11-21") is not counted.
func StillThere(leavers, accounts []Row, today string) (out []Left) {
	byName, byNumber := map[string][]Row{}, map[string][]Row{}
	for _, a := range accounts {
		if a.Values["enabled"] == "no" {
			continue
		}
		if n := staffNo(a.Values["staff_no"]); n != "" {
			byNumber[n] = append(byNumber[n], a)
		}
		if key := PersonKey(a.Values["name"]); key != "" {
			byName[key] = append(byName[key], a)
		}
	}
	for _, l := range leavers {
		if lastDay(l.Values["left"]) > today {
			continue
		}
		number, found := staffNo(l.Values["staff_no"]), map[string]bool{}
		if number != "" {
			for _, a := range byNumber[number] {
				found[a.ID] = true
				out = append(out, Left{Leaver: l, Account: a})
			}
		}
		for _, a := range byName[PersonKey(l.Values["name"])] {
			if found[a.ID] || number != "" && staffNo(a.Values["staff_no"]) != "" {
				continue
			}
			out = append(out, Left{Leaver: l, Account: a, ByName: true})
		}
	}
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
