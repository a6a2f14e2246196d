package drill

import (
	"strings"
	"testing"
	"time"

	"kenshin/i18n"
)

// chapter is a drill of a review: n people, who reported and who fell.
func chapter(day int, difficulty string, n, reported, fell int, cues ...string) Chapter {
	d := Drill{ID: difficulty + time.Date(2027, 4, day, 0, 0, 0, 0, time.UTC).Format("02"), Name: "訓練", Mode: Standard, Started: time.Date(2027, 4, day, 0, 0, 0, 0, time.UTC), Rating: Rating{Difficulty: difficulty}}
	for _, c := range cues {
		d.Rating.Cues = append(d.Rating.Cues, Cue{ID: c, Part: "text", Text: "x"})
	}
	return Chapter{Drill: d, Totals: Totals{Drill: d.ID, Sent: n, Reported: reported, Fell: fell}}
}

// A change is told only between drills of one kind and difficulty, from the oldest to the newest; drills of a handful of people are in none.
func TestATrendIsOfLikeDrills(t *testing.T) {
	course := chapter(9, "very", 50, 9, 9)
	course.Drill.Mode = ReportOnly
	few := chapter(8, "very", 4, 4, 0)
	few.Totals = few.Totals.hide()
	got := trends([]Chapter{course, few, chapter(7, "very", 100, 60, 5), chapter(6, "least", 100, 90, 1), chapter(5, "", 100, 1, 1), chapter(4, "very", 100, 30, 20), chapter(3, "", 100, 1, 1)})
	if len(got) != 1 || got[0].Difficulty != "very" || len(got[0].Drills) != 2 || got[0].Drills[0].Totals.Reported != 30 {
		t.Fatalf("%+v", got)
	}
	if c := got[0].Reported; !c.Like || c.Difference < 0.29 || c.Low <= 0 {
		t.Errorf("%+v", c)
	}
	if c := got[0].Fell; c.High >= 0 {
		t.Errorf("%+v", c)
	}
}

// The cue whose mails were fallen for most comes first, whatever number of drills it stood in; one that nobody fell for is not named.
func TestCuesMissedAcrossDrills(t *testing.T) {
	few := chapter(1, "very", 4, 0, 4, "logo")
	few.Totals = few.Totals.hide()
	got := missed([]Chapter{chapter(3, "very", 100, 0, 10, "urgency", "greeting", "urgency"), chapter(2, "very", 100, 0, 30, "urgency"), chapter(4, "least", 50, 9, 0, "spelling"), few})
	if len(got) != 2 || got[0].ID != "urgency" || got[0].Fell.Count != 40 || got[0].Fell.Of != 200 || got[0].Drills != 2 || got[1].ID != "greeting" || got[1].Fell.Count != 10 || got[0].Name.Ja == "" || got[0].Look.Ja == "" {
		t.Errorf("%+v", got)
	}
}

// Three pieces of advice, each with the numbers that it comes from; departments are not set against each other where they did not get the same.
func TestTheAdviceOfAReview(t *testing.T) {
	ja := i18n.With(t.Context(), i18n.Ja)
	r := Review{Story: Story{Drills: []Chapter{chapter(2, "very", 80, 20, 21, "urgency")}, Sums: Sums{All: Totals{Sent: 80, Reported: 20, Fell: 21},
		ByDepartment: []Totals{{Department: "看護部", Sent: 40, Reported: 10, Fell: 20}, {Department: "薬剤部", Sent: 40, Reported: 10, Fell: 1}}}},
		Trained: Coverage{Done: 10, Of: 80}, TrainedBy: []Coverage{{Department: "看護部", Done: 9, Of: 40}, {Department: "薬剤部", Done: 1, Of: 40}}}
	r.Missed = missed(r.Drills)
	is := func(name string, want ...string) {
		t.Helper()
		got := r.Advice(ja)
		if len(got) != len(want) {
			t.Fatalf("%s: %q", name, got)
		}
		for i, w := range want {
			if !strings.Contains(got[i], w) {
				t.Errorf("%s: %q lacks %q", name, got[i], w)
			}
		}
	}
	is("all three", "報告した人(20人)より、開いた人(21人)", "「看護部」は開いた人が多く(20 / 40人)", "訓練 1件、21 / 80人")
	r.Missed = nil
	is("no cue", "報告した人", "「看護部」", "「薬剤部」(1 / 40人)")
	r.Drills[0].Drill.Audience.Departments = []string{"看護部"}
	r.Drills = append(r.Drills, chapter(1, "least", 40, 10, 1))
	is("unlike", "報告した人", "部署どうしは比べていません", "「薬剤部」(1 / 40人)")
	r.Sums = Sums{All: Totals{Sent: 3, Hidden: true}}
	is("nothing to say", "訓練がありません")
	if en := strings.Join(r.Advice(i18n.With(t.Context(), i18n.En)), ""); strings.Contains(en, "%!") {
		t.Error(en)
	}
}
