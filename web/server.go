package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"kenshin/account"
	"kenshin/actor"
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
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/identify"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/observation"
	"kenshin/register"
	"kenshin/seal"
	"kenshin/seal/authority"
	"kenshin/store"
	"kenshin/supplier"
	"kenshin/web/asset"
	"kenshin/web/page"
)

// Deps are the domains behind the console.
type Deps struct {
	DB        *store.DB
	Box       *seal.Box
	Account   *account.Service
	Jobs      *job.Queue
	Seen      *observation.Log
	Ledger    *ledger.Ledger
	Sheets    *sheet.Desk
	Suppliers *supplier.Book
	Findings  *finding.Book
	Events    *event.Log
	Gates     *gate.Book
	Drills    *drill.Book
	Docks     *dock.Book
	Identify  *identify.Identifier
	Editions  *catalogue.Editions
	Assess    *assess.Book
	Plans     *plan.Book
	Inquiries *inquiry.Book
	Evidence  *evidence.Book
	Registers *register.Book
	Work      Work
	Site      Site
	Mail      func(ctx context.Context, f facility.ID, subject, text string) error // sends one mail at once; nil: cannot
	Log       *slog.Logger
	Now       func() time.Time
	Version   string
	TLS       bool // the browser reaches us over HTTPS
}

// Work starts what outlives a request, and knows the check-ups of this machine. app.House is one.
type Work interface {
	For(ctx context.Context, f facility.ID) (*checkup.Checkup, error)
	StartSweep(ctx context.Context, f facility.ID, r checkup.Request) (id string, err error)
	StartImport(ctx context.Context, f facility.ID, id string, replace bool) (job.RunID, error) // of sheet.Desk, as a job
	StartImportUndo(ctx context.Context, f facility.ID, id string) (job.RunID, error)
	StartExport(ctx context.Context, f facility.ID, q ledger.Query) (job.RunID, error) // xlsx; Data of the run is an ExportFile
	Retry(ctx context.Context, f facility.ID, run job.RunID) (job.RunID, error)        // a run that failed or was cancelled, once more
}

// Site is what this installation says of itself: links are made of it, never of what a request claims to be its host.
type Site struct {
	URL       string               // how browsers reach the console, without a slash at the end
	Hosts     []string             // names and addresses that requests may name as their host; empty: any
	Authority *authority.Authority // our own CA, nil when certificates were given or there is no TLS
	Database  string               // in words
	Folder    string               // --data
}

// Server answers the console's requests.
type Server struct {
	Deps
	mux     *http.ServeMux
	rates   rates
	facets  facets
	flights flights
}

// New builds the console from its routes.
func New(d Deps) *Server {
	s := &Server{Deps: d, mux: http.NewServeMux()}
	s.mux.Handle("GET "+asset.Prefix, asset.Handler())
	for _, r := range routes() {
		s.mux.HandleFunc(r.pattern, s.serve(r))
	}
	s.mux.HandleFunc("/", s.serve(route{needs: door, do: func(*visit) error {
		return fault.New(fault.NotFound, "この番地には何もありません。", "There is nothing at this address.")
	}}))
	return s
}

// Handler returns the console with everything that every answer needs.
func (s *Server) Handler() http.Handler { return Harden(s.knownHost(s.mux), s.Log, s.TLS) }

// Mount adds another face below a path, such as the API; it brings its own sign-in.
func (s *Server) Mount(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// need is what a visitor must have to open a route.
type need struct {
	stage      string // "door": nobody needs to be signed in; "pending": the password was right; "open": signed in
	permission actor.Permission
}

var (
	door    = need{stage: "door"}
	pending = need{stage: "pending"}
	anybody = need{stage: "open"}
)

func may(p actor.Permission) need { return need{stage: "open", permission: p} }

// route is one line of the table in routes.go.
type route struct {
	pattern string
	needs   need
	do      func(*visit) error
}

// serve checks who asks, runs the handler and answers its error in one place.
func (s *Server) serve(r route) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		v := &visit{s: s, w: w, r: q, ctx: i18n.With(q.Context(), s.language(q))}
		err := s.enter(v, r.needs)
		if err == nil {
			err = r.do(v)
		}
		if err != nil {
			s.fail(v, err)
		}
	}
}

var errSignedOut = errors.New("not signed in")

