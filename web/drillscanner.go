package web

import (
	"errors"
	"net/http"

	"kenshin/drill"
	"kenshin/fault"
	"kenshin/web/page"
)

func (v *visit) drillScanners() error {
	return v.showScanners(page.DrillScannersView{}, http.StatusOK)
}

func (v *visit) showScanners(view page.DrillScannersView, code int) (err error) {
	list, err := v.s.Drills.Scanners(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.Learned {
			view.Learned = append(view.Learned, s)
		} else {
			view.Said = append(view.Said, s)
		}
	}
	if code != http.StatusOK {
		v.status(code)
	}
	v.show(page.DrillScannersPage(v.shell(), view))
	return nil
}

func (v *visit) drillScannerAdd() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	view := page.DrillScannersView{Net: f.Get("net"), Agent: f.Get("agent"), Note: f.Get("note")}
	_, err = v.s.Drills.AddScanner(v.ctx, v.facility, view.Net, view.Agent, view.Note)
	if bad, ok := errors.AsType[*drill.ScannerError](err); ok {
		view.Errors = page.Errors{bad.Field: v.sentence(bad.Fault)}
		return v.showScanners(view, http.StatusUnprocessableEntity)
	}
	if fault.KindOf(err) == fault.TooLarge {
		view.Errors = page.Errors{"": v.says(err)}
		return v.showScanners(view, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	v.said("検査装置を登録しました。これまでの訓練も、判定し直します。", "Written down. Earlier drills are judged anew, too.")
	v.redirect(page.PathDrillScanners)
	return nil
}

func (v *visit) drillScannerRemove() error {
	if err := v.s.Drills.RemoveScanner(v.ctx, v.facility, v.r.PathValue("id")); err != nil {
		return err
	}
	v.said("一覧から消しました。これまでの訓練も、判定し直します。", "Removed. Earlier drills are judged anew, too.")
	v.redirect(page.PathDrillScanners)
	return nil
}

// drillJudge asks for a drill to be judged anew.
func (v *visit) drillJudge() error {
	id := v.r.PathValue("id")
	err := v.s.Drills.JudgeAnew(v.ctx, v.facility, id)
	switch fault.KindOf(err) {
	case fault.Conflict:
		v.flash(page.Flash{Mark: page.MarkBad, Text: v.says(err)})
	default:
		if err != nil {
			return err
		}
		v.said("届いた通信を、はじめから判定し直します。終わると、この画面の数字が変わります。", "What arrived is judged anew from its beginning. The numbers here follow.")
	}
	v.redirect(page.DrillResultPath(id, "results"))
	return nil
}
