package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/job"
	"kenshin/ledger/sheet"
	"kenshin/paper"
	"kenshin/trail"
)

// Import is one import of the hospital's own ledger.
type Import struct {
	ID       string         `json:"id"`
	File     string         `json:"file" example:"機器台帳.xlsx"`
	State    sheet.State    `json:"state" enum:"mapping,staging,preview,applying,done,undoing,undone" doc:"mapping: tie its columns by /mapping first; preview: what it would do is there to be looked at."`
	Replace  bool           `json:"replace" doc:"The sheet wins over what a person entered."`
	Count    sheet.Count    `json:"count" doc:"Rows by what happens to them."`
	Total    int            `json:"total" doc:"Rows that change something."`
	Done     int            `json:"done" doc:"Of these, how many are in, or taken back."`
	Stayed   int            `json:"stayed" doc:"Rows that an undo left, since somebody edited the device."`
	Mapping  *sheet.Mapping `json:"mapping,omitempty" doc:"How the sheet is read; missing in lists."`
	Sheets   []SheetName    `json:"sheets,omitempty" doc:"The sheets of the file, told after an upload."`
	Warnings []i18n.Text    `json:"warnings,omitempty" doc:"About the file as a whole, told after an upload."`
	Job      string         `json:"job,omitempty" doc:"The job that does the work, where it is one."`
	At       time.Time      `json:"at"`
	Finished time.Time      `json:"finished,omitzero"`
	By       string         `json:"by"`
}

// SheetName is one sheet of the uploaded file.
type SheetName struct {
	Name   string `json:"name"`
	Hidden bool   `json:"hidden"`
}

func viewImport(i *sheet.Import) Import {
	m := i.Mapping
	m.Columns = full(m.Columns)
	return Import{ID: i.ID, File: i.File, State: i.State, Replace: i.Replace, Count: i.Count, Total: i.Total, Done: i.Done, Stayed: i.Stayed, Mapping: &m,
		At: i.At, Finished: i.Finished, By: i.By}
}

// uploading mounts a handler that takes a file. huma must not read the body, so the form is described afterwards.
func uploading(what string, handler mount) mount {
	return func(a huma.API, op huma.Operation) {
		form := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": form}}
		handler(a, op)
		form.Schema = &huma.Schema{Type: huma.TypeObject, Required: []string{"file"}, Properties: map[string]*huma.Schema{
			"file": {Type: huma.TypeString, Format: "binary", Description: what}}}
	}
}

// Upload is a multipart body that is read as it comes.
type Upload struct{ request *http.Request }

// Resolve keeps the request: nothing of the body is read before the handler.
func (u *Upload) Resolve(h huma.Context) []error {
	u.request, _ = humago.Unwrap(h)
	return nil
}

// part returns the file of the form.
func (u *Upload) part() (*multipart.Part, error) {
	needed := func(err error) error {
		return fault.Wrap(fault.Invalid, err, "ファイルを multipart/form-data の項目 file として送ってください。", "Send the file as the field file of multipart/form-data.")
	}
	r, err := u.request.MultipartReader()
	if err != nil {
		return nil, needed(err)
	}
	for range 20 { // fields before the file
		p, err := r.NextPart()
		if err != nil {
			if _, big := errors.AsType[*http.MaxBytesError](err); big {
				return nil, err
			}
			return nil, needed(err)
		}
		if p.FormName() == "file" && p.FileName() != "" {
			return p, nil
		}
	}
	return nil, needed(errors.New("no field file"))
}

// addImport takes a file, guesses how to read it and says what it would do.
func (s *server) addImport(ctx context.Context, f facility.ID, in *Upload) (Import, error) {
	part, err := in.part()
	if err != nil {
		return Import{}, err
	}
	kept, err := blob.Put(ctx, s.DB, f, part.FileName(), part)
	if err != nil {
		return Import{}, err
	}
	out, err := s.beginImport(ctx, f, kept)
	if err != nil {
		return Import{}, errors.Join(err, blob.Remove(context.WithoutCancel(ctx), s.DB, f, kept.ID))
	}
	return out, s.record(ctx, f, deed("import.add", "import", out.ID, "台帳のファイルを読みました(まだ取り込んでいません)", "Read a ledger file, not yet taken in",
		map[string]any{"file": out.File, "sha256": kept.SHA256, "count": out.Count}))
}

