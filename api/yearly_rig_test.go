package api

import (
	"context"
	"strings"

	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/blob"
	"kenshin/dock"
	"kenshin/facility"
	"kenshin/register"
)

// seedYearly puts one thing of each kind of the yearly check-up into a facility.
func (r *rig) seedYearly(ctx context.Context, f facility.ID, mark string, ids map[string]string) {
	r.t.Helper()
	kept, err := blob.Put(ctx, r.DB, f, mark+".txt", strings.NewReader(mark))
	r.must(err)
	a, err := r.Assess.Folder("checklist-r7-facility", "", "r7.2.1").Attach(ctx, f, blob.Attachment{File: kept.ID, Name: kept.Name})
	r.must(err)
	ids["catalogue-file"] = a.ID
	row, err := r.Registers.Save(ctx, f, register.Row{Kind: "training", Owner: mark, Values: map[string]string{"held": "2026-05-01", "title": mark, "name": mark}})
	r.must(err)
	ids["row"] = row.ID
	kept, err = blob.Put(ctx, r.DB, f, mark+".txt", strings.NewReader(mark))
	r.must(err)
	a, err = r.Registers.Attach(ctx, f, blob.Attachment{Owner: row.ID, File: kept.ID, Name: kept.Name})
	r.must(err)
	ids["row-file"] = a.ID
	training, err := register.KindOf("training")
	r.must(err)
	ids["register-import"], err = r.Registers.Stage(ctx, f, training, mark+".csv", strings.NewReader("受講日,研修の名前,受けた人\n2026-06-01,"+mark+",佐藤\n"))
	r.must(err)
	for kind, name := range map[plan.Kind]string{plan.Risk: "risk", plan.Audit: "audit", plan.Budget: "budget"} {
		s, err := r.Plans.Begin(ctx, f, kind, 2026)
		r.must(err)
		s.Title = mark
		switch kind {
		case plan.Risk:
			for i := range s.Risks.Rows {
				x := &s.Risks.Rows[i]
				x.Judged, x.Treatment, x.Action = true, plan.Accept, mark
			}
		case plan.Audit:
			s.Audit.Auditor, s.Audit.Reported = mark, "2026-11-01"
			for i := range s.Audit.Items {
				s.Audit.Items[i].Verdict = plan.Good
			}
		case plan.Budget:
			s.Budget.Lines = append(s.Budget.Lines, plan.Line{ID: "own", What: mark, Yen: [3]int64{1, 2, 3}})
		}
		s, err = r.Plans.Save(ctx, f, s)
		r.must(err)
		s, err = r.Plans.Sign(ctx, f, kind, s.ID, s.Revision, mark)
		r.must(err)
		ids[name] = s.ID
	}
	remark, err := r.Docks.Remark(ctx, f, map[string]string{"inspected": "2026-11-10", "remark": mark})
	r.must(err)
	ids["remark"] = remark.ID
	frozen, err := r.Docks.Freeze(ctx, f, dock.Want{Kind: dock.Full})
	r.must(err)
	ids["dock"] = frozen.ID
	r.must(r.Inquiries.SaveSettings(ctx, f, inquiry.Settings{Base: "https://kaitou.example.jp", Days: 60, Weeks: 4}))
	letters, _, err := r.Inquiries.AskVendors(ctx, f, []string{ids["system"]}, r.now.AddDate(0, 0, 20), mark)
	r.must(err)
	link := letters[0].Links[0]
	ids["vendor-inquiry"] = link.Inquiry.ID
	r.must(r.Inquiries.Attach(ctx, link.Address[strings.LastIndex(link.Address, "/")+1:], mark+".txt", strings.NewReader(mark)))
	files, err := r.Inquiries.Files(ctx, f, link.Inquiry.ID)
	r.must(err)
	ids["vendor-inquiry-file"] = files[0].ID
	list, _, err := r.Inquiries.List(ctx, f, inquiry.Filter{Kind: inquiry.Survey})
	r.must(err)
	ids["visit"] = list[0].ID
}

// yearlyBodies are inputs of the yearly check-up that fit the schema, by operation.
func yearlyBodies() map[string]any {
	return map[string]any{
		"add-register-row":     m{"values": m{"held": "令和8年6月2日", "title": "研修", "name": "鈴木"}},
		"edit-register-row":    m{"values": m{"note": "よい"}, "revision": 1},
		"confirm-register-row": m{"day": "2026-11-20"}, "preview-register-import": m{"columns": []m{}}, "apply-register-import": m{},
		"carry-answers": m{"items": []string{"r7.2.2"}}, "add-dock": m{}, "set-dock-routine": m{"month": 11, "day": 28}, "approve-dock": m{"hash": "x"},
		"add-remark": m{"inspected": "2026-11-11", "remark": "控えが1つ"}, "answer-remark": m{"action": "2つにした", "answered": "2026-11-19", "revision": 1},
		"add-risk-assessment": m{"year": 2027}, "add-audit": m{"year": 2027}, "add-budget": m{"year": 2027},
		"edit-risk-assessment": m{"risks": m{"rows": []m{}}, "revision": 1}, "edit-budget": m{"budget": m{"lines": []m{}, "fees": []m{}}, "revision": 1},
		"edit-audit":           m{"audit": m{"day": "", "auditor": "", "independent": true, "scope": "", "catalogue": "", "edition": "", "items": []m{}, "reported": "", "result": ""}, "revision": 1},
		"sign-risk-assessment": m{"revision": 1}, "sign-audit": m{"revision": 1}, "sign-budget": m{"revision": 1}, "draw-sample": m{"population": "devices", "number": 1, "revision": 1},
		"set-inquiry-settings":  m{"base": "", "contact": "", "support": "", "days": 30, "weeks": 2, "remind": []int{3}},
		"take-inquiry-workbook": m{"staged": "x"}, "edit-visit-notes": m{"notes": []m{{"item": "survey.daily.usb", "text": "よい", "revision": 0}}},
	}
}

// yearlyThing is which of the seed's ids a path of the yearly check-up means; "" for other paths.
func yearlyThing(path string) string {
	switch {
	case strings.HasPrefix(path, "/registers/{kind}/imports/"):
		return "register-import"
	case strings.HasPrefix(path, "/registers/"):
		return "row"
	case strings.HasPrefix(path, "/inquiries/{id}/visit"):
		return "visit"
	case strings.HasPrefix(path, "/inquiries/{id}/workbook"), strings.HasPrefix(path, "/inquiries/{id}/attachments"):
		return "vendor-inquiry"
	}
	for prefix, name := range map[string]string{"/docks/": "dock", "/pack/": "remark", "/risks/": "risk", "/audits/": "audit", "/budget/": "budget"} {
		if strings.HasPrefix(path, prefix) {
			return name
		}
	}
	return ""
}
