package api

import (
	"context"
	"time"

	"kenshin/checkup"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/job"
	"kenshin/netid"
	"kenshin/store"
	"kenshin/trail"
)

// Sweep is one check-up over some segments.
type Sweep struct {
	ID           string         `json:"id"`
	State        checkup.State  `json:"state" enum:"running,done,incomplete,stopped,failed"`
	Paused       bool           `json:"paused"`
	Phase        checkup.Phase  `json:"phase" doc:"presence: who is there; asking: what are you; closing: what does it mean."`
	Segment      string         `json:"segment,omitempty" doc:"The one being worked on."`
	Segments     []string       `json:"segments" nullable:"false"`
	PresenceOnly bool           `json:"presence_only"`
	Listen       int            `json:"listen_seconds"`
	Done         int            `json:"done" doc:"Addresses asked, then hosts asked."`
	Total        int            `json:"total"`
	Found        int            `json:"found" doc:"Hosts that answered."`
	Asked        int            `json:"asked" doc:"Hosts that were asked all that may be asked."`
	Held         int            `json:"held" doc:"Hosts that were left alone."`
	Frames       int64          `json:"frames_sent"`
	Notes        []checkup.Note `json:"notes" nullable:"false" doc:"What could not be done, and why."`
	Job          string         `json:"job,omitempty"`
	RequestedBy  string         `json:"requested_by"`
	Created      time.Time      `json:"created"`
	Started      time.Time      `json:"started,omitzero"`
	Finished     time.Time      `json:"finished,omitzero"`
	Updated      time.Time      `json:"updated"`
}

// SweepHost is one host of a sweep.
type SweepHost struct {
	Device netid.DeviceID `json:"device,omitempty"`
	MAC    string         `json:"mac"`
	IP     string         `json:"ip"`
	State  string         `json:"state" enum:"waiting,asked,held"`
	Reason string         `json:"reason,omitempty" doc:"Why it was left alone."`
	At     time.Time      `json:"at"`
}

// SweepDetail is a sweep with its newest hosts.
type SweepDetail struct {
	Sweep
	Hosts []SweepHost `json:"hosts" nullable:"false"`
}

func viewSweep(v *checkup.Sweep) Sweep {
	return Sweep{ID: v.ID, State: v.State, Phase: v.Phase, Segment: v.Segment, Segments: full(v.Request.Segments), PresenceOnly: v.Request.PresenceOnly,
		Listen: int(v.Request.Listen / time.Second), Done: v.Done, Total: v.Total, Found: v.Found, Asked: v.Asked, Held: v.Held, Frames: v.Frames,
		Notes: full(v.Notes), Job: v.Run, RequestedBy: v.RequestedBy, Created: v.Created, Started: v.Started, Finished: v.Finished, Updated: v.Updated}
}

var sweepColumns = []col[Sweep]{
	{"id", func(v *Sweep) any { return v.ID }}, {"state", func(v *Sweep) any { return string(v.State) }},
	{"segments", func(v *Sweep) any { return joined(v.Segments) }}, {"found", func(v *Sweep) any { return v.Found }},
	{"asked", func(v *Sweep) any { return v.Asked }}, {"held", func(v *Sweep) any { return v.Held }}, {"frames_sent", func(v *Sweep) any { return v.Frames }},
	{"requested_by", func(v *Sweep) any { return v.RequestedBy }}, {"created", func(v *Sweep) any { return when(v.Created) }},
	{"started", func(v *Sweep) any { return when(v.Started) }}, {"finished", func(v *Sweep) any { return when(v.Finished) }},
}

type startSweep struct {
	Body struct {
		Segments     []string `json:"segments" minItems:"1" maxItems:"100" nullable:"false" doc:"Ids of approved segments." example:"[\"01991c7e-3f0a-7bbd-9a53-0c5f6f1f2a10\"]"`
		PresenceOnly bool     `json:"presence_only,omitempty" doc:"Only find who is there."`
		Listen       int      `json:"listen_seconds,omitempty" minimum:"0" maximum:"3600" doc:"How long to listen on each local segment before asking."`
	}
}

func (s *server) startSweep(ctx context.Context, f facility.ID, in *startSweep) (SweepDetail, error) {
	r := checkup.Request{Segments: in.Body.Segments, PresenceOnly: in.Body.PresenceOnly, Listen: time.Duration(in.Body.Listen) * time.Second}
	id, err := s.Work.StartSweep(ctx, f, r)
	if err != nil {
		return SweepDetail{}, err
	}
	return s.getSweep(ctx, f, &getSweep{ByID: ByID{id}})
}

