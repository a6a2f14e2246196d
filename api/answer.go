package api

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/paper"
	"kenshin/store"
	"kenshin/trail"
)

// mount registers a route's handler.
type mount func(a huma.API, op huma.Operation)

// answer is one thing as JSON. It is of one type for all routes, as huma makes its code anew for each.
type answer struct {
	ETag string `header:"ETag" doc:"The revision, to send back in If-Match."`
	Body any
}

// revised is a thing with a revision.
type revised interface{ revision() int64 }

// one mounts a handler that answers one thing.
func one[I, T any](s *server, fn func(context.Context, facility.ID, *I) (T, error)) mount {
	return func(a huma.API, op huma.Operation) {
		status := cmp.Or(op.DefaultStatus, http.StatusOK)
		schema := a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, op.OperationID+"Response")
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
		huma.Register(a, op, func(ctx context.Context, in *I) (*answer, error) {
			body, err := fn(ctx, facilityOf(ctx), in)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			out := &answer{Body: body}
			if r, ok := any(body).(revised); ok {
				out.ETag = `"` + strconv.FormatInt(r.revision(), 10) + `"`
			}
			return out, nil
		})
	}
}

// done mounts a handler that has nothing to tell but that it is done.
func done[I any](s *server, fn func(context.Context, facility.ID, *I) error) mount {
	return func(a huma.API, op huma.Operation) {
		huma.Register(a, op, func(ctx context.Context, in *I) (*struct{}, error) {
			if err := fn(ctx, facilityOf(ctx), in); err != nil {
				return nil, s.problem(ctx, err)
			}
			return nil, nil //nolint:nilnil // huma: no content
		})
	}
}

// file is an answer that is written piece by piece.
type file struct{ Body func(huma.Context) }

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"Ask again with cursor=next; missing at the end."`
	Total *int   `json:"total,omitempty" doc:"Over all pages, where it is counted."`
}

func page[T any](items []T, next string) Page[T] {
	if items == nil {
		items = []T{}
	}
	return Page[T]{Items: items, Next: next}
}

func (p Page[T]) of(total int) Page[T] {
	p.Total = &total
	return p
}

// Whole is asked of a list that comes at once.
type Whole struct {
	Format string `query:"format" enum:"json,csv" doc:"csv answers all rows for a spreadsheet; it needs the permission to export."`
	Accept string `header:"Accept" hidden:"true"`
}

func (w *Whole) csv() bool {
	return w.Format == "csv" || w.Format == "" && strings.HasPrefix(strings.TrimSpace(w.Accept), "text/csv")
}

func (w *Whole) turn(string, int) {}

// begins says that the list is asked for from its start.
func (w *Whole) begins() bool { return true }

// Paging is asked of a list that comes page by page.
type Paging struct {
	Whole
	Cursor string `query:"cursor" maxLength:"500" doc:"next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Rows of a page."`
}

func (p *Paging) begins() bool { return p.Cursor == "" }

func (p *Paging) turn(cursor string, limit int) { p.Cursor, p.Limit = cursor, limit }

// listed is the input of a list: it embeds Whole or Paging.
type listed[I any] interface {
	*I
	csv() bool
	begins() bool
	turn(cursor string, limit int)
}

// col is one column of a list's CSV. Headers are the names in JSON.
type col[T any] struct {
	name  string
	value func(*T) any
}

const maxExport = 500_000 // rows of one CSV

// list mounts a handler that answers a page, or everything as CSV where there are columns.
func list[I, T any, P listed[I]](s *server, fn func(context.Context, facility.ID, *I) (Page[T], error), cols ...col[T]) mount {
	return func(a huma.API, op huma.Operation) {
		schema := a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Page[T]](), true, "")
		ok := &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
		if len(cols) > 0 {
			ok.Content["text/csv"] = &huma.MediaType{Schema: &huma.Schema{Type: "string"}}
		}
		op.Responses["200"] = ok
		huma.Register(a, op, func(ctx context.Context, in *I) (*file, error) {
			q := P(in)
			csv := q.csv() && len(cols) > 0
			if csv {
				if err := mayTake(ctx, op); err != nil {
					return nil, s.problem(ctx, err)
				}
				q.turn("", 500)
			} else if q.csv() {
				return nil, s.problem(ctx, fault.New(fault.Invalid, "この一覧はCSVでは出せません。", "This list is not available as CSV."))
			}
			first, err := fn(ctx, facilityOf(ctx), in)
			if err == nil && (csv || op.Metadata[needKey] == actor.SeeDrillNames && q.begins()) {
				err = s.record(ctx, facilityOf(ctx), exported(op, in, csv))
			}
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return &file{func(h huma.Context) {
				if csv {
					rest := func(cursor string) (Page[T], error) {
						q.turn(cursor, 500)
						return fn(ctx, facilityOf(ctx), in)
					}
					s.writeCSV(h, op.OperationID, table(cols), records(first, rest, cols))
					return
				}
				h.SetHeader("Content-Type", "application/json")
				if err := a.Marshal(h.BodyWriter(), "application/json", first); err != nil {
					s.Log.Debug("answer not delivered", "request", requestOf(ctx), "error", err)
				}
			}}, nil
		})
	}
}

// exported is what the trail keeps of a list that was taken out: of a drill's people which drill.
func exported(op huma.Operation, in any, csv bool) trail.Entry {
	if op.Metadata[needKey] != actor.SeeDrillNames {
		return deed("list.export", "list", op.OperationID, "一覧をCSVで書き出しました", "Exported a list as CSV", nil)
	}
	id := ""
	if of, ok := in.(interface{ named() string }); ok {
		id = of.named()
	}
	if !csv {
		return deed("drill.read", "drill", id, "訓練の個人ごとの一覧をプログラムから読みました", "Read a list of single persons of the drills by program", map[string]any{"list": op.OperationID})
	}
	return deed("drill.export", "drill", id, "訓練の個人ごとの一覧をCSVで書き出しました", "Exported a list of single persons of the drills", map[string]any{"list": op.OperationID})
}

// mayTake allows a list to be taken out: of a drill's people whoever may see their names, as in the console, of anything else who may export.
func mayTake(ctx context.Context, op huma.Operation) error {
	if op.Metadata[needKey] == actor.SeeDrillNames && actor.From(ctx).Role.May(actor.SeeDrillNames) {
		return nil
	}
	return mayExport(ctx)
}

func mayExport(ctx context.Context) error {
	if actor.From(ctx).Role.May(actor.Export) {
		return nil
	}
	return fault.New(fault.Denied, "このトークンの役割では、台帳の書き出し(CSV)はできません。", "The token's role does not allow an export (CSV).")
}

func table[T any](cols []col[T]) paper.Table {
	var t paper.Table
	for _, c := range cols {
		t.Columns = append(t.Columns, paper.Column{Header: c.name})
	}
	return t
}

// records walks through all pages.
func records[T any](p Page[T], next func(cursor string) (Page[T], error), cols []col[T]) paper.Records {
	return func(yield func([]any, error) bool) {
		for n := 0; ; {
			for i := range p.Items {
				row := make([]any, len(cols))
				for c := range cols {
					row[c] = cols[c].value(&p.Items[i])
				}
				if n++; !yield(row, nil) {
					return
				}
			}
			if p.Next == "" {
				return
			}
			if n >= maxExport {
				yield(nil, fault.Newf(fault.TooLarge, "CSVは%d行までです。条件を絞ってください。", "A CSV has at most %d rows. Narrow the filter.", maxExport))
				return
			}
			var err error
			if p, err = next(p.Next); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// writeCSV streams a table.
func (s *server) writeCSV(h huma.Context, name string, t paper.Table, rows paper.Records) {
	h.SetHeader("Content-Type", "text/csv; charset=utf-8")
	h.SetHeader("Content-Disposition", `attachment; filename="`+strings.TrimPrefix(name, "list-")+`.csv"`)
	s.written(h.Context(), paper.WriteCSV(h.BodyWriter(), t, rows))
}

// written ends a streamed answer: a part that failed breaks the connection off, as half a file must not look whole.
func (s *server) written(ctx context.Context, err error) {
	if err != nil {
		s.Log.Error("export broken off", "request", requestOf(ctx), "error", err)
		panic(http.ErrAbortHandler)
	}
}

// IfMatch is the header by which a caller says on which revision its change stands.
type IfMatch struct {
	IfMatch string `header:"If-Match" doc:"The ETag that the change stands on. When somebody else was faster: 412." example:"\"3\""`
}

// revision returns the revision that a change stands on, 0 for whatever is there.
func (m *IfMatch) revision(body int64) (int64, error) {
	text := strings.Trim(strings.TrimPrefix(strings.TrimSpace(m.IfMatch), "W/"), `"`)
	if text == "" || text == "*" {
		return body, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "If-Match には、前の応答の ETag を書いてください。", "If-Match must be the ETag of an earlier answer.")
	}
	return n, nil
}

