package app_test

import (
	"testing"

	"kenshin/app"
	"kenshin/assess"
	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/dock"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/register"
)

// yearlyStory looks at what the demo did for its yearly check-ups: docks that hold, better from year to year, and words that the measurement contradicts.
func yearlyStory(t *testing.T, h *app.House, f facility.ID) {
	docks, err := h.Docks.List(t.Context(), f)
	if err != nil || len(docks) < 3 {
		t.Fatalf("%d docks, %v", len(docks), err)
	}
	all, err := h.Docks.Before(t.Context(), f, len(docks)+1, len(docks))
	if err != nil {
		t.Fatal(err)
	}
	for n, d := range all { // the newest first
		report, err := h.Docks.CheckKept(t.Context(), f, d.ID)
		if err != nil || !report.OK() || report.Chain != len(docks) {
			t.Errorf("dock %d does not hold: %+v, %v", d.Number, report.Problems, err)
		}
		if (d.Approval == nil) != (n == 0) {
			t.Errorf("dock %d: approval %+v", d.Number, d.Approval)
		}
		if n == 0 {
			continue
		}
		then, now := dock.TrendOf(&d.Snapshot), dock.TrendOf(&all[n-1].Snapshot)
		if now.Measured < then.Measured || now.Claimed < then.Claimed || d.Day >= all[n-1].Day {
			t.Errorf("from dock %d to the next nothing grew: %+v, %+v", d.Number, then, now)
		}
	}
	first, last := &all[len(all)-1].Snapshot, &all[0].Snapshot
	if a, _ := first.Checklist(); a == nil || a.Edition != "R5" {
		t.Errorf("the first dock was made under %+v", a)
	}
	if len(last.Vendors()) != 4 || len(last.Risks) != 5 || len(last.Money) == 0 || dock.TrendOf(last).Measured < 10 {
		t.Errorf("this year's dock: %d vendors' forms, %d risks, %d lines of money, %+v", len(last.Vendors()), len(last.Risks), len(last.Money), dock.TrendOf(last))
	}
	yearlyForm(t, h, f)
	yearlyPapers(t, h, f)
}

func yearlyForm(t *testing.T, h *app.House, f facility.ID) {
	form, err := h.Assess.Assessment(t.Context(), f, "checklist-r7-facility", "")
	if err != nil {
		t.Fatal(err)
	}
	contradicted, excused, unknown, undated := 0, 0, 0, 0
	for _, i := range form.Items {
		switch {
		case i.State == assess.Contradicted && i.Excuse != "":
			excused++
		case i.State == assess.Contradicted:
			contradicted++
		case i.Claim.Reply == catalogue.Unknown:
			unknown++
		case i.Claim.Reply == catalogue.No && i.Claim.Target.IsZero():
			undated++
		}
		t.Logf("%s %s %v %d/%d", i.Item.ID, i.Claim.Reply, i.State.Label().En, i.Verdict.Measured, i.Verdict.Of)
	}
	if contradicted < 1 || contradicted > 2 || excused != 1 || unknown != 2 || undated > 0 {
		t.Errorf("%d contradictions, %d more with a reason, %d unknown, %d without a target", contradicted, excused, unknown, undated)
	}
	asked, err := h.Assess.Questions(t.Context(), f, assess.QuestionFilter{State: assess.Asked, Catalogue: form.Catalogue.ID})
	if err != nil || len(asked) != unknown {
		t.Errorf("questions: %+v, %v", asked, err)
	}
	level, err := h.Assess.Level(t.Context(), f)
	if err != nil || level.Claimed < 1 || level.Evidenced >= level.Claimed || len(level.Next) != 3 {
		t.Errorf("claimed %d, proven %d, %d next, %v", level.Claimed, level.Evidenced, len(level.Next), err)
	}
	left, err := h.Findings.List(t.Context(), f, finding.Filter{Check: assess.Contradiction, States: []finding.State{finding.Open}})
	if err != nil || len(left.Findings) == 0 {
		t.Errorf("the contradictions are no tasks: %v", err)
	}
}

func yearlyPapers(t *testing.T, h *app.House, f facility.ID) {
	rows, err := h.Registers.All(t.Context(), f)
	if err != nil || len(rows) < 20 {
		t.Errorf("%d registers are kept, %v", len(rows), err)
	}
	if still := register.StillThere(rows["leavers"], rows["accounts"], h.Registers.Today()); len(still) != 1 {
		t.Errorf("leavers with an account: %+v", still)
	}
	states := map[inquiry.State]int{}
	list, _, err := h.Inquiries.List(t.Context(), f, inquiry.Filter{Kind: inquiry.Vendor})
	for _, i := range list {
		states[i.State]++
	}
	if err != nil || states[inquiry.Answered] != 1 || states[inquiry.Refused] != 1 {
		t.Errorf("the vendors' forms: %v, %v", states, err)
	}
	polls, err := h.Inquiries.Surveys(t.Context(), f)
	if err != nil || len(polls) != 1 {
		t.Fatalf("surveys: %v, %v", polls, err)
	}
	if tally, err := h.Inquiries.Tally(t.Context(), f, polls[0].ID); err != nil || tally.Sent != 3 || len(tally.Departments) != 4 {
		t.Errorf("the survey: %d of %d, %v", tally.Sent, len(tally.Departments), err)
	}
	for _, kind := range []plan.Kind{plan.Risk, plan.Audit, plan.Budget} {
		s, err := h.Plans.Latest(t.Context(), f, kind)
		if err != nil {
			t.Errorf("%s is not signed: %v", kind, err)
		}
		if kind == plan.Audit && (len(s.Audit.Samples) != 1 || !s.Audit.Samples[0].Again() || len(s.Audit.Remarks) != 3) {
			t.Errorf("the audit: %+v", s.Audit)
		}
	}
}