// enter resolves the session, the facility and the role, and refuses who may not.
func (s *Server) enter(v *visit, n need) error {
	token := s.cookie(v.r)
	if n.stage == "pending" {
		x, err := s.Account.Pending(v.ctx, token)
		if err != nil {
			return errSignedOut
		}
		v.session = x
		return nil
	}
	x, err := s.Account.Session(v.ctx, token)
	if err != nil {
		if n.stage == "door" {
			return nil
		}
		return errSignedOut
	}
	v.session = x
	if n.stage == "door" {
		return nil
	}
	if x.Facility == "" {
		return fault.New(fault.Denied, "どの施設の利用者にもなっていません。情報担当に頼んでください。", "You belong to no facility. Ask your admin.")
	}
	who, err := s.Account.Access(v.ctx, x.Subject(), x.Facility)
	if fault.Is(err, fault.NotFound) { // the membership ended while the facility was on the screen
		who, err = s.elsewhere(v, &x, err)
	}
	if err != nil {
		return err
	}
	if a := from(v.r).Address; a.IsValid() {
		who.Address = a.Unmap().String()
	}
	v.actor, v.facility = who, x.Facility
	v.ctx = actor.With(v.ctx, who)
	if n.permission != "" && !who.Role.May(n.permission) {
		return fault.New(fault.Denied, "この操作は、あなたの役割ではできません。情報担当に頼んでください。", "Your role does not allow this. Ask your admin.")
	}
	return nil
}

// elsewhere puts another facility of the person on the screen; without one the first error stands.
func (s *Server) elsewhere(v *visit, x *account.Session, gone error) (actor.Actor, error) {
	members, err := s.Account.Memberships(v.ctx, x.Person.ID)
	if err != nil || len(members) == 0 {
		return actor.Actor{}, errors.Join(gone, err)
	}
	if *x, err = s.Account.Enter(v.ctx, *x, members[0].Facility.ID); err != nil {
		return actor.Actor{}, err
	}
	v.session = *x
	return s.Account.Access(v.ctx, x.Subject(), x.Facility)
}

// fail answers an error: a person gets one sentence and an id, the log gets the cause.
func (s *Server) fail(v *visit, err error) {
	if v.r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		s.Log.Debug("the browser went away", "path", loggable(v.r))
		return
	}
	if errors.Is(err, errSignedOut) {
		if v.partial() {
			v.w.Header().Set("HX-Redirect", page.PathSignIn)
			v.w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if v.r.Method != http.MethodGet {
			v.redirect(page.PathSignIn)
			return
		}
		v.redirect(page.PathSignIn + "?next=" + safeNext(v.r.URL.RequestURI()))
		return
	}
	if big, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = fault.Wrap(fault.TooLarge, big, "送られたデータが大きすぎます。", "What was sent is too large.")
	}
	code := status(err)
	if code >= 500 {
		s.Log.Error("request failed", "path", loggable(v.r), "request", requestOf(v.ctx), "error", err)
	} else {
		s.Log.Debug("request refused", "path", loggable(v.r), "status", code, "error", err)
	}
	s.showFault(v, code, err)
}

const sessionCookie = "kenshin"

// cookieName carries the __Host- prefix over TLS: a browser then takes it from this host alone.
func (s *Server) cookieName() string {
	if s.TLS {
		return "__Host-" + sessionCookie
	}
	return sessionCookie
}

func (s *Server) cookie(r *http.Request) string {
	if c, err := r.Cookie(s.cookieName()); err == nil {
		return c.Value
	}
	return ""
}

func (s *Server) setCookie(w http.ResponseWriter, token string) {
	c := &http.Cookie{Name: s.cookieName(), Value: token, Path: "/", HttpOnly: true, Secure: s.TLS, SameSite: http.SameSiteLaxMode}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

const languageCookie = "kenshin-lang"

func (s *Server) language(r *http.Request) i18n.Lang {
	if c, err := r.Cookie(languageCookie); err == nil {
		return i18n.Parse(c.Value)
	}
	return i18n.Ja
}

// from says where a request came from. Proxies are not believed: the console is reached directly.
func from(r *http.Request) account.From {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	f := account.From{UserAgent: r.UserAgent()}
	if err == nil {
		f.Address = a.Addr()
	}
	return f
}
