package web

import (
	"fmt"

	"kenshin/actor"
	"kenshin/checkup"
	"kenshin/web/page"
)

// fillShell adds what every page shows around its own content: how many weak points are open, whether the kill switch is on, the check-up that
// goes on now. A part that cannot be read is left out and logged.
func (s *Server) fillShell(v *visit, sh *page.Shell) {
	sum, err := s.Findings.Summarise(v.ctx, v.facility)
	v.note(err, "findings")
	sh.Findings = sum.Open
	if free, short := s.DB.ShortOfRoom(); short {
		sh.Full = fmt.Sprintf("%.1f GB", float64(free)/(1<<30))
	}
	sw, err := s.Gates.Switch(v.ctx, v.facility)
	v.note(err, "kill switch")
	sh.Killed = page.Kill{On: sw.Killed, By: sw.By, At: sw.At}
	if !v.actor.Role.May(actor.SeeSegments) {
		return
	}
	running, err := s.running(v)
	v.note(err, "check-up")
	if running != nil {
		sh.Sweep = &page.Running{ID: running.ID, Percent: running.Permille() / 10}
	}
}

// running returns the check-up that goes on now, nil when none does.
func (s *Server) running(v *visit) (*checkup.Sweep, error) {
	c, err := s.Work.For(v.ctx, v.facility)
	if err != nil {
		return nil, err
	}
	list, err := c.List(v.ctx, v.facility, "", 5)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].State != checkup.Running {
			continue
		}
		run, err := s.runOf(v, list[i])
		if err != nil {
			return nil, err
		}
		if run == nil || !run.State.Over() {
			return &list[i], nil
		}
	}
	return nil, nil
}
