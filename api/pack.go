package api

import (
	"context"
	"errors"
	"io"

	"kenshin/actor"
	"kenshin/dock"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/paper"
	"kenshin/register"
	"kenshin/trail"
)

// packRoutes are the pack for an inspection (立入検査), and what the inspector said.
func (s *server) packRoutes() []route {
	return []route{
		{"GET", "/pack", actor.Export, "get-pack-state", "Whether a pack can be made now, and what keeps it from being made", "", one(s, s.packState)},
		{"GET", "/pack/file", actor.Export, "get-pack", "The pack for an inspection as a file",
			"html and pdf are A4 sheets, xlsx a workbook, json is sealed (POST /docks/verify checks it). Refused with 409 while an answer stands against a measurement without a reason: errors names the items. pdf answers 503 where this machine has no Chromium.",
			download(s, s.pack, "text/html; charset=utf-8", xlsxType, "application/pdf", "application/json")},
		{"GET", "/pack/remarks", actor.SeeAssess, "list-remarks", "What inspectors said, with the answers", "", list(s, s.listRemarks)},
		{"POST", "/pack/remarks", actor.EditAssess, "add-remark", "Write down what an inspector said", "It becomes a task; next year's pack prints it with the answer.", one(s, s.addRemark)},
		{"POST", "/pack/remarks/{id}/answer", actor.EditAssess, "answer-remark", "Say what was done about it", "Answered, its task is closed.", one(s, s.answerRemark)},
	}
}

// PackState says whether a pack can be made.
type PackState struct {
	Ready   bool      `json:"ready"`
	Why     string    `json:"why,omitempty"`
	Items   []PackGap `json:"items" nullable:"false" doc:"Answered yes against a measurement, without a reason (excuse)."`
	Formats []string  `json:"formats" nullable:"false" doc:"What this machine can make."`
}

// PackGap is where a reason has to be written.
type PackGap struct {
	Assessment string `json:"assessment" doc:"Id for /assessments/{id}/items/{item}."`
	Subject    string `json:"subject,omitempty"`
	Item       string `json:"item"`
	Number     string `json:"number,omitempty"`
	Title      string `json:"title"`
}

// OfDock names what a pack is made from.
type OfDock struct {
	Dock string `query:"dock" maxLength:"80" doc:"Id of a frozen check-up; missing: the state of now."`
}

func (s *server) packState(ctx context.Context, f facility.ID, in *OfDock) (PackState, error) {
	v := PackState{Ready: true, Items: []PackGap{}, Formats: []string{"html", "xlsx", "json"}}
	if paper.HasPDF() {
		v.Formats = append(v.Formats, "pdf")
	}
	err := s.Docks.Ready(ctx, f, in.Dock)
	if !fault.Is(err, fault.Conflict) {
		return v, err
	}
	v.Ready, v.Why = false, fault.Sentence(err, string(i18n.From(ctx)))
	if u, ok := errors.AsType[*dock.Unexplained](err); ok {
		for _, i := range u.Items {
			v.Items = append(v.Items, PackGap{i.Catalogue, i.Subject, i.Item, i.Number, i.Title})
		}
	}
	return v, nil
}

type getPack struct {
	OfDock
	Format string `query:"format" enum:"html,xlsx,pdf,json" default:"json"`
}

func (s *server) pack(ctx context.Context, f facility.ID, in *getPack) (handed, error) {
	p, err := s.Docks.Pack(ctx, f, in.Dock)
	if err != nil {
		return handed{}, err
	}
	body, media, err := s.Docks.As(ctx, f, &p, in.Format)
	if err != nil {
		return handed{}, err
	}
	name := "kenshin-" + p.Snapshot.Day + "-pack." + in.Format
	return handOut(name, media, body), s.record(ctx, f, dock.Exported("pack."+in.Format))
}

func handOut(name, media string, body []byte) handed {
	return handed{name, media, func(w io.Writer) error {
		_, err := w.Write(body)
		return err
	}}
}

func (s *server) dockFile(ctx context.Context, f facility.ID, in *ByID) (handed, error) {
	sealed, err := s.Docks.File(ctx, f, in.ID)
	if err != nil {
		return handed{}, err
	}
	body, err := sealed.File()
	if err != nil {
		return handed{}, err
	}
	return handOut("kenshin-dock.json", "application/json", body), s.record(ctx, f, dock.Exported("dock.json"))
}

func (s *server) listRemarks(ctx context.Context, f facility.ID, _ *listWhole) (Page[RegisterRow], error) {
	k, err := register.KindOf("remarks")
	if err != nil {
		return Page[RegisterRow]{}, err
	}
	rows, err := s.Registers.Rows(ctx, f, k.ID)
	if err != nil {
		return Page[RegisterRow]{}, err
	}
	names, err := s.Assess.Names(ctx, f, k)
	items := make([]RegisterRow, len(rows))
	for i, r := range rows {
		items[i] = viewRow(ctx, k, r, names)
	}
	return page(items, ""), err
}

type addRemark struct {
	Body struct {
		Inspected string `json:"inspected" maxLength:"40" doc:"The day." example:"2026-11-28"`
		Inspector string `json:"inspector,omitempty" maxLength:"500" example:"○○保健所"`
		Remark    string `json:"remark" minLength:"1" maxLength:"10000"`
		Item      string `json:"item,omitempty" maxLength:"80" doc:"Of the checklist: its id or its number."`
		ByWhen    string `json:"by_when,omitempty" maxLength:"40" doc:"By when it has to be put right."`
	}
}

func (s *server) addRemark(ctx context.Context, f facility.ID, in *addRemark) (out RegisterRow, err error) {
	k, err := register.KindOf("remarks")
	if err != nil {
		return out, err
	}
	names, err := s.Assess.Names(ctx, f, k)
	if err != nil {
		return out, err
	}
	b := &in.Body
	values := map[string]string{"inspected": b.Inspected, "inspector": b.Inspector, "remark": b.Remark, "item": b.Item, "by_when": b.ByWhen}
	k.Resolve(values, names)
	err = s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		row, err := s.Docks.Remark(ctx, f, values)
		out = viewRow(ctx, k, row, names)
		return k.Deed(row.ID, "add", "行を足しました", "added a row"), err
	})
	if err != nil {
		err = &flat{err}
	}
	return out, err
}

type answerRemark struct {
	ByID
	IfMatch
	Body struct {
		Action   string `json:"action" minLength:"1" maxLength:"10000" doc:"What was done."`
		Answered string `json:"answered" minLength:"1" maxLength:"40" doc:"The day on which it was answered." example:"2026-12-20"`
		Revision int64  `json:"revision,omitempty" minimum:"0" doc:"The revision that the answer stands on, instead of If-Match; one of the two is needed."`
	}
}

func (s *server) answerRemark(ctx context.Context, f facility.ID, in *answerRemark) (out RegisterRow, err error) {
	edit := editRow{OneRow: OneRow{ByRegister{"remarks"}, in.ByID}, IfMatch: in.IfMatch}
	edit.Body.Values, edit.Body.Revision = map[string]string{"action": in.Body.Action, "answered": in.Body.Answered}, in.Body.Revision
	if out, err = s.editRow(ctx, f, &edit); err != nil {
		return out, &flat{err}
	}
	return out, s.Docks.TellRemarks(ctx, f)
}
