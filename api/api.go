// Package api is Kenshin for scripts: REST under /api/v1 with bearer tokens, described by an OpenAPI 3.1 document at /api/openapi.json. The
// table in routes.go is the whole of it.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"kenshin/account"
	"kenshin/assess"
	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/checkup"
	"kenshin/dock"
	"kenshin/drill"
	"kenshin/event"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/observation"
	"kenshin/register"
	"kenshin/store"
	"kenshin/supplier"
	"kenshin/trail"
)

// Deps are the domains behind the API. DB, Account, Jobs, Seen, Ledger, Findings, Sheets, Gates and Work are needed; the others have defaults.
type Deps struct {
	DB        *store.DB
	Account   *account.Service
	Jobs      *job.Queue
	Seen      *observation.Log
	Ledger    *ledger.Ledger
	Findings  *finding.Book
	Sheets    *sheet.Desk
	Gates     *gate.Book
	Drills    *drill.Book
	Events    *event.Log          // nil: the one in DB
	Registers *register.Book      // nil: the one in DB
	Suppliers *supplier.Book      // nil: the one in DB
	Editions  *catalogue.Editions // nil: those in DB
	Inquiries *inquiry.Book       // nil: the one in DB, which sends no mail and takes no claims
	Evidence  *evidence.Book      // nil: the one in DB
	Assess    *assess.Book        // nil: the one in DB, which measures nothing by itself
	Docks     *dock.Book          // nil: the one in DB; needs a Box to freeze and to seal
	Plans     *plan.Book          // nil: the one in DB
	Box       trail.Sealer        // signs checkpoints of the trail; without it they are unavailable
	Work      Work
	Log       *slog.Logger
	Now       func() time.Time
	Version   string // of Kenshin, told by /health
	Rate      int    // requests a second of one token; 0 means 50
}

// Work starts check-ups and knows those of this machine; the house has both.
type Work interface {
	StartSweep(ctx context.Context, f facility.ID, r checkup.Request) (id string, err error)
	For(ctx context.Context, f facility.ID) (*checkup.Checkup, error)
}

// Importer takes imports in, and back, as jobs, and keeps the record of it in the trail. Where Work is one too, /imports/{id}/apply and /undo answer at once; else they answer when
// the work is done.
type Importer interface {
	StartImport(ctx context.Context, f facility.ID, id string, replace bool) (job.RunID, error)
	StartImportUndo(ctx context.Context, f facility.ID, id string) (job.RunID, error)
}

// Retrier does a job that failed or was cancelled once more. Work may be one.
type Retrier interface {
	Retry(ctx context.Context, f facility.ID, run job.RunID) (job.RunID, error)
}

const (
	root     = "/api/v1"
	specPath = "/api/openapi.json"
	perToken = 50 // requests a second, when Deps.Rate is 0
)

type server struct {
	Deps
	mux   *http.ServeMux
	limit *limiter
}