func (s *server) beginImport(ctx context.Context, f facility.ID, kept blob.File) (Import, error) {
	book, err := s.book(ctx, f, kept.ID)
	if err != nil {
		return Import{}, err
	}
	best, m, err := sheet.Best(book)
	if err != nil {
		return Import{}, err
	}
	i, err := s.Sheets.Begin(ctx, f, kept.Name, kept.ID)
	if err != nil {
		return Import{}, err
	}
	id := i.ID
	if err := s.Sheets.Choose(ctx, f, id, m); err != nil {
		return Import{}, errors.Join(err, s.Sheets.Discard(context.WithoutCancel(ctx), f, id))
	}
	// columns that say nothing to us wait for /mapping
	if m.Validate() == nil {
		i, err = s.Sheets.Stage(ctx, f, id, best, m)
	} else {
		i, err = s.Sheets.Get(ctx, f, id)
	}
	if err != nil {
		return Import{}, errors.Join(err, s.Sheets.Discard(context.WithoutCancel(ctx), f, id))
	}
	out := viewImport(&i)
	for _, sh := range book.Sheets() {
		out.Sheets = append(out.Sheets, SheetName{sh.Name, sh.Hidden})
	}
	for _, w := range book.Warnings {
		out.Warnings = append(out.Warnings, w.Text)
	}
	return out, nil
}

// book opens a stored file; it is at most blob.MaxSize.
func (s *server) book(ctx context.Context, f facility.ID, id string) (*paper.Book, error) {
	r, err := blob.Open(ctx, s.DB, f, id)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, blob.MaxSize+1))
	if err != nil {
		return nil, err
	}
	return paper.Open(bytes.NewReader(b), int64(len(b)), r.Name)
}

func (s *server) listImports(ctx context.Context, f facility.ID, _ *listWhole) (Page[Import], error) {
	list, err := s.Sheets.List(ctx, f)
	if err != nil {
		return Page[Import]{}, err
	}
	items := make([]Import, len(list))
	for i := range list {
		items[i] = viewImport(&list[i])
		items[i].Mapping = nil
	}
	return page(items, ""), nil
}

func (s *server) getImport(ctx context.Context, f facility.ID, in *ByID) (Import, error) {
	i, err := s.Sheets.Get(ctx, f, in.ID)
	return viewImport(&i), err
}

type listRows struct {
	ByID
	Paging
	Action string `query:"action" enum:"new,changed,same,conflict,error,skip"`
	State  string `query:"state" enum:"pending,done,undone,stayed"`
}

var rowColumns = []col[sheet.Row]{
	{"row", func(r *sheet.Row) any { return r.Row }}, {"action", func(r *sheet.Row) any { return string(r.Action) }},
	{"name", func(r *sheet.Row) any { return r.Name }}, {"device", func(r *sheet.Row) any { return string(r.Device) }},
	{"by", func(r *sheet.Row) any { return string(r.By) }}, {"state", func(r *sheet.Row) any { return string(r.State) }},
	{"changes", func(r *sheet.Row) any { return jsonText(r.Changes) }}, {"issues", func(r *sheet.Row) any { return jsonText(r.Issues) }},
}

func (s *server) importRows(ctx context.Context, f facility.ID, in *listRows) (Page[sheet.Row], error) {
	if _, err := s.Sheets.Get(ctx, f, in.ID); err != nil {
		return Page[sheet.Row]{}, err
	}
	after, err := numberCursor(in.Cursor)
	if err != nil {
		return Page[sheet.Row]{}, err
	}
	list, err := s.Sheets.Rows(ctx, f, in.ID, sheet.RowFilter{Action: sheet.Action(in.Action), State: sheet.RowState(in.State), After: int(after), Limit: in.Limit})
	if err != nil {
		return Page[sheet.Row]{}, err
	}
	next := ""
	if len(list) == in.Limit {
		next = cursorOf(int64(list[in.Limit-1].Row))
	}
	return page(list, next), nil
}

type mapImport struct {
	ByID
	Body struct {
		Sheet   string      `json:"sheet,omitempty" maxLength:"200" doc:"Another sheet of the file."`
		Header  *int        `json:"header,omitempty" minimum:"0" maximum:"1000" doc:"The row with the column names, as Excel counts; 0: the sheet has none."`
		Columns []ColumnMap `json:"columns,omitempty" maxItems:"1000" doc:"Columns that are read otherwise than guessed; the others stay as they are."`
	}
}

// ColumnMap ties one column of the sheet to a field.
type ColumnMap struct {
	Index int    `json:"index" minimum:"0" maximum:"999" doc:"From 0, as in mapping.columns."`
	Field string `json:"field" maxLength:"60" doc:"A field of the ledger; extra: kept under its own name; empty: left out." example:"owner"`
}