type listPaged struct{ Paging }

func (s *server) listSweeps(ctx context.Context, f facility.ID, in *listPaged) (Page[Sweep], error) {
	c, err := s.Work.For(ctx, f)
	if err != nil {
		return Page[Sweep]{}, err
	}
	list, err := c.List(ctx, f, in.Cursor, in.Limit+1)
	if err != nil {
		return Page[Sweep]{}, err
	}
	next := ""
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next = list[in.Limit-1].ID
	}
	items := make([]Sweep, len(list))
	for i := range list {
		if _, err := s.driven(ctx, f, &list[i]); err != nil {
			return Page[Sweep]{}, err
		}
		items[i] = viewSweep(&list[i])
	}
	return page(items, next), nil
}

type getSweep struct {
	ByID
	Hosts int `query:"hosts" minimum:"0" maximum:"5000" default:"200" doc:"How many of the newest hosts to answer."`
}

func (s *server) getSweep(ctx context.Context, f facility.ID, in *getSweep) (SweepDetail, error) {
	c, err := s.Work.For(ctx, f)
	if err != nil {
		return SweepDetail{}, err
	}
	v, err := c.Get(ctx, f, in.ID)
	if err != nil {
		return SweepDetail{}, err
	}
	run, err := s.driven(ctx, f, &v)
	if err != nil {
		return SweepDetail{}, err
	}
	out := SweepDetail{viewSweep(&v), []SweepHost{}}
	out.Paused = v.State == checkup.Running && (run.State == job.Paused || run.PauseRequested)
	if in.Hosts == 0 {
		return out, nil
	}
	hosts, err := c.Hosts(ctx, f, in.ID, in.Hosts)
	for _, h := range hosts {
		out.Hosts = append(out.Hosts, SweepHost(h))
	}
	return out, err
}

// driven gives a running sweep the state that its job leaves it in, and returns that job; old jobs go, sweeps stay.
func (s *server) driven(ctx context.Context, f facility.ID, v *checkup.Sweep) (job.Info, error) {
	if v.Run == "" || v.State != checkup.Running {
		return job.Info{}, nil
	}
	run, err := s.Jobs.Get(ctx, f, job.RunID(v.Run))
	if fault.Is(err, fault.NotFound) {
		return job.Info{}, nil
	}
	if err == nil {
		v.State = v.Standing(run.State)
	}
	return run, err
}

// sweepJob returns the job that drives a sweep.
func (s *server) sweepJob(ctx context.Context, f facility.ID, id string) (*checkup.Checkup, job.RunID, error) {
	c, err := s.Work.For(ctx, f)
	if err != nil {
		return nil, "", err
	}
	v, err := c.Get(ctx, f, id)
	if err != nil {
		return nil, "", err
	}
	if v.State != checkup.Running {
		return nil, "", fault.New(fault.Conflict, "この健診はもう動いていません。", "This sweep is no longer running.")
	}
	return c, job.RunID(v.Run), nil
}

func (s *server) pauseSweep(ctx context.Context, f facility.ID, in *ByID) (SweepDetail, error) {
	_, run, err := s.sweepJob(ctx, f, in.ID)
	if err != nil {
		return SweepDetail{}, err
	}
	return s.moveSweep(ctx, f, in.ID, "sweep.pause", "健診を一時停止しました", "Paused a check-up", func(ctx context.Context) error {
		return s.Jobs.Pause(ctx, f, run)
	})
}

func (s *server) resumeSweep(ctx context.Context, f facility.ID, in *ByID) (SweepDetail, error) {
	_, run, err := s.sweepJob(ctx, f, in.ID)
	if err != nil {
		return SweepDetail{}, err
	}
	return s.moveSweep(ctx, f, in.ID, "sweep.resume", "健診を再開しました", "Resumed a check-up", func(ctx context.Context) error {
		return s.Jobs.Resume(ctx, f, run)
	})
}

func (s *server) stopSweep(ctx context.Context, f facility.ID, in *ByID) (SweepDetail, error) {
	c, run, err := s.sweepJob(ctx, f, in.ID)
	if err != nil {
		return SweepDetail{}, err
	}
	return s.moveSweep(ctx, f, in.ID, "sweep.stop", "健診を中止しました", "Stopped a check-up", func(ctx context.Context) error {
		err := s.DB.Write(ctx, f, func(tx *store.Tx) error { return c.Stop(ctx, tx, in.ID) })
		if err == nil && run != "" {
			if err = s.Jobs.Cancel(ctx, f, run); fault.Is(err, fault.NotFound) {
				err = nil
			}
		}
		return err
	})
}