// New returns the handler of everything below /api/.
func New(d Deps) (http.Handler, error) {
	if d.DB == nil || d.Account == nil || d.Jobs == nil || d.Seen == nil || d.Ledger == nil || d.Findings == nil || d.Sheets == nil ||
		d.Gates == nil || d.Work == nil {
		return nil, errors.New("api: a domain is missing")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Events == nil {
		d.Events = event.New(d.DB)
	}
	if d.Registers == nil {
		d.Registers = register.New(d.DB, d.Now)
	}
	if d.Suppliers == nil {
		d.Suppliers = supplier.New(d.DB, d.Now)
	}
	if d.Editions == nil {
		d.Editions = catalogue.NewEditions(d.DB)
	}
	if d.Inquiries == nil {
		d.Inquiries = inquiry.NewBook(inquiry.Deps{DB: d.DB, Catalogues: d.Editions.Set, Houses: d.Account, Ledger: d.Ledger, Suppliers: d.Suppliers, Findings: d.Findings, Now: d.Now})
	}
	if d.Evidence == nil {
		d.Evidence = evidence.New(d.DB, d.Now)
	}
	catalogues := func(ctx context.Context, _ facility.ID) (catalogue.Set, error) { return d.Editions.Set(ctx) }
	if d.Assess == nil {
		var err error
		d.Assess, err = assess.NewBook(d.DB, assess.Options{Evidence: d.Evidence, Findings: d.Findings, Ledger: d.Ledger, Suppliers: d.Suppliers, Registers: d.Registers, People: d.Account, Now: d.Now, Catalogues: catalogues, Tables: d.Editions.Tables})
		if err != nil {
			return nil, err
		}
	}
	if d.Docks == nil {
		d.Docks = dock.New(d.DB, dock.Options{Box: d.Box, Houses: d.Account, Catalogues: catalogues, Version: d.Editions.Version, Assess: d.Assess, Evidence: d.Evidence, Findings: d.Findings,
			Ledger: d.Ledger, Suppliers: d.Suppliers, Gates: d.Gates, Registers: d.Registers, Drills: d.Drills, Now: d.Now})
	}
	if d.Plans == nil {
		d.Plans = plan.New(d.DB, plan.Options{Ledger: d.Ledger, Suppliers: d.Suppliers, Findings: d.Findings, Registers: d.Registers, Gates: d.Gates, Catalogues: catalogues, Now: d.Now})
	}
	if d.Rate <= 0 {
		d.Rate = perToken
	}
	s := &server{Deps: d, mux: http.NewServeMux(), limit: newLimiter(d.Rate, d.Now)}
	spec, err := s.mount()
	if err != nil {
		return nil, err
	}
	s.mux.HandleFunc("GET "+specPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(spec) // the reader went away
	})
	s.mux.HandleFunc("/", s.nowhere)
	return s.outer(s.mux), nil
}

// mount registers every route and returns the OpenAPI document.
func (s *server) mount() ([]byte, error) {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	a := humago.NewWithPrefix(s.mux, root, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Kenshin", Version: "1", Description: about},
			Servers: []*huma.Server{{URL: root}},
			Components: &huma.Components{Schemas: schemas, SecuritySchemes: map[string]*huma.SecurityScheme{
				"token": {Type: "http", Scheme: "bearer", Description: "An API token (ken_...), made under People in the console or with kenshin token add."},
			}},
			Tags: tags(),
		},
		Formats: huma.DefaultFormats, DefaultFormat: "application/json", RejectUnknownQueryParameters: true,
		Transformers: []huma.Transformer{s.problems},
	})
	a.UseMiddleware(s.enter)
	for _, r := range s.routes() {
		r.mount(a, r.operation(schemas))
	}
	delete(schemas.Map(), "ErrorModel") // huma's own; ours is Problem
	delete(schemas.Map(), "ErrorDetail")
	spec, err := json.Marshal(a.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return spec, nil
}

const about = `Everything that the console can show or change, for scripts of one facility.

Send the token as "Authorization: Bearer ken_...". Times are RFC 3339, MAC addresses lower case with colons, ids UUIDs. Lists answer
{"items": [...], "next": "..."}: ask again with cursor=next until next is missing. Lists marked so also answer as CSV (format=csv or
"Accept: text/csv"), all rows at once; that needs the permission to export, or for what single persons did in a drill the permission to see
their names. Errors are problem+json (RFC 9457) with a sentence in the language of
Accept-Language (ja or en) and a stable code.`

// schemaName keeps types of the same name in different packages apart: ledger.Word is LedgerWord.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	_, pkg, ours := strings.Cut(t.PkgPath(), "kenshin/")
	if !ours || pkg == "api" || pkg == "" {
		return name
	}
	pkg = pkg[strings.LastIndex(pkg, "/")+1:]
	if pkg = strings.ToUpper(pkg[:1]) + pkg[1:]; pkg == name {
		return name
	}
	return pkg + name
}