func (s *server) mapImport(ctx context.Context, f facility.ID, in *mapImport) (Import, error) {
	i, err := s.Sheets.Get(ctx, f, in.ID)
	if err != nil {
		return Import{}, err
	}
	book, err := s.book(ctx, f, i.Blob)
	if err != nil {
		return Import{}, err
	}
	name := i.Mapping.Sheet
	if in.Body.Sheet != "" {
		name = in.Body.Sheet
	}
	var chosen *paper.Sheet
	for _, sh := range book.Sheets() {
		if sh.Name == name {
			chosen = sh
		}
	}
	if chosen == nil {
		return Import{}, fault.Newf(fault.Invalid, "「%.60s」というシートはありません。", "There is no sheet %.60q.", name)
	}
	m := i.Mapping
	switch {
	case in.Body.Header != nil:
		m, err = sheet.GuessAt(chosen, *in.Body.Header)
	case name != i.Mapping.Sheet:
		m, err = sheet.Guess(chosen)
	}
	if err != nil {
		return Import{}, err
	}
	for _, c := range in.Body.Columns {
		found := false
		for n := range m.Columns {
			if m.Columns[n].Index == c.Index {
				m.Columns[n].Field, m.Columns[n].Sure, found = c.Field, 1, true
			}
		}
		if !found {
			return Import{}, fault.Newf(fault.Invalid, "%d番目の列は表にありません(0から数えます)。", "The sheet has no column %d (counted from 0).", c.Index)
		}
	}
	if i, err = s.Sheets.Stage(ctx, f, in.ID, chosen, m); err != nil {
		return Import{}, err
	}
	return viewImport(&i), s.record(ctx, f, deed("import.map", "import", in.ID, "取り込む列を決めました", "Tied an import's columns", map[string]any{"sheet": name, "count": i.Count}))
}

type applyImport struct {
	ByID
	Body *struct {
		Replace bool `json:"replace,omitempty" doc:"Where a person entered something else, the sheet wins; false: the person's entry stays."`
	}
}

// applyImport takes the rows in. Asked again after a crash it goes on where it stopped.
func (s *server) applyImport(ctx context.Context, f facility.ID, in *applyImport) (Import, error) {
	i, err := s.Sheets.Get(ctx, f, in.ID)
	if err != nil {
		return Import{}, err
	}
	replace := in.Body != nil && in.Body.Replace
	return s.runImport(ctx, f, in.ID, deed("import.apply", "import", in.ID, "台帳のファイルを取り込みました", "Took in a ledger file", map[string]bool{"replace": replace}),
		func(im Importer) (job.RunID, error) { return im.StartImport(ctx, f, in.ID, replace) },
		func() error {
			if i.State == sheet.Applying {
				return nil
			}
			return s.Sheets.Apply(ctx, f, in.ID, replace)
		})
}

func (s *server) undoImport(ctx context.Context, f facility.ID, in *ByID) (Import, error) {
	i, err := s.Sheets.Get(ctx, f, in.ID)
	if err != nil {
		return Import{}, err
	}
	return s.runImport(ctx, f, in.ID, deed("import.undo", "import", in.ID, "取り込みを取り消しました", "Took an import back", nil),
		func(im Importer) (job.RunID, error) { return im.StartImportUndo(ctx, f, in.ID) },
		func() error {
			if i.State == sheet.Undoing {
				return nil
			}
			return s.Sheets.Undo(ctx, f, in.ID)
		})
}

// runImport starts the job where there is one, else does the work before it answers. The work goes on when the caller hangs up.
func (s *server) runImport(ctx context.Context, f facility.ID, id string, e trail.Entry, start func(Importer) (job.RunID, error), begin func() error) (Import, error) {
	if im, ok := s.Work.(Importer); ok { // it keeps the record itself
		run, err := start(im)
		if err != nil {
			return Import{}, err
		}
		out, err := s.getImport(ctx, f, &ByID{id})
		out.Job = string(run)
		return out, err
	}
	if err := begin(); err != nil {
		return Import{}, err
	}
	if err := s.record(ctx, f, e); err != nil {
		return Import{}, err
	}
	if err := s.Sheets.Run(context.WithoutCancel(ctx), f, id); err != nil {
		return Import{}, err
	}
	return s.getImport(ctx, f, &ByID{id})
}

func (s *server) discardImport(ctx context.Context, f facility.ID, in *ByID) error {
	i, err := s.Sheets.Get(ctx, f, in.ID)
	if err != nil {
		return err
	}
	err = s.do(ctx, f, func(ctx context.Context) (trail.Entry, error) {
		return deed("import.discard", "import", in.ID, "取り込みをやめました", "Discarded an import", map[string]string{"file": i.File}), s.Sheets.Discard(ctx, f, in.ID)
	})
	if err == nil && i.Blob != "" {
		err = blob.Remove(ctx, s.DB, f, i.Blob)
	}
	return err
}
