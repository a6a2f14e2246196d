package api

import (
	"context"
	"io"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"kenshin/blob"
	"kenshin/facility"
)

// Sheeted is asked of a list that also comes as the sheet that an import takes back.
type Sheeted struct {
	Format string `query:"format" enum:"json,csv,xlsx" doc:"csv and xlsx answer all rows that fit the filter, in the form that an import takes back; they need the permission to export."`
	Accept string `header:"Accept" hidden:"true"`
}

// sheet is csv or xlsx, "" for JSON.
func (q Sheeted) sheet() string {
	switch {
	case q.Format == "csv" || q.Format == "xlsx":
		return q.Format
	case q.Format == "" && strings.HasPrefix(strings.TrimSpace(q.Accept), "text/csv"):
		return "csv"
	}
	return ""
}

const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

var sheetTypes = map[string]string{"csv": "text/csv; charset=utf-8", "xlsx": xlsxType}

func binary() *huma.MediaType {
	return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
}

// sheeted mounts a handler that answers a page as JSON, or everything as a sheet that export writes after it left the record of it.
func sheeted[I, T any, P interface {
	*I
	sheet() string
}](s *server, list func(context.Context, facility.ID, *I) (Page[T], error), export func(ctx context.Context, f facility.ID, in *I, format string) (func(huma.Context) error, error)) mount {
	return func(a huma.API, op huma.Operation) {
		op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
			"application/json": {Schema: a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Page[T]](), true, "")},
			"text/csv":         {Schema: &huma.Schema{Type: huma.TypeString}}, xlsxType: binary()}}
		huma.Register(a, op, func(ctx context.Context, in *I) (*file, error) {
			if format := P(in).sheet(); format != "" {
				err := mayExport(ctx)
				var write func(huma.Context) error
				if err == nil {
					write, err = export(ctx, facilityOf(ctx), in, format)
				}
				if err != nil {
					return nil, s.problem(ctx, err)
				}
				return &file{func(h huma.Context) {
					h.SetHeader("Content-Type", sheetTypes[format])
					h.SetHeader("Content-Disposition", saved(strings.TrimPrefix(op.OperationID, "list-")+"."+format))
					s.written(ctx, write(h))
				}}, nil
			}
			p, err := list(ctx, facilityOf(ctx), in)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return &file{func(h huma.Context) {
				h.SetHeader("Content-Type", "application/json")
				if err := a.Marshal(h.BodyWriter(), "application/json", p); err != nil {
					s.Log.Debug("answer not delivered", "request", requestOf(ctx), "error", err)
				}
			}}, nil
		})
	}
}

// saved is the header that has a file saved under a name.
func saved(name string) string {
	return blob.File{Name: name}.Download()
}

// handed is a file that an operation answers.
type handed struct {
	name, media string // name "": to be shown
	body        func(io.Writer) error
}

// download mounts a handler that answers a file of one of these media types. What goes out is in the trail before.
func download[I any](s *server, fn func(context.Context, facility.ID, *I) (handed, error), media ...string) mount {
	return func(a huma.API, op huma.Operation) {
		ok := &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{}}
		for _, m := range media {
			ok.Content[m] = binary()
		}
		op.Responses["200"] = ok
		huma.Register(a, op, func(ctx context.Context, in *I) (*file, error) {
			x, err := fn(ctx, facilityOf(ctx), in)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return &file{func(h huma.Context) {
				h.SetHeader("Content-Type", x.media)
				h.SetHeader("Content-Disposition", saved(x.name))
				h.SetHeader("X-Content-Type-Options", "nosniff")
				s.written(ctx, x.body(h.BodyWriter()))
			}}, nil
		})
	}
}
