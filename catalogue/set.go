package catalogue

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"kenshin/fault"
)

//go:embed data/*.yaml
var embedded embed.FS

// Set is a number of catalogues that fit together: ids are unique, lineages lead to items that exist and never in a circle.
type Set struct {
	all    []Catalogue
	byID   map[string]int    // catalogue's id -> index in all
	byItem map[string][2]int // item's id -> indices
}

// Embedded reads the catalogues that come with the product.
func Embedded() (Set, error) {
	sub, err := fs.Sub(embedded, "data")
	if err != nil {
		return Set{}, err
	}
	return Load(sub)
}

// Load reads every *.yaml file at the root of a file system, and checks that they fit together.
func Load(fsys fs.FS) (Set, error) {
	known, err := LoadChecks()
	if err != nil {
		return Set{}, err
	}
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return Set{}, err
	}
	var all []Catalogue
	for _, n := range names {
		f, err := fsys.Open(n)
		if err != nil {
			return Set{}, fmt.Errorf("open catalogue %s: %w", n, err)
		}
		c, err := parse(n, f, known)
		_ = f.Close() // only read
		if err != nil {
			return Set{}, err
		}
		all = append(all, c)
	}
	return New(all...)
}

// New makes a set. The error holds Mistakes with file and line: an id that is used twice, an edition or an item that does not exist, a circle.
func New(all ...Catalogue) (Set, error) {
	s := Set{all: slices.Clone(all), byID: map[string]int{}, byItem: map[string][2]int{}}
	found := twins(all)
	slices.SortStableFunc(s.all, func(a, b Catalogue) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds(), a.Kind), slices.Index(Kinds(), b.Kind)), cmp.Compare(slices.Index(Forms(), a.Form), slices.Index(Forms(), b.Form)),
			cmp.Compare(b.FiscalYear, a.FiscalYear), cmp.Compare(a.ID, b.ID))
	})
	for n, c := range s.all {
		s.all[n].Items = slices.Clone(c.Items) // explanations are filled in below
		s.byID[c.ID] = n
		for at, i := range c.Items {
			s.byItem[i.ID] = [2]int{n, at}
		}
	}
	for _, c := range s.all {
		found = append(found, s.links(c)...)
	}
	if len(found) == 0 {
		found = s.circles()
	}
	if len(found) == 0 { // explain would run in a circle for ever
		found = s.explain()
	}
	if err := found.fault(fault.Invalid); err != nil {
		return Set{}, err
	}
	return s, nil
}

// twins finds ids that are used twice; the later catalogue is blamed.
func twins(all []Catalogue) Mistakes {
	var found Mistakes
	ids, items := map[string]bool{}, map[string]string{}
	for _, c := range all {
		if ids[c.ID] {
			found = append(found, c.places.mistake("表の id「"+c.ID+"」はほかのファイルにもあります。", "the catalogue id “"+c.ID+"” is in another file too", "id"))
		}
		ids[c.ID] = true
		for at, i := range c.Items {
			if other, twice := items[i.ID]; twice {
				found = append(found, c.places.mistake("質問の id「"+i.ID+"」は「"+other+"」にもあります。", "the item id “"+i.ID+"” is in “"+other+"” too", "items", at, "id"))
			}
			items[i.ID] = c.ID
		}
	}
	return found
}

// With returns the set with one more catalogue, or with a newer text of one that it has (same id).
func (s Set) With(c Catalogue) (Set, error) {
	rest := slices.DeleteFunc(slices.Clone(s.all), func(o Catalogue) bool { return o.ID == c.ID })
	return New(append(rest, c)...)
}

// links finds what a catalogue names and the set does not have.
func (s Set) links(c Catalogue) Mistakes {
	var found Mistakes
	if c.Previous != "" {
		p, ok := s.Find(c.Previous)
		switch {
		case !ok:
			found = append(found, c.places.mistake("前の版「"+c.Previous+"」という表はありません。", "there is no edition “"+c.Previous+"”", "previous"))
		case p.Kind != c.Kind || p.Form != c.Form:
			found = append(found, c.places.mistake("前の版「"+c.Previous+"」は別の種類の表です。", "“"+c.Previous+"” is another kind of catalogue", "previous"))
		case p.FiscalYear > c.FiscalYear || p.FiscalYear == c.FiscalYear && p.Published > c.Published:
			found = append(found, c.places.mistake("前の版「"+c.Previous+"」のほうが新しい版です。", "“"+c.Previous+"” is newer than this edition", "previous"))
		}
	}
	for n, i := range c.Items {
		for at, id := range i.From {
			place, ok := s.byItem[id]
			switch {
			case !ok:
				found = append(found, c.places.mistake("系譜の元「"+id+"」という質問はありません。", "lineage leads to “"+id+"”, which does not exist", "items", n, "from", at))
			case c.Previous == "" || s.all[place[0]].ID != c.Previous && s.all[place[0]].ID != c.ID:
				found = append(found, c.places.mistake("系譜の元「"+id+"」は、前の版（previous: "+c.Previous+"）の質問ではありません。", "“"+id+"” is not an item of the previous edition ("+c.Previous+")", "items", n, "from", at))
			}
		}
		if _, ok := s.byItem[i.Explain]; i.Explain != "" && !ok {
			found = append(found, c.places.mistake("説明を借りる質問「"+i.Explain+"」はありません。", "explain names “"+i.Explain+"”, which does not exist", "items", n, "explain"))
		}
		for at, id := range i.Relates {
			if _, ok := s.byItem[id]; !ok && !s.concept(id) {
				found = append(found, c.places.mistake("関係する質問「"+id+"」はありません。", "relates names “"+id+"”, which is neither an item nor a concept", "items", n, "relates", at))
			}
		}
	}
	return found
}