func (s *server) moveSweep(ctx context.Context, f facility.ID, id, action, ja, en string, move func(context.Context) error) (SweepDetail, error) {
	err := s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		return deed(action, "sweep", id, ja, en, nil), move(ctx)
	})
	if err != nil {
		return SweepDetail{}, err
	}
	return s.getSweep(ctx, f, &getSweep{ByID: ByID{id}})
}

// Job is work that outlives a request.
type Job struct {
	ID          job.RunID `json:"id"`
	Kind        string    `json:"kind" example:"sweep"`
	Title       i18n.Text `json:"title"`
	Note        i18n.Text `json:"note"`
	Error       i18n.Text `json:"error"`
	State       job.State `json:"state" enum:"queued,running,paused,done,incomplete,failed,cancelled"`
	Done        int       `json:"done"`
	Total       int       `json:"total" doc:"0: not known yet."`
	Attempts    int       `json:"attempts" doc:"Tries of the present step that failed."`
	RequestedBy string    `json:"requested_by"`
	Created     time.Time `json:"created"`
	Started     time.Time `json:"started,omitzero"`
	Updated     time.Time `json:"updated,omitzero"`
	Finished    time.Time `json:"finished,omitzero"`
}

func viewJob(i *job.Info) Job {
	return Job{i.ID, i.Kind, i.Title, i.Note, i.Error, i.State, i.Done, i.Total, i.Attempts, i.RequestedBy, i.Created, i.Started, i.Updated, i.Finished}
}

var jobColumns = []col[Job]{
	{"id", func(v *Job) any { return string(v.ID) }}, {"kind", func(v *Job) any { return v.Kind }}, {"title_ja", func(v *Job) any { return v.Title.Ja }},
	{"state", func(v *Job) any { return string(v.State) }}, {"done", func(v *Job) any { return v.Done }}, {"total", func(v *Job) any { return v.Total }},
	{"error_ja", func(v *Job) any { return v.Error.Ja }}, {"requested_by", func(v *Job) any { return v.RequestedBy }},
	{"created", func(v *Job) any { return when(v.Created) }}, {"finished", func(v *Job) any { return when(v.Finished) }},
}

type listJobs struct {
	Paging
	Kind  []string `query:"kind" maxItems:"20"`
	State []string `query:"state" enum:"queued,running,paused,done,incomplete,failed,cancelled"`
}

func (s *server) listJobs(ctx context.Context, f facility.ID, in *listJobs) (Page[Job], error) {
	q := job.Filter{Kinds: in.Kind, Before: job.RunID(in.Cursor), Limit: in.Limit}
	for _, v := range in.State {
		q.States = append(q.States, job.State(v))
	}
	list, err := s.Jobs.List(ctx, f, q)
	if err != nil {
		return Page[Job]{}, err
	}
	next := ""
	if len(list) == in.Limit {
		next = string(list[in.Limit-1].ID)
	}
	items := make([]Job, len(list))
	for i := range list {
		items[i] = viewJob(&list[i])
	}
	return page(items, next), nil
}

func (s *server) getJob(ctx context.Context, f facility.ID, in *ByID) (Job, error) {
	i, err := s.Jobs.Get(ctx, f, job.RunID(in.ID))
	return viewJob(&i), err
}

func (s *server) moveJob(move func(context.Context, facility.ID, job.RunID) error, action, ja, en string) func(context.Context, facility.ID, *ByID) (Job, error) {
	return func(ctx context.Context, f facility.ID, in *ByID) (Job, error) {
		err := s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
			return deed(action, "job", in.ID, ja, en, nil), move(ctx, f, job.RunID(in.ID))
		})
		if err != nil {
			return Job{}, err
		}
		return s.getJob(ctx, f, in)
	}
}

func (s *server) retryJob(ctx context.Context, f facility.ID, in *ByID) (Job, error) {
	w, ok := s.Work.(Retrier)
	if !ok {
		return Job{}, fault.New(fault.Unavailable, "このサーバでは、処理のやり直しはできません。", "This server cannot do a job once more.")
	}
	var run job.RunID
	err := s.do(ctx, f, func(ctx context.Context) (e trail.Entry, err error) {
		run, err = w.Retry(ctx, f, job.RunID(in.ID))
		return deed("job.retry", "job", in.ID, "処理をやり直しました", "Did a job once more", map[string]any{"job": run}), err
	})
	if err != nil {
		return Job{}, err
	}
	return s.getJob(ctx, f, &ByID{string(run)})
}
