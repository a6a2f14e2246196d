package web

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"kenshin/checkup"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/job"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web/page"
)

// Kinds of jobs whose runs have a page of their own. app registers them.
const (
	SweepKind  = "sweep"  // argument: SweepArgs
	ExportKind = "export" // of the ledger; leaves an ExportFile
)

// SweepArgs is what a check-up's job carries.
type SweepArgs struct {
	Sweep string `json:"sweep"`
}

// jobDo is one of Pause, Resume and Cancel.
type jobDo = func(ctx context.Context, f facility.ID, id job.RunID) error

var jobChips = []struct {
	key    string
	text   i18n.Text
	states []job.State
}{
	{"", i18n.Text{Ja: "すべて", En: "All"}, nil},
	{"going", i18n.Text{Ja: "進行中", En: "Going on"}, []job.State{job.Queued, job.Running, job.Paused}},
	{"failed", i18n.Text{Ja: "できなかった・一部だけ", En: "Failed, incomplete"}, []job.State{job.Failed, job.Incomplete}},
	{"done", i18n.Text{Ja: "終わった", En: "Done"}, []job.State{job.Finished, job.Cancelled}},
}

const jobsPage = 50

func (v *visit) jobs() error {
	view, err := v.jobsView()
	if err != nil {
		return err
	}
	v.show(page.JobsPage(v.shell(), view))
	return nil
}

func (v *visit) jobsLive() error {
	view, err := v.jobsView()
	if err != nil {
		return err
	}
	v.show(page.JobsLive(v.shell(), view))
	return nil
}

func (v *visit) jobsView() (page.JobsView, error) {
	var view page.JobsView
	q := v.r.URL.Query()
	show, before := q.Get("show"), q.Get("before")
	known := false
	var list []job.Info
	for _, c := range jobChips {
		f := job.Filter{States: c.states, Limit: 500}
		all, err := v.s.Jobs.List(v.ctx, v.facility, f)
		if err != nil {
			return view, err
		}
		view.Chips = append(view.Chips, page.Chip{Key: c.key, Text: c.text.For(v.ctx), Count: len(all), URL: jobsPath(c.key, ""), On: c.key == show})
		if c.key == show {
			f.Before, f.Limit = job.RunID(before), jobsPage+1
			if list, err = v.s.Jobs.List(v.ctx, v.facility, f); err != nil {
				return view, err
			}
			known = true
		}
	}
	if !known {
		return view, fault.New(fault.Invalid, "この絞り込みはありません。", "There is no such filter.")
	}
	view.Pager = page.Pager{From: min(1, len(list)), To: min(len(list), jobsPage), Total: -1}
	if before != "" {
		view.Pager.Prev = jobsPath(show, "")
	}
	if len(list) > jobsPage {
		list = list[:jobsPage]
		view.Pager.Next = jobsPath(show, string(list[jobsPage-1].ID))
	}
	for i := range list {
		view.Rows = append(view.Rows, v.jobRow(&list[i]))
	}
	return view, nil
}

func jobsPath(show, before string) string {
	q := url.Values{}
	if show != "" {
		q.Set("show", show)
	}
	if before != "" {
		q.Set("before", before)
	}
	if len(q) == 0 {
		return page.PathJobs
	}
	return page.PathJobs + "?" + q.Encode()
}

func (v *visit) jobRow(i *job.Info) page.JobRow {
	row := page.JobRow{ID: string(i.ID), Name: i.Title.For(v.ctx), State: jobState(i), Percent: -1, Says: i.Note.For(v.ctx), Started: i.Started, Finished: i.Finished,
		By: i.RequestedBy, Attempt: i.Attempts + 1}
	if i.Total > 0 {
		row.Percent = min(i.Done*100/i.Total, 100)
	}
	if i.State == job.Finished {
		row.Percent = 100
	}
	if e := i.Error.For(v.ctx); e != "" && i.State == job.Failed {
		row.Says = e
	}
	row.Open = v.jobOpen(i)
	row.CanCancel = !i.State.Over() && !i.CancelRequested
	row.CanRetry = i.State == job.Failed || i.State == job.Cancelled
	return row
}

// jobState is the page's word for where a run stands.
func jobState(i *job.Info) string {
	switch i.State {
	case job.Queued:
		if i.Attempts > 0 {
			return "retrying"
		}
		if !i.Started.IsZero() {
			return "running" // between two steps
		}
		return "waiting"
	case job.Paused:
		return "waiting"
	case job.Finished, job.Incomplete:
		return "done"
	case job.Running, job.Failed, job.Cancelled:
	}
	return string(i.State)
}

// jobOpen is the page on which a run is at home.
func (v *visit) jobOpen(i *job.Info) page.Link {
	text := i.Title.For(v.ctx)
	switch i.Kind {
	case SweepKind:
		var a SweepArgs
		if i.Args(&a) == nil && a.Sweep != "" {
			return page.Link{Text: text, URL: page.SweepPath(a.Sweep, "")}
		}
	case ImportKind:
		var a ImportArgs
		if i.Args(&a) == nil && a.Import != "" {
			return page.Link{Text: text, URL: page.ImportPath(a.Import, "")}
		}
	case ExportKind:
		if i.State == job.Finished {
			return page.Link{Text: v.t("ファイルを受け取る", "Fetch the file"), URL: page.JobPath(string(i.ID), "file")}
		}
	}
	return page.Link{}
}