func (s Set) concept(name string) bool {
	return slices.ContainsFunc(s.all, func(c Catalogue) bool {
		return slices.ContainsFunc(c.Items, func(i Item) bool { return i.Concept == name })
	})
}

// circles finds lineages, chains of editions and explanations that lead back to where they began.
func (s Set) circles() Mistakes {
	var found Mistakes
	for _, c := range s.all {
		seen := map[string]bool{}
		for at := c.ID; at != ""; at = s.all[s.byID[at]].Previous {
			if seen[at] {
				found = append(found, c.places.mistake("前の版（previous）をたどると、一周して戻ります。", "following previous leads round in a circle", "previous"))
				break
			}
			seen[at] = true
		}
		for n, i := range c.Items {
			for _, next := range []struct {
				field, ja, en string
				of            func(Item) []string
			}{
				{"from", "系譜（from）をたどると、一周して自分に戻ります。", "following from leads back to this item", func(i Item) []string { return i.From }},
				{"explain", "説明（explain）をたどると、一周して自分に戻ります。", "following explain leads back to this item", func(i Item) []string { return explains(i) }},
			} {
				if s.reaches(i, i.ID, next.of) {
					found = append(found, c.places.mistake(next.ja, next.en, "items", n, next.field))
				}
			}
		}
	}
	return found
}

func explains(i Item) []string {
	if i.Explain == "" {
		return nil
	}
	return []string{i.Explain}
}

// reaches walks from an item to an id; each item is looked at once.
func (s Set) reaches(from Item, id string, next func(Item) []string) bool {
	seen, todo := map[string]bool{}, next(from)
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		if at == id {
			return true
		}
		if place, ok := s.byItem[at]; ok && !seen[at] {
			seen[at] = true
			todo = append(todo, next(s.all[place[0]].Items[place[1]])...)
		}
	}
	return false
}

// explain fills in what items borrow from others. Each link is followed to its end, so the order does not matter; there must be no circle.
func (s Set) explain() Mistakes {
	var found Mistakes
	for n := range s.all {
		for at := range s.all[n].Items {
			i := &s.all[n].Items[at]
			for from := *i; from.Explain != ""; {
				place := s.byItem[from.Explain]
				from = s.all[place[0]].Items[place[1]]
				i.borrow(from)
			}
			if strings.TrimSpace(i.Plain.Ja) == "" {
				found = append(found, s.all[n].places.mistake("借りた先にも、やさしい説明がありません。", "the item it borrows from has no explanation either", "items", at, "explain"))
			}
		}
	}
	return found
}

// borrow takes what i lacks.
func (i *Item) borrow(o Item) {
	if i.Plain.Ja == "" {
		i.Plain = o.Plain
	}
	if i.Misread.Ja == "" {
		i.Misread = o.Misread
	}
	if i.Skip.Ja == "" {
		i.Skip = o.Skip
	}
	if len(i.Counts) == 0 {
		i.Counts = o.Counts
	}
	if len(i.Evidence) == 0 {
		i.Evidence = o.Evidence
	}
	if len(i.Ask) == 0 {
		i.Ask = o.Ask
	}
	if i.Checks == nil { // checks: [] says that none applies here
		i.Checks = o.Checks
	}
	if len(i.Clauses) == 0 {
		i.Clauses = o.Clauses
	}
	i.Minutes = cmp.Or(i.Minutes, o.Minutes)
}

// All returns the catalogues by kind, form and year, the newest first.
func (s Set) All() []Catalogue { return slices.Clone(s.all) }

// Find returns the catalogue of an id.
func (s Set) Find(id string) (Catalogue, bool) {
	n, ok := s.byID[id]
	if !ok {
		return Catalogue{}, false
	}
	return s.all[n], true
}

// Item returns an item and the id of its catalogue.
func (s Set) Item(id string) (Item, string, bool) {
	place, ok := s.byItem[id]
	if !ok {
		return Item{}, "", false
	}
	return s.all[place[0]].Items[place[1]], s.all[place[0]].ID, true
}

// Newest returns the newest edition of a kind and form.
func (s Set) Newest(k Kind, f Form) (Catalogue, bool) {
	n := slices.IndexFunc(s.all, func(c Catalogue) bool { return c.Kind == k && c.Form == f })
	if n < 0 {
		return Catalogue{}, false
	}
	return s.all[n], true
}
