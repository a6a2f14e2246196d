package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"kenshin/drill"
	"kenshin/drill/scenario"
	"kenshin/fault"
	"kenshin/web/page"
)

func (v *visit) drillScenarios() error {
	return v.showScenarios(page.DrillScenariosView{}, http.StatusOK)
}

func (v *visit) showScenarios(view page.DrillScenariosView, status int) error {
	rows, err := v.scenarioRows()
	if err != nil {
		return err
	}
	view.Rows = rows
	for _, r := range rows {
		if r.Own {
			view.Own++
		}
	}
	if status != http.StatusOK {
		v.status(status)
	}
	v.show(page.DrillScenariosPage(v.shell(), view))
	return nil
}

// scenarioRows are the facility's own stories, then the built-in ones.
func (v *visit) scenarioRows() (rows []page.ScenarioRow, err error) {
	own, err := v.s.Drills.OwnScenarios(v.ctx, v.facility)
	if err != nil {
		return nil, err
	}
	for _, s := range own {
		rows = append(rows, page.ScenarioRow{Scenario: s.Scenario, Own: true, Unread: s.Unread, By: s.ByName, At: s.At})
	}
	shipped, err := scenario.Load()
	for _, s := range shipped.Scenarios {
		rows = append(rows, page.ScenarioRow{Scenario: s})
	}
	return rows, err
}

// drillScenariosTake reads a file, says what is wrong with it by line, and keeps its stories unless it was only to be checked.
func (v *visit) drillScenariosTake() error {
	p, err := v.upload("file")
	if err != nil {
		return v.showScenarios(page.DrillScenariosView{Error: v.says(err)}, http.StatusUnprocessableEntity)
	}
	view := page.DrillScenariosView{File: p.FileName()}
	if v.r.URL.Query().Get("do") == "check" {
		list, err := v.s.Drills.CheckScenarios(v.ctx, v.facility, p)
		if err != nil {
			return v.scenariosRefused(view, err)
		}
		for _, e := range list {
			view.Checked = append(view.Checked, e.Title.For(v.ctx))
		}
		return v.showScenarios(view, http.StatusOK)
	}
	list, err := v.s.Drills.AddScenarios(v.ctx, v.facility, p)
	if err != nil {
		return v.scenariosRefused(view, err)
	}
	v.said("文例を%d話取り込みました。「新しい訓練」で選べます。", "Took in %d scenarios. They can be chosen for a new drill.", len(list))
	to := page.PathDrillScenarios
	if len(list) == 1 {
		to = page.ScenarioPath(list[0].ID, "")
	}
	v.redirect(to)
	return nil
}

func (v *visit) scenariosRefused(view page.DrillScenariosView, err error) error {
	if bad, ok := errors.AsType[scenario.Faults](err); ok {
		view.Faults = bad
		return v.showScenarios(view, http.StatusUnprocessableEntity)
	}
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		err = fault.New(fault.TooLarge, "文例のファイルは 1 MB までです。分けて取り込んでください。", "A scenario file may have 1 MB; split it.")
	}
	if fault.KindOf(err) == fault.Internal {
		return err
	}
	view.Error = v.says(err)
	return v.showScenarios(view, status(err))
}

// oneScenario is the story that the address names.
func (v *visit) oneScenario() (page.ScenarioRow, error) {
	rows, err := v.scenarioRows()
	if err != nil {
		return page.ScenarioRow{}, err
	}
	i := slices.IndexFunc(rows, func(r page.ScenarioRow) bool { return r.ID == v.r.PathValue("id") })
	if i < 0 || rows[i].Unread {
		return page.ScenarioRow{}, fault.New(fault.NotFound, "この文例はありません。", "There is no such scenario.")
	}
	return rows[i], nil
}

func (v *visit) drillScenario() error {
	row, err := v.oneScenario()
	if err != nil {
		return err
	}
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err != nil {
		return err
	}
	s.Domain, s.Base = cmp.Or(s.Domain, "drill.example"), cmp.Or(s.Base, "https://drill.example") // a story can be looked at before anything is set up
	view := page.DrillScenarioView{ScenarioRow: row}
	for _, m := range slices.Backward(row.Mails) {
		var d drill.Drill
		d.Mode = drill.Standard
		if d.Mail, d.Rating, err = v.s.Drills.FromScenario(v.ctx, v.facility, row.ID, m.Level); err != nil {
			return err
		}
		view.Mails = append(view.Mails, page.ScenarioMail{Mail: m, Shown: v.mailView(d, s)})
	}
	v.show(page.DrillScenarioPage(v.shell(), view))
	return nil
}

// drillScenarioFile gives an own story back as the file that it was.
func (v *visit) drillScenarioFile() error {
	own, err := v.s.Drills.OwnScenarios(v.ctx, v.facility)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(own, func(s drill.OwnScenario) bool { return s.ID == v.r.PathValue("id") })
	if i < 0 {
		return fault.New(fault.NotFound, "この文例はありません。", "There is no such scenario.")
	}
	v.w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+own[i].ID+`.yaml"`)
	_, err = v.w.Write([]byte(own[i].Source))
	return err
}

func (v *visit) drillScenarioRemove() error {
	err := v.s.Drills.RemoveScenario(v.ctx, v.facility, v.r.PathValue("id"))
	switch {
	case fault.Is(err, fault.Conflict):
		v.flash(page.Flash{Mark: page.MarkBad, Text: v.says(err)})
	case err != nil:
		return err
	default:
		v.said("文例を外しました。これまでに作った訓練はそのままです。", "Removed the scenario. Drills that were made of it stay.")
	}
	v.redirect(page.PathDrillScenarios)
	return nil
}
