package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"kenshin/checkup"
	"kenshin/event"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/job"
	"kenshin/netid"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web/page"
)

const sweepPage = 20 // check-ups of one page

func (v *visit) sweeps() error {
	return v.showSweeps(v.r.URL.Query()["segment"], "", nil)
}

// showSweeps lists check-ups beside the form that starts one. Without a choice every approved segment is ticked.
func (v *visit) showSweeps(chosen []string, only string, errs page.Errors) error {
	c, err := v.s.Work.For(v.ctx, v.facility)
	if err != nil {
		return err
	}
	_, approved, err := v.places()
	if err != nil {
		return err
	}
	view := page.SweepsView{Chosen: chosen, Only: only, Errors: errs}
	for _, e := range approved {
		view.Segments = append(view.Segments, e.Segment)
		if chosen == nil && errs == nil {
			view.Chosen = append(view.Chosen, e.ID)
		}
	}
	before := v.r.URL.Query().Get("before")
	list, err := c.List(v.ctx, v.facility, before, sweepPage+1)
	if err != nil {
		return err
	}
	for i := range min(len(list), sweepPage) {
		row, err := v.sweepRow(list[i])
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	view.Pager = page.Pager{From: min(1, len(view.Rows)), To: len(view.Rows), Total: -1}
	if len(list) > sweepPage {
		view.Pager.Next = page.PathSweeps + "?" + url.Values{"before": {list[sweepPage-1].ID}}.Encode()
	}
	if before != "" {
		view.Pager.Prev = page.PathSweeps
	}
	if len(errs) > 0 {
		v.status(http.StatusUnprocessableEntity)
	}
	v.show(page.SweepsPage(v.shell(), view))
	return nil
}

// runOf returns the job that drives a check-up, nil when there is none any more.
func (s *Server) runOf(v *visit, x checkup.Sweep) (*job.Info, error) {
	if x.Run == "" {
		return nil, nil
	}
	run, err := s.Jobs.Get(v.ctx, v.facility, job.RunID(x.Run))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return &run, err
}

// sweepRow tells a check-up in one line: its own state, and that of the job that drives it.
func (v *visit) sweepRow(x checkup.Sweep) (page.SweepRow, error) {
	run, err := v.s.runOf(v, x)
	if err != nil {
		return page.SweepRow{}, err
	}
	row := page.SweepRow{ID: x.ID, State: sweepState(x, run), Started: x.Started, Finished: x.Finished, By: x.RequestedBy, Percent: x.Permille() / 10, Found: x.Found, Frames: x.Frames}
	if row.Started.IsZero() {
		row.Started = x.Created
	}
	names, err := v.segmentNames()
	if err != nil {
		return row, err
	}
	for _, id := range x.Request.Segments {
		row.Segments = append(row.Segments, cmp.Or(names[id], v.t("(消した区画)", "(removed segment)")))
	}
	for i, note := range x.Notes {
		if i > 0 {
			row.Says += " "
		}
		row.Says += note.Text.For(v.ctx)
	}
	if row.State == "failed" && run != nil {
		row.Says = cmp.Or(run.Error.For(v.ctx), row.Says)
		if row.Finished.IsZero() {
			row.Finished = run.Finished
		}
	}
	row.New, row.Findings, err = v.between(x.Created, x.Finished)
	return row, err
}

// between counts new devices and new weak points of a time; a zero end is now.
func (v *visit) between(from, to time.Time) (devices, findings int, err error) {
	counts, err := v.s.Events.Counts(v.ctx, v.facility, from)
	if err != nil {
		return 0, 0, err
	}
	devices, findings = counts[event.DeviceFound], counts[event.FindingOpened]
	if to.IsZero() {
		return devices, findings, nil
	}
	later, err := v.s.Events.Counts(v.ctx, v.facility, to.Add(time.Second))
	return devices - later[event.DeviceFound], findings - later[event.FindingOpened], err
}

// sweepState is the page's word for where a check-up stands.
func sweepState(x checkup.Sweep, run *job.Info) string {
	if run == nil || x.State != checkup.Running {
		return string(x.State)
	}
	switch {
	case run.State == job.Paused || run.PauseRequested && !run.State.Over():
		return "paused"
	case run.State == job.Queued && x.Started.IsZero():
		return "queued"
	}
	return string(x.Standing(run.State))
}

func (v *visit) sweepStart() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	only := f.Get("only")
	if only != "" && only != "presence" {
		return fault.New(fault.Invalid, "どこまで調べるかを選んでください。", "Choose how far to look.")
	}
	return v.start(f["segment"], only)
}

// segmentSweep is the button of one segment.
func (v *visit) segmentSweep() error {
	return v.start([]string{v.r.PathValue("id")}, "")
}

