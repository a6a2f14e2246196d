package scenario_test

import (
	"strings"
	"testing"

	"kenshin/drill/letter"
	"kenshin/drill/scale"
	"kenshin/drill/scenario"
)

func load(t *testing.T) (scenario.Catalogue, scenario.Rules) {
	t.Helper()
	c, err := scenario.Load()
	if err != nil {
		t.Fatal(err)
	}
	r, err := scenario.LoadRules()
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

func TestEveryScenarioMayBeSent(t *testing.T) {
	c, r := load(t)
	for _, s := range c.Scenarios {
		for _, err := range s.Check(r) {
			t.Error(err)
		}
	}
}

// The difficulty that stands in the file is what the worksheet gives, reckoned here once more by scale itself.
func TestStatedDifficultyIsTheMeasuredOne(t *testing.T) {
	c, _ := load(t)
	for _, s := range c.Scenarios {
		for _, m := range s.Mails {
			r := scale.Rate(scale.Tally(m.Cues), m.Premise)
			if r.Difficulty != m.Difficulty || scenario.LevelOf(r.Difficulty) != m.Level {
				t.Errorf("%s %s: states %s, measured %s (%d cues, premise %d)", s.ID, m.Level, m.Difficulty, r.Difficulty, r.Cues, r.Premise)
			}
		}
	}
}

func TestBrandsIdsAndSubjectsAreUnique(t *testing.T) {
	c, _ := load(t)
	brands, subjects := map[string]string{}, map[string]string{}
	for _, s := range c.Scenarios {
		if other, ok := brands[s.Brand]; ok {
			t.Errorf("%s and %s share the brand %s", s.ID, other, s.Brand)
		}
		brands[s.Brand] = s.ID
		for _, m := range s.Mails {
			if other, ok := subjects[m.Subject]; ok {
				t.Errorf("%s and %s share the subject %s", s.ID, other, m.Subject)
			}
			subjects[m.Subject] = s.ID
		}
		if again, ok := c.Find(s.ID); !ok || again.Brand != s.Brand {
			t.Errorf("%s: not found by its id, or twice", s.ID)
		}
	}
}

// Two mails that share most of their lines would teach the mail, not the cues.
func TestMailsDifferFromEachOther(t *testing.T) {
	c, _ := load(t)
	type line struct{ text, where string }
	seen := map[string]line{}
	for _, s := range c.Scenarios {
		for _, m := range s.Mails {
			for l := range strings.Lines(m.Text) {
				l = strings.TrimSpace(l)
				if len(l) < 3*18 { // short lines (greetings, thanks) are common to all letters
					continue
				}
				if o, ok := seen[l]; ok && o.where != s.ID+" "+string(m.Level) {
					t.Errorf("%s %s repeats a line of %s: %s", s.ID, m.Level, o.where, l)
				}
				seen[l] = line{l, s.ID + " " + string(m.Level)}
			}
		}
	}
}

func TestCatalogueServesEverybodyAllYear(t *testing.T) {
	c, _ := load(t)
	if len(c.Scenarios) < 24 {
		t.Errorf("%d scenarios", len(c.Scenarios))
	}
	audience, landing, kind, allYear := map[scenario.Audience]bool{}, map[scenario.Landing]bool{}, map[string]bool{}, 0
	for _, s := range c.Scenarios {
		for _, a := range s.For {
			audience[a] = true
		}
		landing[s.Landing] = true
		for _, m := range s.Mails {
			if m.Attachment != nil {
				kind[m.Attachment.Kind] = true
			}
		}
		if len(s.Season.Months) == 0 {
			allYear++
		}
	}
	for _, a := range scenario.Audiences() {
		if !audience[a] {
			t.Errorf("no scenario for %s", a)
		}
	}
	for _, l := range scenario.Landings() {
		if !landing[l] {
			t.Errorf("no scenario leads to %s", l)
		}
	}
	for _, k := range []string{"html", "docx", "xlsx", "pdf", "ics", "qr"} {
		if !kind[k] {
			t.Errorf("no scenario has a %s", k)
		}
	}
	for month := 1; month <= 12; month++ {
		n := 0
		for _, s := range c.Scenarios {
			if s.Season.Fits(month) {
				n++
			}
		}
		if n < 12 {
			t.Errorf("only %d scenarios fit month %d", n, month)
		}
	}
}

// A mail must say something to its reader: no two levels of a scenario may be the same letter with a word changed.
func TestLevelsAreWrittenApart(t *testing.T) {
	c, _ := load(t)
	for _, s := range c.Scenarios {
		for i, a := range s.Mails {
			for _, b := range s.Mails[i+1:] {
				if a.Sender.Local == b.Sender.Local || a.Text == b.Text {
					t.Errorf("%s: %s and %s are the same", s.ID, a.Level, b.Level)
				}
			}
		}
	}
}

// What fills the placeholders is package letter: both must know the same ones.
func TestPlaceholdersAreThoseOfTheLetter(t *testing.T) {
	var names []string
	for _, n := range letter.Names() {
		names = append(names, n.Ja, n.En)
	}
	if got := strings.Join(scenario.Placeholders(), " "); !strings.EqualFold(got, strings.Join(names, " ")) {
		t.Errorf("here %s, in letter %s", got, strings.Join(names, " "))
	}
	c, _ := load(t)
	for _, s := range c.Scenarios {
		for _, m := range s.Mails {
			for _, text := range []string{m.Subject, m.Text, m.HTML} {
				if _, err := letter.ParseTemplate(text); err != nil {
					t.Errorf("%s %s: %v", s.ID, m.Level, err)
				}
			}
		}
	}
}
