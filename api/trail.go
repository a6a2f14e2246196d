package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/trail"
)

func cursorOf(n int64) string { return strconv.FormatInt(n, 10) }

func numberCursor(c string) (int64, error) {
	if c == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(c, 10, 64)
	if err != nil || n < 1 {
		return 0, badCursor()
	}
	return n, nil
}

// TrailEntry is one thing that somebody did.
type TrailEntry struct {
	Seq         int64     `json:"seq"`
	At          time.Time `json:"at"`
	By          string    `json:"by"`
	ByKind      string    `json:"by_kind" enum:"person,token,command,system"`
	ByID        string    `json:"by_id"`
	From        string    `json:"from,omitempty" doc:"Address of the connection."`
	Action      string    `json:"action" example:"segment.approve"`
	SubjectKind string    `json:"subject_kind,omitempty"`
	SubjectID   string    `json:"subject_id,omitempty"`
	Summary     i18n.Text `json:"summary"`
	Detail      any       `json:"detail,omitempty"`
}

var trailColumns = []col[TrailEntry]{
	{"seq", func(e *TrailEntry) any { return e.Seq }}, {"at", func(e *TrailEntry) any { return when(e.At) }}, {"by", func(e *TrailEntry) any { return e.By }},
	{"by_kind", func(e *TrailEntry) any { return e.ByKind }}, {"by_id", func(e *TrailEntry) any { return e.ByID }},
	{"from", func(e *TrailEntry) any { return e.From }}, {"action", func(e *TrailEntry) any { return e.Action }}, {"subject_kind", func(e *TrailEntry) any { return e.SubjectKind }},
	{"subject_id", func(e *TrailEntry) any { return e.SubjectID }}, {"summary_ja", func(e *TrailEntry) any { return e.Summary.Ja }},
	{"detail", func(e *TrailEntry) any { return jsonText(e.Detail) }},
}

type listTrail struct {
	Paging
	Actor       string    `query:"actor" maxLength:"80" doc:"by_id."`
	Action      string    `query:"action" maxLength:"80" doc:"segment.approve, or a whole group: segment."`
	SubjectKind string    `query:"subject_kind" maxLength:"40"`
	SubjectID   string    `query:"subject_id" maxLength:"80"`
	From        time.Time `query:"from"`
	To          time.Time `query:"to"`
}

func (s *server) listTrail(ctx context.Context, f facility.ID, in *listTrail) (out Page[TrailEntry], err error) {
	q := trail.Filter{Actor: in.Actor, Action: in.Action, Subject: trail.Subject{Kind: in.SubjectKind, ID: in.SubjectID}, From: in.From, To: in.To, Limit: in.Limit}
	if q.Before, err = numberCursor(in.Cursor); err != nil {
		return out, err
	}
	err = s.DB.Read(ctx, f, func(tx *store.Tx) error {
		list, before, err := trail.List(ctx, tx, q)
		if err != nil {
			return err
		}
		items := make([]TrailEntry, len(list))
		for i, e := range list {
			items[i] = TrailEntry{e.Seq, e.At, e.Actor.Name, string(e.Actor.Kind), e.Actor.ID, e.Actor.Address, e.Action, e.Subject.Kind, e.Subject.ID, e.Summary, nil}
			if raw, ok := e.Detail.(json.RawMessage); ok {
				items[i].Detail = raw
			}
		}
		next := ""
		if before > 0 {
			next = cursorOf(before)
		}
		out = page(items, next)
		return nil
	})
	return out, err
}

// exportTrail answers every entry as it was hashed, one a line.
func (s *server) exportTrail(a huma.API, op huma.Operation) {
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString}}}}
	huma.Register(a, op, func(ctx context.Context, _ *struct{}) (*file, error) {
		if err := mayExport(ctx); err != nil {
			return nil, s.problem(ctx, err)
		}
		return &file{func(h huma.Context) {
			h.SetHeader("Content-Type", "application/x-ndjson")
			h.SetHeader("Content-Disposition", `attachment; filename="trail.ndjson"`)
			s.written(ctx, trail.Export(ctx, s.DB, facilityOf(ctx), h.BodyWriter()))
		}}, nil
	})
}

// Checkpoint is what an auditor keeps outside this machine.
type Checkpoint struct {
	Text        string    `json:"checkpoint" doc:"The signed note; give it back to /trail/verify later."`
	Size        int64     `json:"size" doc:"Entries so far."`
	Hash        string    `json:"hash" doc:"Of the tree, hex."`
	At          time.Time `json:"at"`
	VerifierKey string    `json:"verifier_key" doc:"The public key that the note is checked with."`
}

func (s *server) checkpoint(ctx context.Context, f facility.ID, _ *struct{}) (Checkpoint, error) {
	if s.Box == nil {
		return Checkpoint{}, fault.New(fault.Unavailable, "鍵ファイルがないため、記録に署名できません。", "Without the key file the trail cannot be signed.")
	}
	now := s.Now()
	text, head, err := trail.Checkpoint(ctx, s.DB, s.Box, f, now)
	if err != nil {
		return Checkpoint{}, err
	}
	key, err := trail.VerifierKey(ctx, s.DB, s.Box, f, now)
	return Checkpoint{string(text), head.Size, hex.EncodeToString(head.Hash[:]), head.At, key}, err
}

type verifyTrail struct {
	Body *struct {
		Checkpoint string `json:"checkpoint,omitempty" maxLength:"100000" doc:"An earlier checkpoint, or the daily text as it arrived; with it a cut end and a rewritten history are found too."`
	}
}

// Verdict is what a check of the whole trail found.
type Verdict struct {
	OK       bool     `json:"ok"`
	Entries  int64    `json:"entries"`
	Size     int64    `json:"size" doc:"Entries that the log says it has."`
	Root     string   `json:"root" doc:"Hash of the tree, hex."`
	Compared bool     `json:"compared" doc:"A checkpoint was given and could be trusted."`
	Findings []Damage `json:"findings" nullable:"false"`
	More     int      `json:"more" doc:"Findings beyond those."`
}

// Damage is one thing that is wrong with the trail.
type Damage struct {
	Problem trail.Problem `json:"problem" enum:"edited,deleted,moved,added,hashes,cut,fork,foreign"`
	Seq     int64         `json:"seq"`
	To      int64         `json:"to"`
	Says    i18n.Text     `json:"says"`
}

func (s *server) verifyTrail(ctx context.Context, f facility.ID, in *verifyTrail) (Verdict, error) {
	var checkpoint []byte
	if in.Body != nil && in.Body.Checkpoint != "" {
		checkpoint = []byte(in.Body.Checkpoint)
	}
	r, err := trail.Verify(ctx, s.DB, f, checkpoint)
	if err != nil {
		return Verdict{}, err
	}
	out := Verdict{OK: r.OK(), Entries: r.Entries, Size: r.Size, Root: hex.EncodeToString(r.Root[:]), Compared: r.Checkpoint != nil, Findings: []Damage{}, More: r.More}
	for _, d := range r.Findings {
		out.Findings = append(out.Findings, Damage{d.Problem, d.Seq, d.To, d.Says})
	}
	return out, nil
}

// Health says that the API answers, and nothing else.
type Health struct {
	Status  string `json:"status" example:"ok"`
	Version string `json:"version" example:"0.1.0"`
}

func (s *server) health(context.Context, facility.ID, *struct{}) (Health, error) {
	return Health{"ok", s.Version}, nil
}