// start asks for a check-up and leads to its live page.
func (v *visit) start(segments []string, only string) error {
	here, err := v.place()
	if err != nil {
		return err
	}
	segments = slices.Compact(slices.Sorted(slices.Values(segments)))
	running, err := v.s.running(v)
	if err != nil {
		return err
	}
	sw, err := v.s.Gates.Switch(v.ctx, v.facility)
	if err != nil {
		return err
	}
	refuse := func(ja, en string) error {
		return v.showSweeps(append([]string{}, segments...), only, page.Errors{"": v.t(ja, en)})
	}
	switch {
	case here.Demo:
		return refuse("見本の施設では、健診を始められません。", "A sample facility cannot be checked up.")
	case len(segments) == 0:
		return refuse("区画を1つ以上選んでください。", "Choose at least one segment.")
	case sw.Killed:
		return refuse("停止スイッチが入っています。「区画」のページで解除してから始めてください。", "The kill switch is on. Release it on the Segments page first.")
	case running != nil:
		return refuse("いま、ほかの健診が進んでいます。終わってから始めてください。", "Another check-up is under way. Wait until it has ended.")
	}
	id, err := v.s.Work.StartSweep(v.ctx, v.facility, checkup.Request{Segments: segments, PresenceOnly: only == "presence"})
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		return v.showSweeps(append([]string{}, segments...), only, page.Errors{"": v.says(err)})
	}
	v.redirect(page.SweepPath(id, ""))
	return nil
}

// moveSweep moves a check-up and records it.
func (v *visit) moveSweep(action, id string, text i18n.Text, move func(context.Context) error) error {
	return v.do(func(ctx context.Context) (trail.Entry, error) {
		return trail.Entry{Action: action, Subject: trail.Subject{Kind: "sweep", ID: id}, Summary: text}, move(ctx)
	})
}

func (v *visit) oneSweep() (checkup.Sweep, *checkup.Checkup, error) {
	c, err := v.s.Work.For(v.ctx, v.facility)
	if err != nil {
		return checkup.Sweep{}, nil, err
	}
	x, err := c.Get(v.ctx, v.facility, v.r.PathValue("id"))
	return x, c, err
}

func (v *visit) sweep() error {
	view, err := v.sweepView()
	if err != nil {
		return err
	}
	v.show(page.SweepPage(v.shell(), view))
	return nil
}

func (v *visit) sweepLive() error {
	view, err := v.sweepView()
	if err != nil {
		return err
	}
	if !view.Going() { // it has just ended: the whole page is shown again, with its menu and buttons
		v.w.Header().Set("HX-Refresh", "true")
	}
	v.show(page.SweepLive(v.shell(), view))
	return nil
}

const cameDevices = 50 // of a check-up's page

// sweepView is one check-up as its page shows it while it goes on.
func (v *visit) sweepView() (page.SweepView, error) {
	x, c, err := v.oneSweep()
	if err != nil {
		return page.SweepView{}, err
	}
	view := page.SweepView{Protected: x.Held, Addresses: x.Done, Of: x.Total, Stages: v.stages(x)}
	if view.SweepRow, err = v.sweepRow(x); err != nil {
		return view, err
	}
	entries, err := v.s.Gates.Segments(v.ctx, v.facility)
	if err != nil {
		return view, err
	}
	view.Pace = gate.Fast
	for _, e := range entries {
		if slices.Contains(x.Request.Segments, e.ID) && e.Pace.FramesPerSecond() < view.Pace.FramesPerSecond() {
			view.Pace = e.Pace
		}
	}
	if view.State == "running" {
		view.Step = v.stepNow(x, entries)
		view.PerSecond = v.s.rates.of(x)
		if took := v.s.Now().Sub(x.Started); view.Percent > 2 && !x.Started.IsZero() {
			view.Left = took * time.Duration(100-view.Percent) / time.Duration(view.Percent)
		}
	}
	if err := v.sweepDevices(&view, c, x); err != nil {
		return view, err
	}
	if !x.Started.IsZero() {
		err = v.sweepSent(&view, x)
	}
	return view, err
}

// stepNow says in plain words what a check-up does.
func (v *visit) stepNow(x checkup.Sweep, entries []gate.Entry) string {
	where := ""
	for _, e := range entries {
		if e.ID == x.Segment {
			where = e.Name + ": "
		}
	}
	switch x.Phase {
	case checkup.Presence:
		return where + v.t("だれがいるかを聞いています", "asking who is there")
	case checkup.Asking:
		return where + v.t("1台ずつ、あいさつしています", "greeting the devices one by one")
	case checkup.Closing:
	}
	return v.t("まとめています", "drawing conclusions")
}

func (v *visit) stages(x checkup.Sweep) []page.Stage {
	order := []checkup.Phase{checkup.Presence, checkup.Asking, checkup.Closing}
	at := slices.Index(order, x.Phase)
	over := x.State != checkup.Running
	state := func(i int) string {
		switch {
		case i == 1 && x.Request.PresenceOnly:
			return "skipped"
		case x.State == checkup.Done || x.State == checkup.Incomplete || i < at:
			return "done"
		case over:
			return "skipped"
		case i == at && !x.Started.IsZero():
			return "running"
		}
		return "waiting"
	}
	return []page.Stage{
		{Name: v.t("だれがいるか", "Who is there"), State: state(0), Says: v.t("%d台が答えました", "%d answered", x.Found)},
		{Name: v.t("1台ずつ、あいさつ", "What are you"), State: state(1), Says: v.t("%d台に聞きました。%d台は守って聞いていません", "%d asked; %d were left alone", x.Asked, x.Held)},
		{Name: v.t("正体と弱点を決める", "What does it mean"), State: state(2), Says: v.t("聞いた順に決めていきます", "as the answers come")},
	}
}