func (v *visit) oneJob() (job.Info, error) {
	return v.s.Jobs.Get(v.ctx, v.facility, job.RunID(v.r.PathValue("id")))
}

// job shows one run: on its own page where it has one, else in the list.
func (v *visit) job() error {
	i, err := v.oneJob()
	if err != nil {
		return err
	}
	if open := v.jobOpen(&i); open.URL != "" && i.Kind != ExportKind {
		v.redirect(open.URL)
		return nil
	}
	v.show(page.JobsPage(v.shell(), v.alone(&i)))
	return nil
}

func (v *visit) alone(i *job.Info) page.JobsView {
	return page.JobsView{ID: string(i.ID), Rows: []page.JobRow{v.jobRow(i)}, Pager: page.Pager{From: 1, To: 1, Total: 1},
		Chips: []page.Chip{{Text: v.t("すべて", "All"), Count: 1, URL: page.PathJobs}}}
}

func (v *visit) jobLive() error {
	i, err := v.oneJob()
	if err != nil {
		return err
	}
	v.show(page.JobsLive(v.shell(), v.alone(&i)))
	return nil
}

// jobFile sends what an export made.
func (v *visit) jobFile() error {
	i, err := v.oneJob()
	if err != nil {
		return err
	}
	var file ExportFile
	if i.Kind != ExportKind || i.State != job.Finished || i.Data(&file) != nil || file.Blob == "" {
		return fault.New(fault.NotFound, "受け取るファイルはありません。", "There is no file to fetch.")
	}
	return v.sendFile(file.Blob)
}

// jobCancel ends a run. A check-up is stopped with it.
func (v *visit) jobCancel() error {
	i, err := v.oneJob()
	if err != nil {
		return err
	}
	c, err := v.s.Work.For(v.ctx, v.facility)
	if err != nil {
		return err
	}
	err = v.moveJob("job.cancel", &i, i18n.Text{Ja: "仕事「%s」を取りやめました", En: "Cancelled the job %s"}, func(ctx context.Context) error {
		var a SweepArgs
		if i.Kind == SweepKind && i.Args(&a) == nil && a.Sweep != "" {
			err := v.s.DB.Write(ctx, v.facility, func(tx *store.Tx) error { return c.Stop(ctx, tx, a.Sweep) })
			if err != nil && !fault.Is(err, fault.Conflict) {
				return err
			}
		}
		return v.s.Jobs.Cancel(ctx, v.facility, i.ID)
	})
	if err != nil {
		return err
	}
	v.said("「%s」を取りやめました。", "Cancelled “%s”.", i.Title.For(v.ctx))
	v.redirect(page.PathJobs)
	return nil
}

// jobRetry does a run that failed or was cancelled once more. A check-up begins anew, since the network has moved on.
func (v *visit) jobRetry() error {
	i, err := v.oneJob()
	if err != nil {
		return err
	}
	if !slices.Contains([]job.State{job.Failed, job.Cancelled, job.Incomplete}, i.State) {
		return fault.New(fault.Conflict, "この仕事は、やり直すところがありません。", "There is nothing to do again.")
	}
	if i.Kind == SweepKind {
		return v.sweepAgain(&i)
	}
	err = v.moveJob("job.retry", &i, i18n.Text{Ja: "仕事「%s」をやり直しました", En: "Started the job %s again"}, func(ctx context.Context) error {
		_, err := v.s.Work.Retry(ctx, v.facility, i.ID)
		return err
	})
	if err != nil {
		return err
	}
	v.said("「%s」をやり直しています。", "Doing “%s” again.", i.Title.For(v.ctx))
	v.redirect(page.PathJobs)
	return nil
}

func (v *visit) sweepAgain(i *job.Info) error {
	var a SweepArgs
	if err := i.Args(&a); err != nil {
		return err
	}
	c, err := v.s.Work.For(v.ctx, v.facility)
	if err != nil {
		return err
	}
	x, err := c.Get(v.ctx, v.facility, a.Sweep)
	if err != nil {
		return err
	}
	if x.State == checkup.Running { // its job ended and it did not: it would look as if it still went on
		if err := v.s.DB.Write(v.ctx, v.facility, func(tx *store.Tx) error { return c.Stop(v.ctx, tx, x.ID) }); err != nil {
			return err
		}
	}
	only := ""
	if x.Request.PresenceOnly {
		only = "presence"
	}
	return v.start(x.Request.Segments, only)
}

// moveJob moves a job and records it.
func (v *visit) moveJob(action string, i *job.Info, text i18n.Text, move func(context.Context) error) error {
	return v.do(func(ctx context.Context) (trail.Entry, error) {
		return trail.Entry{Action: action, Subject: trail.Subject{Kind: "job", ID: string(i.ID)},
			Summary: i18n.Text{Ja: fmt.Sprintf(text.Ja, i.Title.Ja), En: fmt.Sprintf(text.En, i.Title.En)}}, move(ctx)
	})
}
