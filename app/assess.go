package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kenshin/actor"
	"kenshin/assess"
	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/drill"
	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/store"
)

// assessKind is the work of looking at the evidence anew.
const assessKind = "assess"

// soon gathers changes that come one after another.
const soon = 5 * time.Second

// assessment puts the yearly check-up together.
func (h *House) assessment() (err error) {
	h.Assess, err = assess.NewBook(h.DB, assess.Options{Evidence: h.Evidence, Findings: h.Findings, Ledger: h.Ledger, Suppliers: h.Suppliers, Registers: h.Registers, Seen: h.Seen, Gates: h.Gates,
		People: h.Account, Drills: h.drillsHeld, Trained: h.trained, Now: h.Now,
		Catalogues: h.catalogues, Tables: h.Editions.Tables})
	if err != nil {
		return fmt.Errorf("read the catalogues: %w", err)
	}
	h.Jobs.Handle(assessKind, job.Options{Title: i18n.Text{Ja: "証拠の見直し", En: "Looking at the evidence"}}, h.assessStep)
	h.Jobs.Periodic(assessKind, time.Hour, h.assessBehind)
	h.Plans = plan.New(h.DB, plan.Options{Ledger: h.Ledger, Suppliers: h.Suppliers, Findings: h.Findings, Registers: h.Registers, Gates: h.Gates, Catalogues: h.catalogues, Fees: h.fees, Now: h.Now})
	return nil
}

// fees are the conditions of the fee schedule as they are in force.
func (h *House) fees(ctx context.Context) ([]catalogue.Fee, error) {
	s, err := h.Editions.Tables(ctx)
	return s.Fees, err
}

// catalogues are the editions that are in force, the same for every facility.
func (h *House) catalogues(ctx context.Context, _ facility.ID) (catalogue.Set, error) {
	return h.Editions.Set(ctx)
}

// assessStep looks again while something changed under its hands.
func (h *House) assessStep(ctx context.Context, run *job.Run) (job.Next, error) {
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: assessKind, Name: "Kenshin"})
	if err := h.Assess.Recompute(ctx, run.Facility); err != nil {
		return job.Next{}, err
	}
	if _, behind, err := h.Assess.Looked(ctx, run.Facility); err != nil || behind {
		return job.Again(time.Second), err
	}
	return job.Done, nil
}

// reassess asks for the evidence to be looked at, in the transaction of what changed.
func (h *House) reassess(ctx context.Context, tx *store.Tx, delay time.Duration) error {
	if err := h.Assess.Mark(ctx, tx); err != nil {
		return err
	}
	_, err := h.Jobs.Enqueue(ctx, tx, assessKind, nil, job.Request{UniqueKey: assessKind, Delay: delay})
	return err
}

// afterLedger asks for it when people change the ledger; what a sweep or listening writes is looked at when the sweep is over, or within the hour.
func (h *House) afterLedger(ctx context.Context, tx *store.Tx, changes []ledger.Change) error {
	switch {
	case len(changes) == 0:
		return nil
	case actor.From(ctx).Kind == actor.System:
		return h.Assess.Mark(ctx, tx)
	}
	return h.reassess(ctx, tx, soon)
}

// assessBehind makes up for changes that nobody asked for: of listening, of a moment in which the last run had just ended, and of time that goes by.
func (h *House) assessBehind(ctx context.Context) error {
	all, err := h.Account.Facilities(ctx)
	errs := []error{err}
	for _, f := range all {
		at, behind, err := h.Assess.Looked(ctx, f.ID)
		if err == nil && (behind || h.Now().Sub(at).Abs() > time.Hour) {
			err = h.DB.Write(ctx, f.ID, func(tx *store.Tx) error {
				_, err := h.Jobs.Enqueue(ctx, tx, assessKind, nil, job.Request{UniqueKey: assessKind})
				return err
			})
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// trained hands the drill's training roll to the checklist.
func (h *House) trained(ctx context.Context, f facility.ID, since time.Time) (out assess.Training, err error) {
	t, err := h.Drills.Trained(ctx, f, since)
	out.Staff = t.Staff
	for _, p := range t.People {
		out.People = append(out.People, assess.Trainee{ID: p.Person, Name: p.Name, Department: p.Department, At: p.At})
	}
	for _, g := range t.Nameless {
		out.Nameless = append(out.Nameless, assess.Nameless(g))
	}
	return out, err
}

// drillsHeld lists the mail drills that ended, and how many people the drill knows to work here.
func (h *House) drillsHeld(ctx context.Context, f facility.ID) (out []assess.Held, staff int, err error) {
	list, err := h.Drills.List(ctx, f, drill.Sent, drill.Closed)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range list {
		out = append(out, assess.Held{ID: d.ID, Name: d.Name, At: d.Ended})
	}
	page, err := h.Drills.People(ctx, f, drill.PeopleFilter{Limit: 1})
	return out, page.Total, err
}
