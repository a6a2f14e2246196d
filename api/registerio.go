package api

import (
	"context"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/paper"
	"kenshin/register"
	"kenshin/trail"
)

// exportRows sends a register as the console does.
func (s *server) exportRows(ctx context.Context, f facility.ID, in *listRegisterRows, format string) (func(huma.Context) error, error) {
	k, rows, names, err := s.rows(ctx, f, in)
	if err != nil {
		return nil, err
	}
	table, records := k.Table(rows, i18n.From(ctx), names)
	return func(h huma.Context) error {
		if format == "csv" {
			return paper.WriteCSV(h.BodyWriter(), table, records)
		}
		return paper.WriteXLSX(h.BodyWriter(), paper.Part{Table: table, Rows: records})
	}, s.record(ctx, f, k.Exported(format, len(rows)))
}

// RegisterImport is a sheet that was sent, and what it would do, or did.
type RegisterImport struct {
	ID      string           `json:"id,omitempty" doc:"Missing once it was taken in."`
	File    string           `json:"file"`
	Sheet   string           `json:"sheet"`
	Header  int              `json:"header" doc:"The row of the headings, from 1."`
	Columns []ReadColumn     `json:"columns" nullable:"false"`
	New     int              `json:"new"`
	Changed int              `json:"changed"`
	Same    int              `json:"same"`
	Wrong   int              `json:"wrong" doc:"Rows that cannot be read, or stand twice in the file. They are left out."`
	Errors  []register.Wrong `json:"errors" nullable:"false" doc:"What is wrong with them, cell by cell; the first 500."`
	Notes   []i18n.Text      `json:"notes" nullable:"false"`
	Missing string           `json:"missing,omitempty" doc:"Why the sheet cannot be taken as it is read now: tie its columns."`
	Removed int              `json:"removed" doc:"Rows that went since the file did not have them."`
}

// ReadColumn is a column of the file and what it is taken for.
type ReadColumn struct {
	Index  int    `json:"index" doc:"From 0."`
	Letter string `json:"letter" example:"B"`
	Header string `json:"header"`
	Key    string `json:"key" doc:"Of the register's column, or owner; empty: left out."`
}

// ColumnKey ties one column of the sheet to a column of the register.
type ColumnKey struct {
	Index int    `json:"index" minimum:"0" maximum:"999" doc:"From 0, as in columns."`
	Key   string `json:"key" maxLength:"60" doc:"Of a column of the register, or owner; empty: left out." example:"name"`
}

const mostWrong = 500

func viewImported(id, file string, i register.Import) RegisterImport {
	out := RegisterImport{ID: id, File: file, Sheet: i.Sheet, Header: i.Header, Columns: []ReadColumn{}, New: i.Counts[register.LineNew], Changed: i.Counts[register.LineChanged], Same: i.Counts[register.LineSame],
		Wrong: i.Counts[register.LineWrong] + i.Counts[register.LineTwice], Errors: []register.Wrong{}, Notes: full(i.Notes)}
	for _, c := range i.Columns {
		out.Columns = append(out.Columns, ReadColumn{c.Index, c.Letter, c.Header, c.Key})
	}
	for _, l := range i.Lines {
		out.Errors = append(out.Errors, l.Wrong[:min(len(l.Wrong), mostWrong-len(out.Errors))]...)
	}
	return out
}

type addRegisterImport struct {
	ByRegister
	Upload
}

func (s *server) addRegisterImport(ctx context.Context, f facility.ID, in *addRegisterImport) (out RegisterImport, err error) {
	k, err := in.kind(ctx, true)
	if err != nil {
		return out, err
	}
	part, err := in.part()
	if err != nil {
		return out, err
	}
	id, err := s.Registers.Stage(ctx, f, k, part.FileName(), part)
	if err != nil {
		return out, err
	}
	out, _, err = s.readStaged(ctx, f, k, id, nil)
	return out, err
}

