package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"kenshin/drill"
	"kenshin/i18n"
	"kenshin/paper"
	"kenshin/trail"
	"kenshin/web/page"
)

const (
	targetsPage   = 50
	targetsExport = 5000 // read at once while a file is written
)

// targetsQuery is the list's question as its address says it.
func targetsQuery(q url.Values) drill.TargetFilter {
	f := drill.TargetFilter{Department: q.Get("department"), Query: q.Get("q"), Limit: targetsPage}
	for _, s := range q["show"] {
		if s != "" && !slices.Contains(f.Show, drill.Shown(s)) {
			f.Show = append(f.Show, drill.Shown(s))
		}
	}
	if n, err := strconv.Atoi(q.Get("from")); err == nil && n > 0 {
		f.Offset = n
	}
	return f
}

func targetsURL(id, what string, f drill.TargetFilter) string {
	q := url.Values{}
	for _, s := range f.Show {
		q.Add("show", string(s))
	}
	for name, value := range map[string]string{"department": f.Department, "q": f.Query} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Offset > 0 {
		q.Set("from", strconv.Itoa(f.Offset))
	}
	if len(q) == 0 {
		return page.DrillResultPath(id, what)
	}
	return page.DrillResultPath(id, what) + "?" + q.Encode()
}

// drillTargets lists who did what in a drill.
func (v *visit) drillTargets() error {
	d, err := v.s.Drills.Get(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	f := targetsQuery(v.r.URL.Query())
	list, err := v.s.Drills.Targets(v.ctx, v.facility, d.ID, f)
	if err != nil {
		return err
	}
	view := page.DrillTargetsView{Drill: d, Rows: list.Targets, Department: f.Department, Query: f.Query, Shown: f.Show, Export: targetsURL(d.ID, "targets/export", f)}
	view.Pager = page.Pager{From: min(f.Offset+1, list.Total), To: f.Offset + len(list.Targets), Total: list.Total}
	if f.Offset > 0 {
		back := f
		back.Offset = max(0, f.Offset-targetsPage)
		view.Pager.Prev = targetsURL(d.ID, "targets", back)
	}
	if view.Pager.To < list.Total {
		on := f
		on.Offset = view.Pager.To
		view.Pager.Next = targetsURL(d.ID, "targets", on)
	}
	if view.Chips, err = v.targetChips(d, f); err != nil {
		return err
	}
	sums, err := v.s.Drills.Totals(v.ctx, v.facility, drill.Period{Drill: d.ID})
	if err != nil {
		return err
	}
	for _, t := range sums.ByDepartment {
		if t.Department != "" {
			view.Departments = append(view.Departments, t.Department)
		}
	}
	v.show(page.DrillTargetsPage(v.shell(), view))
	return nil
}

// targetChips are the filters with how many fit each of them alone; a click adds one to the others or takes it away.
func (v *visit) targetChips(d drill.Drill, f drill.TargetFilter) (out []page.Chip, err error) {
	for _, s := range drill.ShownKinds() {
		q := drill.TargetFilter{Department: f.Department, Limit: 1}
		to := drill.TargetFilter{Department: f.Department, Query: f.Query}
		on := slices.Contains(f.Show, s)
		if s != drill.ShowAll {
			q.Show = []drill.Shown{s}
			to.Show = slices.DeleteFunc(slices.Clone(f.Show), func(x drill.Shown) bool { return x == s })
			if !on {
				to.Show = append(to.Show, s)
			}
		} else {
			on = len(f.Show) == 0
		}
		list, err := v.s.Drills.Targets(v.ctx, v.facility, d.ID, q)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Chip{Key: string(s), Text: page.ShownText(s).For(v.ctx), Count: list.Total, URL: targetsURL(d.ID, "targets", to), On: on})
	}
	return out, nil
}