func (v *visit) sweepDevices(view *page.SweepView, c *checkup.Checkup, x checkup.Sweep) error {
	hosts, err := c.Hosts(v.ctx, v.facility, x.ID, cameDevices)
	if err != nil {
		return err
	}
	var ids []netid.DeviceID
	for _, h := range hosts {
		if h.Device != "" {
			ids = append(ids, h.Device)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	for _, h := range hosts {
		if h.Device == "" {
			continue
		}
		d, err := v.s.Ledger.Get(v.ctx, v.facility, h.Device) // follows merges
		if fault.Is(err, fault.NotFound) || err == nil && slices.ContainsFunc(view.Devices, func(o page.SweepDevice) bool { return o.ID == string(d.ID) }) {
			continue
		}
		if err != nil {
			return err
		}
		view.Devices = append(view.Devices, page.SweepDevice{ID: string(d.ID), Name: d.Name(), Kind: d.Kind(), Medical: d.Medical(),
			New: !d.FirstSeen.Before(x.Created), Maker: d.Maker(), IP: h.IP, MAC: h.MAC, At: h.At})
	}
	return nil
}

// sweepSent is what went into the check-up's segments in the hours that it took; counts are kept by the hour.
func (v *visit) sweepSent(view *page.SweepView, x checkup.Sweep) error {
	sums := map[gate.Frame]*page.SentRow{}
	var order []gate.Frame
	for _, segment := range x.Request.Segments {
		list, err := v.s.Gates.SentTotals(v.ctx, v.facility, gate.SentFilter{Segment: segment, From: x.Started.UTC().Truncate(time.Hour), To: view.Finished})
		if err != nil {
			return err
		}
		for _, s := range list {
			if sums[s.Frame] == nil {
				sums[s.Frame] = &page.SentRow{Frame: s.Frame, Last: x.Updated, Why: v.t("守り・時間帯・停止スイッチのため", "protection, hours or the kill switch")}
				order = append(order, s.Frame)
			}
			sums[s.Frame].Count += s.Sent
			sums[s.Frame].Refused += s.Refused
		}
	}
	for _, f := range order {
		view.Sent = append(view.Sent, *sums[f])
	}
	return nil
}

func (v *visit) sweepPause() error {
	return v.steer("sweep.pause", i18n.Text{Ja: "健診を一時停止しました", En: "Paused a check-up"}, v.s.Jobs.Pause)
}

func (v *visit) sweepResume() error {
	return v.steer("sweep.resume", i18n.Text{Ja: "健診をつづけました", En: "Resumed a check-up"}, v.s.Jobs.Resume)
}

func (v *visit) sweepStop() error {
	return v.steer("sweep.stop", i18n.Text{Ja: "健診を止めました", En: "Stopped a check-up"}, v.s.Jobs.Cancel)
}

// steer pauses, resumes or stops a check-up by its job; stopping ends the check-up itself first.
func (v *visit) steer(action string, text i18n.Text, do jobDo) error {
	x, c, err := v.oneSweep()
	if err != nil {
		return err
	}
	if x.State != checkup.Running {
		return fault.New(fault.Conflict, "この健診はもう動いていません。", "This check-up is no longer running.")
	}
	err = v.moveSweep(action, x.ID, text, func(ctx context.Context) error {
		if action == "sweep.stop" {
			if err := v.s.DB.Write(ctx, v.facility, func(tx *store.Tx) error { return c.Stop(ctx, tx, x.ID) }); err != nil {
				return err
			}
		}
		if x.Run == "" {
			return nil
		}
		if err := do(ctx, v.facility, job.RunID(x.Run)); !fault.Is(err, fault.NotFound) {
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	v.said(text.Ja+"。", text.En+".")
	v.redirect(page.SweepPath(x.ID, ""))
	return nil
}

// rates remembers how many frames check-ups had sent at the last look, to tell the pace of now.
type rates struct {
	mu   sync.Mutex
	last map[string]rate
}

type rate struct {
	at        time.Time
	frames    int64
	perSecond int
}

// of returns the frames per second between the last two moments at which a check-up saved how far it is.
func (r *rates) of(x checkup.Sweep) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	was, known := r.last[x.ID]
	if !known {
		if r.last == nil || len(r.last) > 100 {
			r.last = map[string]rate{}
		}
		was = rate{at: x.Started}
	}
	if took := x.Updated.Sub(was.at).Seconds(); took >= 0.5 && x.Frames >= was.frames {
		was = rate{at: x.Updated, frames: x.Frames, perSecond: int(float64(x.Frames-was.frames) / took)}
		r.last[x.ID] = was
	}
	return was.perSecond
}
