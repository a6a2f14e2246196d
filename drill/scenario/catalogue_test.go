package scenario_test

import (
	"strings"
	"testing"

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
