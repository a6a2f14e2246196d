package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"kenshin/catalogue"
)

func embedded(t testing.TB) catalogue.Set {
	t.Helper()
	s, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What an inspector would be handed must not claim more than was seen: an own question has no official number, a number has its source and mark.
func TestNothingUnconfirmedLooksOfficial(t *testing.T) {
	official := 0
	for _, c := range embedded(t).All() {
		for _, i := range c.Items {
			if i.Source == "" {
				t.Errorf("%s says nothing of its source", i.ID)
			}
			if i.Standing() == catalogue.Own && i.Number != "" {
				t.Errorf("%s is our own and carries the number %s", i.ID, i.Number)
			}
			if i.Number != "" && i.Numbering == "" {
				t.Errorf("%s has a number of unknown confidence", i.ID)
			}
			if (i.Wording != catalogue.Official || i.Number != "" && i.Numbering != catalogue.Official) && i.Standing().Label().Ja == "" {
				t.Errorf("%s is not confirmed and carries no mark", i.ID)
			}
			if i.Standing() == catalogue.Confirmed {
				official++
			}
		}
		if c.Origin == catalogue.OriginOwn && c.Standing() != catalogue.Own {
			t.Errorf("%s is our own but stands as %s", c.ID, c.Standing())
		}
	}
	if official == 0 {
		t.Error("nothing at all is official: the marks cannot be right")
	}
}

// The counts that are published: 1 + 18 rows in every edition of the facility's form, 1-13-3-1 by section in R7; 14 gates; 23 questions of the visit.
func TestPublishedCounts(t *testing.T) {
	s := embedded(t)
	for id, want := range map[string]int{"checklist-r5-facility": 19, "checklist-r6-facility": 19, "checklist-r7-facility": 19, "level-gates": 14, "visit-23": 23} {
		c, ok := s.Find(id)
		if !ok || len(c.Items) != want {
			t.Errorf("%s has %d items, want %d", id, len(c.Items), want)
		}
	}
	r7, _ := s.Find("checklist-r7-facility")
	section := map[string]int{}
	for _, i := range r7.Items {
		section[i.Section]++
	}
	if section["1"] != 1 || section["2"] != 13 || section["3"] != 3 || section["4"] != 1 {
		t.Errorf("by section: %v", section)
	}
	r5, _ := s.Find("checklist-r5-facility")
	due := map[int]int{}
	for _, i := range r5.Items {
		if i.Number != "" {
			due[r5.DueYear(i)]++
		}
	}
	if due[2023] != 10 || due[2024] != 8 {
		t.Errorf("R5 had 10 rows due in FY2023 and 8 in FY2024, not %v", due)
	}
	for level, want := range []int{4, 4, 5, 1} {
		gates, _ := s.Find("level-gates")
		n := 0
		for _, i := range gates.Items {
			if i.Gate.Level == level {
				n++
			}
		}
		if n != want {
			t.Errorf("level %d has %d gates, the report's table has %d measures", level, n, want)
		}
	}
}

// Somebody who has never heard the words must find an explanation, whom to ask and how long it takes; for every question of はい or いいえ, whatever the
// kind of catalogue, examples and the common misreading too, its own or those of the item that explains it; for the checklist the papers that show it.
func TestEveryItemExplainsItself(t *testing.T) {
	yesNo := map[catalogue.Kind]bool{}
	for _, c := range embedded(t).All() {
		for _, i := range c.Items {
			if i.Plain.Ja == "" || i.Plain.En == "" || i.Minutes == 0 || len(i.Ask) == 0 {
				t.Errorf("%s lacks its explanation, minutes or whom to ask", i.ID)
			}
			if i.Answer.Kind == catalogue.YesNo && (len(i.Counts) == 0 || i.Misread.Ja == "" || i.Misread.En == "") {
				t.Errorf("%s lacks examples or the common misreading", i.ID)
			}
			if c.Kind == catalogue.Checklist && len(i.Evidence) == 0 {
				t.Errorf("%s lacks papers", i.ID)
			}
			yesNo[c.Kind] = yesNo[c.Kind] || i.Answer.Kind == catalogue.YesNo
			if c.Kind == catalogue.Gates && len(i.Checks) == 0 {
				t.Errorf("%s cannot be proven by anything: its level could never be reached by evidence", i.ID)
			}
		}
	}
	for _, k := range []catalogue.Kind{catalogue.Checklist, catalogue.Gates, catalogue.Beyond, catalogue.Move, catalogue.BCP, catalogue.Roles, catalogue.Duties, catalogue.Audit} {
		if !yesNo[k] {
			t.Errorf("kind %s asks no question of yes or no", k)
		}
	}
}

// New in R7 by every source: password length, reuse, USB, two-factor, written rules. Nothing was dropped.
func TestR7AgainstR6(t *testing.T) {
	s := embedded(t)
	old, _ := s.Find("checklist-r6-facility")
	next, _ := s.Find("checklist-r7-facility")
	by := map[catalogue.Change][]string{}
	for _, step := range catalogue.Compare(old, next) {
		i, _, _ := s.Item(step.To)
		by[step.Change] = append(by[step.Change], i.Concept)
	}
	if got := strings.Join(by[catalogue.Added], " "); got != "password-strength password-reuse usb-control two-factor rules" {
		t.Errorf("new: %s", got)
	}
	if got := strings.Join(by[catalogue.Merged], " "); got != "access-rights unneeded-accounts patching background-services" {
		t.Errorf("merged: %s", got)
	}
	if len(by[catalogue.Dropped])+len(by[catalogue.Split]) != 0 {
		t.Errorf("dropped or split: %v", by)
	}
	if line := s.Line("r7.2.6"); len(line) != 7 || !slices.Contains(line, "r5.2.7-network") {
		t.Errorf("patching comes from %v", line)
	}
}

func TestNewestEditionIsFound(t *testing.T) {
	s := embedded(t)
	for form, want := range map[catalogue.Form]string{catalogue.FacilityForm: "checklist-r7-facility", catalogue.VendorForm: "checklist-r7-vendor", catalogue.PharmacyForm: "checklist-r7-pharmacy"} {
		if c, ok := s.Newest(catalogue.Checklist, form); !ok || c.ID != want {
			t.Errorf("newest for %s is %s", form, c.ID)
		}
	}
	for _, k := range catalogue.Kinds() {
		found := false
		for _, c := range s.All() {
			found = found || c.Kind == k
			if len(c.SHA256) != 64 {
				t.Errorf("%s has no digest", c.ID)
			}
		}
		if !found {
			t.Errorf("no catalogue of kind %s", k)
		}
	}
}

func TestFiguresSayWhereTheyComeFrom(t *testing.T) {
	f := tables(t).Figures
	for _, g := range f.Figures {
		if !g.Secondary() {
			t.Errorf("%s: the survey's own report was not seen, so it must be marked", g.ID)
		}
	}
	officer := f.About("officer")
	if len(officer) != 1 || officer[0].Classes[catalogue.ClassOf(350)] != 84 || f.Inquiry(officer[0]).Asked != 8117 {
		t.Errorf("officer: %+v", officer)
	}
	if p, of := f.About("two-factor")[0].Share(catalogue.ClassOf(120)); p != 11 || of.Ja != "全病院" {
		t.Errorf("where a class was not published, all hospitals stand in and say so: %d %s", p, of.Ja)
	}
	if bcp := f.About("it-bcp"); len(bcp) != 2 || bcp[0].All != 57 || bcp[1].All != 27 {
		t.Errorf("the newest survey comes first: %+v", bcp)
	}
	for beds, want := range map[int]catalogue.BedClass{0: "", 19: "", 20: "20-99", 99: "20-99", 100: "100-199", 299: "200-299", 499: "400-499", 500: "500+", 1376: "500+"} {
		if got := catalogue.ClassOf(beds); got != want {
			t.Errorf("%d beds are %q, want %q", beds, got, want)
		}
	}
}

// Every level, pattern and bed class has at least one recommended configuration with a cost, and what is recommended needs no higher level.
func TestEveryHospitalHasAConfiguration(t *testing.T) {
	all := tables(t).Configs
	patterns := tables(t).Patterns
	for level := -1; level <= 3; level++ {
		for _, p := range patterns {
			for _, class := range append(catalogue.BedClasses(), "") {
				fits := 0
				for _, c := range all {
					if c.Fits(level, p.ID, class) {
						fits++
						if _, ok := c.Cost(class); !ok {
							t.Errorf("%s has no cost for %q", c.ID, class)
						}
					}
				}
				if fits == 0 {
					t.Errorf("nothing for level %d, pattern %s, class %q", level, p.ID, class)
				}
			}
		}
	}
}

// tables are what the product ships beside the questions.
func tables(t *testing.T) catalogue.Tables {
	t.Helper()
	s, err := catalogue.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
