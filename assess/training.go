package assess

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kenshin/i18n"
	"kenshin/jp"
)

// Trainee is somebody who finished a lesson of the mail drill, and when last.
type Trainee struct {
	ID, Name, Department string
	At                   time.Time
}

// Nameless are so many different people of a department who finished a lesson of one drill, whose names are forgotten.
type Nameless struct {
	Department string
	N          int
	At         time.Time // the first of them
}

// Training is what the mail drill's roll proves of the people who work here now.
type Training struct {
	People   []Trainee
	Nameless []Nameless
	Staff    map[string]int // people by department
}

// fewest is the smallest department that is told apart: of a smaller one a figure would be a name.
const fewest = 5

// trainingRoll counts people once, whether the register names them or the mail drill's roll does. N is how many are known to work here, or at
// least all whom the rolls name.
func trainingRoll(v *facts, days int) []result {
	everybody, took, named := map[string]bool{}, map[string]bool{}, map[string]string{}
	var fresh []entry
	a := v.age(v.rows["training"], days)
	for _, e := range append(slices.Clone(a.fresh), a.stale...) {
		everybody[personKey(e)] = true
		named[jp.Fold(e.values["name"])] = personKey(e)
	}
	for _, e := range a.fresh {
		if e.values["result"] != "absent" {
			took[personKey(e)] = true
			fresh = append(fresh, e)
		}
	}
	a.fresh = fresh
	done := map[string]int{} // by department, of the drill's lessons
	for _, p := range v.training.People {
		key := cmp.Or(named[jp.Fold(p.Name)], "drill "+p.ID) // the same name is taken for the same person: nobody counts twice
		everybody[key] = true
		x := v.age([]entry{{id: p.ID, day: dayIn(p.At.In(v.now.Location()), v.now.Location())}}, days)
		a.fresh, a.stale = append(a.fresh, x.fresh...), append(a.stale, x.stale...)
		if len(x.fresh) > 0 {
			took[key] = true
			done[p.Department]++
		}
	}
	n, of := len(took), max(len(everybody), v.staff)
	least := v.nameless(&a, done, days)
	if of == 0 {
		return nothing("研修の名簿がありません。", "There is no training roll.")
	}
	text := says("職員%[1]d人のうち%[2]d人が、この1年に研修を受けました。", "%[2]d of %[1]d people were trained within a year.", of, max(n, least))
	if least > n {
		text = says("職員%[1]d人のうち少なくとも%[2]d人が、この1年に研修を受けました（名前を消した記録を含みます）。", "At least %[2]d of %[1]d people were trained within a year (records without names among them).", of, least)
	}
	return []result{v.of(a, max(n, least), of, days, nil, v.trainingText(text, done))}
}

// nameless adds to each department the most people of one drill whose names are forgotten: those of two drills may be the same people. It
// returns how many people finished a lesson at least.
func (v *facts) nameless(a *aged, done map[string]int, days int) (least int) {
	most := map[string]Nameless{}
	for _, g := range v.training.Nameless {
		x := v.age([]entry{{day: dayIn(g.At.In(v.now.Location()), v.now.Location())}}, days)
		if a.stale = append(a.stale, x.stale...); len(x.fresh) > 0 && g.N > most[g.Department].N {
			most[g.Department] = g
		}
	}
	for _, name := range slices.Sorted(maps.Keys(most)) {
		if g := most[name]; g.N > done[name] {
			done[name] = g.N
			a.fresh = append(a.fresh, entry{day: dayIn(g.At.In(v.now.Location()), v.now.Location())})
		}
	}
	for _, n := range done {
		least += n
	}
	return least
}

// trainingText adds how far the drill's lessons came in each department.
func (v *facts) trainingText(text i18n.Text, done map[string]int) i18n.Text {
	var parts []string
	all := 0
	for _, name := range slices.Sorted(maps.Keys(v.training.Staff)) {
		all += done[name]
		if of := v.training.Staff[name]; of >= fewest && name != "" && len(parts) < 20 {
			parts = append(parts, fmt.Sprintf("%s %d/%d", name, done[name], of))
		}
	}
	if all == 0 {
		return text
	}
	text = i18n.Text{Ja: text.Ja + fmt.Sprintf("うち訓練メールの教材を終えた人 %d人。", all), En: text.En + fmt.Sprintf(" Of them %d finished a lesson of the mail drill.", all)}
	if len(parts) > 0 {
		text.Ja, text.En = text.Ja+"部署ごとの教材: "+strings.Join(parts, "、")+"。", text.En+" Lessons by department: "+strings.Join(parts, ", ")+"."
	}
	return text
}

func personKey(e entry) string {
	if e.values["staff_no"] != "" {
		return "#" + jp.Fold(e.values["staff_no"])
	}
	return jp.Fold(e.values["name"] + "|" + e.values["department"])
}
