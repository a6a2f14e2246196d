package web

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/paper"
	"kenshin/trail"
	"kenshin/web/page"
)

const (
	rollPage    = 500    // names on one sheet
	rollExport  = 50_000 // of one file
	years       = 3      // fiscal years that can be chosen
	maxReleases = 10 << 20
)

// fiscalYear reads the year of the address: the present one unless it says otherwise.
func (v *visit) fiscalYear(q url.Values) (year, now int, err error) {
	now, err = v.s.Drills.FiscalYear(v.ctx, v.facility)
	if err != nil || q.Get("year") == "" {
		return now, now, err
	}
	year, err = strconv.Atoi(q.Get("year"))
	if err != nil || year < 2000 || year > 2200 {
		return now, now, fault.New(fault.Invalid, "年度は 2026 のように書いてください。", "Write the fiscal year as 2026.")
	}
	return year, now, nil
}

// yearsOf offers fiscal years, the newest first.
func yearsOf(from, to int) (out []int) {
	for y := from; y >= to; y-- {
		out = append(out, y)
	}
	return out
}

func (v *visit) rollFilter(q url.Values, year int) (drill.RollFilter, error) {
	f, err := v.place()
	loc := f.Location()
	return drill.RollFilter{From: time.Date(year, time.April, 1, 0, 0, 0, 0, loc), To: time.Date(year+1, time.April, 1, 0, 0, 0, 0, loc),
		Department: q.Get("department"), After: q.Get("after"), Limit: rollPage}, err
}

// drillRoll is the training roll: how many of each department finished a lesson, and for whoever may see names, who.
func (v *visit) drillRoll() error {
	q := v.r.URL.Query()
	year, now, err := v.fiscalYear(q)
	if err != nil {
		return err
	}
	view := page.DrillRollView{Year: year, Years: yearsOf(now, now-years), Department: q.Get("department")}
	all, by, err := v.s.Drills.Covered(v.ctx, v.facility, year)
	if err != nil {
		return err
	}
	view.All, view.By = all, drill.Fold(by, v.t("その他", "others"))
	if v.actor.Role.May(actor.SeeDrillNames) {
		filter, err := v.rollFilter(q, year)
		if err != nil {
			return err
		}
		for _, c := range by {
			view.Departments = append(view.Departments, c.Department)
		}
		var next string
		if view.Entries, next, err = v.s.Drills.Roll(v.ctx, v.facility, filter); err != nil {
			return err
		}
		view.Export = page.PathDrillRollExport + "?" + url.Values{"year": {strconv.Itoa(year)}, "department": {view.Department}}.Encode()
		if next != "" {
			view.Next = page.PathDrillRoll + "?" + url.Values{"year": {strconv.Itoa(year)}, "department": {view.Department}, "after": {next}}.Encode()
		}
	}
	v.show(page.DrillRollPage(v.shell(), view))
	return nil
}

// drillRollExport writes the roll as a file; that it left the house is kept in the trail.
func (v *visit) drillRollExport() error {
	q := v.r.URL.Query()
	year, _, err := v.fiscalYear(q)
	if err != nil {
		return err
	}
	filter, err := v.rollFilter(q, year)
	if err != nil {
		return err
	}
	filter.After, filter.Limit = "", rollExport
	list, _, err := v.s.Drills.Roll(v.ctx, v.facility, filter)
	if err != nil {
		return err
	}
	err = v.remember(trail.Entry{Action: "drill.roll-export", Subject: trail.Subject{Kind: "drill", ID: "roll"}, Summary: i18n.Text{
		Ja: fmt.Sprintf("%d年度の受講簿 %d件を書き出しました", year, len(list)), En: fmt.Sprintf("Exported %d entries of the training roll of %d", len(list), year)},
		Detail: map[string]any{"entries": len(list), "filter": v.r.URL.RawQuery}})
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", download(v.t("受講簿", "training-roll")+"-"+strconv.Itoa(year)+".csv"))
	var t paper.Table
	for _, c := range [][2]string{{"氏名", "Name"}, {"部署", "Department"}, {"教材", "Lesson"}, {"終えた日時", "Finished"}, {"正解", "Right"}, {"問題", "Questions"}} {
		t.Columns = append(t.Columns, paper.Column{Header: v.t(c[0], c[1])})
	}
	zone := v.now().Location()
	err = paper.WriteCSV(v.w, t, func(yield func([]any, error) bool) {
		for _, e := range list {
			if !yield([]any{e.Name, e.Department, e.Title.For(v.ctx), e.At.In(zone).Format("2006-01-02 15:04"), e.Score, e.Questions}, nil) {
				return
			}
		}
	})
	if err != nil {
		v.s.Log.Error("the export broke off", "request", requestOf(v.ctx), "error", err)
		panic(http.ErrAbortHandler) // a cut connection says that the file is not whole
	}
	return nil
}

// drillReleases is where the filter's list of released mails is read in, with what is known so far.
func (v *visit) drillReleases() error {
	d, err := v.oneDrill()
	if err != nil {
		return err
	}
	return v.showReleases(d, nil, nil, http.StatusOK)
}

func (v *visit) showReleases(d drill.Drill, read *drill.Imported, wrong error, code int) error {
	view := page.DrillReleasesView{Drill: d}
	if read != nil {
		view.Read = true
		view.Imported = *read
	}
	if wrong != nil {
		view.Errors = page.Errors{"file": v.says(wrong)}
		v.status(code)
	}
	sums, err := v.s.Drills.Totals(v.ctx, v.facility, drill.Period{Drill: d.ID})
	if err != nil {
		return err
	}
	view.Sum = sumOf(sums)
	v.show(page.DrillReleasesPage(v.shell(), view))
	return nil
}

func (v *visit) drillReleasesRead() error {
	d, err := v.oneDrill()
	if err != nil {
		return err
	}
	name, data, err := v.releasesFile()
	if err == nil {
		var read drill.Imported
		if read, err = v.s.Drills.ImportReleases(v.ctx, v.facility, d.ID, name, data); err == nil {
			if err := v.s.Drills.Judge(v.ctx, v.facility, d.ID); err != nil { // the totals on the page hold what was just read
				return err
			}
			return v.showReleases(d, &read, nil, http.StatusOK)
		}
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.TooLarge:
		return v.showReleases(d, nil, err, status(err))
	}
	return err
}

// releasesFile reads the uploaded list; a little more than is allowed, so that the reader can say that it is too large.
func (v *visit) releasesFile() (name string, data []byte, err error) {
	p, err := v.upload("file")
	if err != nil {
		return "", nil, err
	}
	data, err = io.ReadAll(io.LimitReader(p, maxReleases+1))
	return p.FileName(), data, err
}

func (v *visit) drillClose(id string) error { return v.s.Drills.Close(v.ctx, v.facility, id) }
