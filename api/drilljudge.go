package api

import (
	"context"
	"time"

	"kenshin/drill"
	"kenshin/facility"
)

// DrillScanner is what a mail scanner of this site looks like.
type DrillScanner struct {
	ID      string    `json:"id"`
	Net     string    `json:"net,omitempty" doc:"Missing: any." example:"198.51.100.0/24"`
	Agent   string    `json:"agent,omitempty" doc:"Learned: the whole User-Agent; written down: a part of it, in either case. Missing: any."`
	Note    string    `json:"note,omitempty"`
	Learned bool      `json:"learned" doc:"In a preflight's quiet time; else a person wrote it down."`
	Inside  bool      `json:"inside,omitempty" doc:"Learned from the hospital's own address."`
	Hits    int       `json:"hits,omitempty" doc:"Learned: how many."`
	Last    time.Time `json:"last" doc:"Learned: its last hit; else when it was written down."`
}

func viewScanner(s drill.Scanner) DrillScanner {
	out := DrillScanner{ID: s.ID, Agent: s.Agent, Note: s.Note, Learned: s.Learned, Inside: s.Inside, Hits: s.Hits, Last: s.Last}
	if s.Net.IsValid() {
		out.Net = s.Net.String()
	}
	return out
}

func (s *server) listScanners(ctx context.Context, f facility.ID, _ *listWhole) (Page[DrillScanner], error) {
	list, err := s.Drills.Scanners(ctx, f)
	items := make([]DrillScanner, len(list))
	for i, x := range list {
		items[i] = viewScanner(x)
	}
	return page(items, ""), err
}

type addScanner struct {
	Body struct {
		Net   string `json:"net,omitempty" maxLength:"60" doc:"A network or an address." example:"198.51.100.0/24"`
		Agent string `json:"agent,omitempty" maxLength:"1000" doc:"A part of its User-Agent. With net both must fit."`
		Note  string `json:"note" minLength:"1" maxLength:"1000" doc:"What it is and how you know."`
	}
}

func (s *server) addScanner(ctx context.Context, f facility.ID, in *addScanner) (DrillScanner, error) {
	x, err := s.Drills.AddScanner(ctx, f, in.Body.Net, in.Body.Agent, in.Body.Note)
	return viewScanner(x), err
}

func (s *server) removeScanner(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Drills.RemoveScanner(ctx, f, in.ID)
}

func (s *server) judgeDrill(ctx context.Context, f facility.ID, in *ByID) error {
	return s.Drills.JudgeAnew(ctx, f, in.ID)
}