// needed is revision where a change has to say on what it stands.
func (m *IfMatch) needed(body int64) (int64, error) {
	n, err := m.revision(body)
	if err == nil && n == 0 {
		err = placed("revision", fault.New(fault.Invalid, "どの版を見て変えたかを、If-Match か revision で送ってください。", "Say on which revision the change stands: send If-Match or revision."))
	}
	return n, err
}

// judge turns a conflict into 412 where the caller sent If-Match.
func (m *IfMatch) judge(err error) error {
	if m.IfMatch != "" && fault.Is(err, fault.Conflict) {
		return &outdated{err}
	}
	return err
}

// do does a deed and records it, both or neither. What the packages write with the context given to deed joins one transaction.
func (s *server) do(ctx context.Context, f facility.ID, deed func(context.Context) (trail.Entry, error)) error {
	return trail.Do(ctx, s.DB, f, func(ctx context.Context) (trail.Entry, error) {
		e, err := deed(ctx)
		e.At = s.Now()
		return e, err
	})
}

// record writes into the trail what leaves the house before it does, and imports after their rows were staged, which takes longer than a
// transaction may.
func (s *server) record(ctx context.Context, f facility.ID, e trail.Entry) error {
	err := s.DB.Write(ctx, f, func(tx *store.Tx) error { return s.recordTx(ctx, tx, e) })
	if err != nil {
		return fault.Wrap(fault.Internal, err, "変更は行われましたが、操作の記録を残せませんでした。kenshin doctor の結果を添えて知らせてください。",
			"The change was made, but the record of it could not be written. Report this with the output of kenshin doctor.")
	}
	return nil
}

func (s *server) recordTx(ctx context.Context, tx *store.Tx, e trail.Entry) error {
	e.At = s.Now()
	_, err := trail.Append(ctx, tx, e)
	return err
}

// deed is an entry of the trail.
func deed(action, kind, id string, ja, en string, detail any) trail.Entry {
	return trail.Entry{Action: action, Subject: trail.Subject{Kind: kind, ID: id}, Summary: i18n.Text{Ja: ja, En: en}, Detail: detail}
}

func when(t time.Time) any {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func yes(b bool) any { return strconv.FormatBool(b) }

func joined[T ~string](list []T) any {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return strings.Join(out, " ")
}

func full[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