// readStaged reads a sheet again. That a column is missing is told with the columns, not instead of them; ties are refused where they name none.
func (s *server) readStaged(ctx context.Context, f facility.ID, k register.Kind, id string, ties []ColumnKey) (out RegisterImport, read register.Import, err error) {
	names, err := s.Assess.Names(ctx, f, k)
	if err != nil {
		return out, read, err
	}
	chosen := map[int]string{}
	for n, t := range ties {
		if _, known := k.Column(t.Key); !known && t.Key != "" && t.Key != "owner" {
			return out, read, placed(fmt.Sprintf("body.columns[%d].key", n), fault.Newf(fault.Invalid, "「%.60s」という欄はありません。", "There is no column %.60q.", t.Key))
		}
		chosen[t.Index] = t.Key
	}
	file, read, err := s.Registers.Staged(ctx, f, k, id, chosen, names)
	out = viewImported(id, file, read)
	if err != nil && len(read.Columns) > 0 && read.Counts != nil {
		if fault.Is(err, fault.Invalid) {
			out.Missing, err = fault.Sentence(err, string(i18n.From(ctx))), nil
		}
	}
	return out, read, err
}

// OneRegisterImport names a sheet that was sent.
type OneRegisterImport struct {
	ByRegister
	ByID
}

func (s *server) getRegisterImport(ctx context.Context, f facility.ID, in *OneRegisterImport) (out RegisterImport, err error) {
	k, err := in.kind(ctx, true)
	if err != nil {
		return out, err
	}
	out, _, err = s.readStaged(ctx, f, k, in.ID, nil)
	return out, err
}

type previewRegisterImport struct {
	OneRegisterImport
	Body struct {
		Columns []ColumnKey `json:"columns" maxItems:"1000" doc:"Columns that are read otherwise than guessed; the others stay."`
	}
}

func (s *server) previewRegisterImport(ctx context.Context, f facility.ID, in *previewRegisterImport) (out RegisterImport, err error) {
	k, err := in.kind(ctx, true)
	if err != nil {
		return out, err
	}
	out, _, err = s.readStaged(ctx, f, k, in.ID, in.Body.Columns)
	return out, err
}

type applyRegisterImport struct {
	OneRegisterImport
	Body *struct {
		Columns []ColumnKey `json:"columns,omitempty" maxItems:"1000" doc:"As sent to /preview."`
		Replace bool        `json:"replace,omitempty" doc:"Of lists from other systems: rows that the file does not have go. Where rows name a system, only rows of the file's systems."`
	}
}

func (s *server) applyRegisterImport(ctx context.Context, f facility.ID, in *applyRegisterImport) (out RegisterImport, err error) {
	k, err := in.kind(ctx, true)
	if err != nil {
		return out, err
	}
	var ties []ColumnKey
	replace := false
	if in.Body != nil {
		ties, replace = in.Body.Columns, in.Body.Replace
	}
	out, read, err := s.readStaged(ctx, f, k, in.ID, ties)
	if err != nil {
		return out, err
	}
	switch {
	case out.Missing != "":
		return out, placed("body.columns", fault.New(fault.Invalid, out.Missing, out.Missing))
	case read.Good() == 0:
		return out, placed("body.columns", fault.New(fault.Invalid, "取り込める行がありません。列の読み方か、ファイルを直してください。", "No row can be taken. Change how columns are read, or the file."))
	}
	err = s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		did, err := s.Registers.Take(ctx, f, k.ID, read.Lines, replace, out.File)
		out.New, out.Changed, out.Removed, out.Same = did.Added, did.Changed, did.Removed, read.Good()-did.Added-did.Changed
		return k.Took(did, out.File), err
	})
	if err != nil {
		return out, err
	}
	out.ID = ""
	return out, s.Registers.Unstage(ctx, f, k, in.ID)
}

func (s *server) discardRegisterImport(ctx context.Context, f facility.ID, in *OneRegisterImport) error {
	k, err := in.kind(ctx, true)
	if err != nil {
		return err
	}
	return s.Registers.Unstage(ctx, f, k, in.ID)
}