// drillTargetsExport writes the filtered list as CSV. It says what single persons did, so that who took it out is remembered first.
func (v *visit) drillTargetsExport() error {
	d, err := v.s.Drills.Get(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	f := targetsQuery(v.r.URL.Query())
	f.Offset, f.Limit = 0, 1
	list, err := v.s.Drills.Targets(v.ctx, v.facility, d.ID, f)
	if err != nil {
		return err
	}
	err = v.remember(trail.Entry{Action: "drill.export", Subject: trail.Subject{Kind: "drill", ID: d.ID}, Summary: i18n.Text{
		Ja: fmt.Sprintf("訓練「%s」の宛先ごとの結果 %d件を書き出しました", d.Name, list.Total), En: fmt.Sprintf("Exported %d recipients of the drill %s", list.Total, d.Name)},
		Detail: map[string]any{"recipients": list.Total, "show": f.Show, "department": f.Department, "searched": f.Query != ""}}) // the trail forgets nothing: no name goes into it
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", download(v.t("訓練の結果", "drill")+"-"+v.now().Format(dateForm)+".csv"))
	if err := paper.WriteCSV(v.w, v.targetTable(), v.targetRecords(d, f)); err != nil {
		v.s.Log.Error("the export broke off", "request", requestOf(v.ctx), "error", err)
		panic(http.ErrAbortHandler) // a cut connection says that the file is not whole
	}
	return nil
}

func (v *visit) targetTable() paper.Table {
	var t paper.Table
	for _, h := range [][2]string{{"氏名", "Name"}, {"メールアドレス", "Address"}, {"部署", "Department"}, {"職種", "Job"}, {"配信", "Delivery"}, {"受け取られた時刻", "Accepted"},
		{"報告", "Reported"}, {"開封の印 最初の通信", "Open, first arrival"}, {"開封の印 人", "Open, person"}, {"リンク 最初の通信", "Link, first arrival"}, {"リンク 人", "Link, person"},
		{"QR 最初の通信", "QR code, first arrival"}, {"QR 人", "QR code, person"}, {"添付 最初の通信", "Attachment, first arrival"}, {"添付 人", "Attachment, person"}, {"返信", "Replied"}, {"隔離から取り出した", "Released"}, {"教材を終えた", "Lesson"},
		{"機械の通信の数", "Machine arrivals"}, {"注記", "Note"}} {
		t.Columns = append(t.Columns, paper.Column{Header: v.t(h[0], h[1])})
	}
	return t
}

func (v *visit) targetRecords(d drill.Drill, f drill.TargetFilter) paper.Records {
	f.Limit = targetsExport
	zone := v.now().Location()
	at := func(x time.Time) any {
		if x.IsZero() {
			return nil
		}
		return x.In(zone).Format("2006-01-02 15:04:05")
	}
	return func(yield func([]any, error) bool) {
		for f.Offset = 0; ; {
			list, err := v.s.Drills.Targets(v.ctx, v.facility, d.ID, f)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, t := range list.Targets {
				if !yield([]any{t.Name(), t.Address, t.Department, t.Job, page.DeliveryText(t.Mail).For(v.ctx), at(t.AcceptedAt), at(t.First[drill.Reported]),
					at(t.First[drill.Opened]), at(t.ByPerson[drill.Opened]), at(t.First[drill.Visited]), at(t.ByPerson[drill.Visited]), at(t.First[drill.Scanned]), at(t.ByPerson[drill.Scanned]),
					at(t.First[drill.Attached]), at(t.ByPerson[drill.Attached]), at(t.First[drill.Replied]), at(t.First[drill.Released]), at(t.First[drill.Lesson]),
					t.Machine, page.OddText(v.ctx, t)}, nil) {
					return
				}
			}
			if f.Offset += len(list.Targets); len(list.Targets) == 0 || f.Offset >= list.Total {
				return
			}
		}
	}
}

// drillTarget is one recipient's timeline.
func (v *visit) drillTarget() error {
	d, err := v.s.Drills.Get(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	view := page.DrillTargetView{Drill: d}
	if view.Target, view.Events, err = v.s.Drills.Target(v.ctx, v.facility, d.ID, v.r.PathValue("target")); err != nil {
		return err
	}
	if d.State == drill.Closed {
		view.Closed = d.Ended
	}
	if view.Others, err = v.otherDrills(view.Target); err != nil {
		return err
	}
	v.show(page.DrillTargetPage(v.shell(), view))
	return nil
}

// otherDrills are the same person's other drills; of somebody whose name was taken out there are none to be found.
func (v *visit) otherDrills(t drill.Target) (out []page.DrillOther, err error) {
	if t.Person == "" {
		return nil, nil
	}
	past, err := v.s.Drills.History(v.ctx, v.facility, t.Person)
	for _, o := range past {
		if o.Drill == t.Drill {
			continue
		}
		d, err := v.s.Drills.Get(v.ctx, v.facility, o.Drill)
		if err != nil {
			return nil, err
		}
		at := o.AcceptedAt
		if at.IsZero() {
			at = d.Created
		}
		out = append(out, page.DrillOther{Link: page.Link{Text: d.Name, URL: page.DrillTargetPath(d.ID, o.ID)}, Target: o, At: at})
	}
	return out, err
}
