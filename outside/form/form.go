// Package form is where vendors and departments without an account answer: the pages behind the links of forms, surveys and questions. It listens on an
// address of its own, apart from the console and from the drills, and shows nothing but the form that a link is for.
package form

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"kenshin/assess/inquiry"
	"kenshin/fault"
	"kenshin/i18n"
)

//go:embed style.css
var style []byte

//go:embed page.js
var script []byte

// Deps are what the pages need.
type Deps struct {
	Book    *inquiry.Book
	Proxies []netip.Prefix // whose X-Forwarded-For counts; nobody's when empty
	Secure  bool           // browsers come by HTTPS
	Log     *slog.Logger
}

// Server answers the links of forms.
type Server struct {
	Deps
	asks, misses *limiter
	files        chan struct{}
}

const (
	asksPerMinute   = 120 // of one address: a hospital's departments may share one
	missesPerMinute = 20  // links that are nobody's
	filesAtOnce     = 3
	maxForm         = 2 << 20
	maxUpload       = 21 << 20
)

// New makes the server.
func New(d Deps) *Server {
	return &Server{Deps: d, asks: newLimiter(asksPerMinute), misses: newLimiter(missesPerMinute), files: make(chan struct{}, filesAtOnce)}
}

// Handler answers everything that arrives.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /-/style.css", file("text/css; charset=utf-8", style))
	mux.HandleFunc("GET /-/page.js", file("text/javascript; charset=utf-8", script))
	mux.HandleFunc("GET /robots.txt", file("text/plain; charset=utf-8", []byte("User-agent: *\nDisallow: /\n")))
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) // every browser asks
	mux.HandleFunc("GET /f/{token}", s.open)
	mux.HandleFunc("POST /f/{token}", s.save)
	mux.HandleFunc("POST /f/{token}/begin", s.begin)
	mux.HandleFunc("POST /f/{token}/decline", s.decline)
	mux.HandleFunc("POST /f/{token}/copy", s.copyFrom)
	mux.HandleFunc("POST /f/{token}/file", s.attach)
	mux.HandleFunc("GET /f/{token}/s/{sheet}", s.open)
	mux.HandleFunc("POST /f/{token}/s/{sheet}", s.save)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.shut(w, r, inquiry.Door{Gate: inquiry.NoSuch}) })
	return s.guard(mux)
}

// HTTPServer is a server for the handler with limits on everything that a client could stretch.
func HTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(quiet{log.Handler()}, slog.LevelDebug)}
}

// quiet keeps tokens out of the log: net/http's own errors may quote a request.
type quiet struct{ slog.Handler }

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	return q.Handler.Handle(ctx, slog.NewRecord(r.Time, r.Level, "form pages: "+strings.SplitN(r.Message, " ", 3)[0]+" …", r.PC))
}

// policy lets a page fetch our own style and script and send its form to us; nothing inline, nothing from or to elsewhere.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (s *Server) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin") // a link's token must not reach another site
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex")
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if r.Header.Get("Upgrade") != "" {
			h.Set("Connection", "close")
			http.Error(w, "400", http.StatusBadRequest)
			return
		}
		if err := cross.Check(r); err != nil {
			s.say(w, r, http.StatusForbidden, i18n.Text{Ja: "受け付けませんでした", En: "Refused"}, i18n.Text{Ja: "別のサイトから送られたため、受け付けませんでした。リンクを開き直してください。", En: "It was sent from another site. Open the link again."})
			return
		}
		if strings.HasPrefix(r.URL.Path, "/f/") && !s.asks.allow(s.client(r)) {
			s.busy(w, r)
			return
		}
		limit := int64(maxForm)
		if strings.HasSuffix(r.URL.Path, "/file") {
			limit = maxUpload
		}
		if r.ContentLength > limit {
			h.Set("Connection", "close")
			s.failed(w, r, fault.Newf(fault.TooLarge, "送られた内容が大きすぎます(ファイルは20 MBまで)。", "Too large: a file has at most 20 MB."))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

func (s *Server) busy(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "60")
	s.say(w, r, http.StatusTooManyRequests, i18n.Text{Ja: "少しお待ちください", En: "Please wait"},
		i18n.Text{Ja: "短い間に何度も開かれました。1分待ってから、もう一度開いてください。保存した内容は残っています。", En: "Too many requests. Wait a minute and try again; what was saved is kept."})
}

func file(kind string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(body) // the reader went away
	}
}

// client is where a request comes from. X-Forwarded-For counts only from a listed proxy, and only the entry that it wrote itself.
func (s *Server) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.proxy(at); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = next.Unmap()
	}
	return at
}

func (s *Server) proxy(a netip.Addr) bool {
	for _, p := range s.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// limiter lets an address ask a number of times a minute. It forgets everything each minute, so that it stays small.
type limiter struct {
	mu    sync.Mutex
	most  int
	since time.Time
	seen  map[netip.Addr]int
}

func newLimiter(most int) *limiter { return &limiter{most: most, seen: map[netip.Addr]int{}} }

const maxClients = 50_000 // addresses that are counted apart

func (l *limiter) allow(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.since) > time.Minute || now.Before(l.since) {
		l.since = now
		clear(l.seen)
	}
	if a.Is6() { // one household has 2^64 of them
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	if len(l.seen) >= maxClients {
		a = netip.Addr{}
	}
	l.seen[a]++
	return l.seen[a] <= l.most
}

// lang is Japanese unless the reader's browser asks for something else first.
func lang(r *http.Request) context.Context {
	l := i18n.Ja
	if first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ","); strings.HasPrefix(first, "en") {
		l = i18n.En
	}
	return i18n.With(r.Context(), l)
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, code int, page templ.Component) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	if err := page.Render(lang(r), w); err != nil {
		s.Log.Debug("a form's page was not delivered", "error", err)
	}
}

func (s *Server) say(w http.ResponseWriter, r *http.Request, code int, title, text i18n.Text) {
	s.show(w, r, code, plain(title, text, "", ""))
}

// failed shows what went wrong; a browser's way back keeps what was typed.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, err error) {
	code := status(err)
	if code == http.StatusInternalServerError {
		s.Log.Error("a form could not be served", "error", err)
	}
	s.say(w, r, code, i18n.Text{Ja: "できませんでした", En: "That did not work"}, i18n.Text{Ja: fault.Sentence(err, "ja"), En: fault.Sentence(err, "en")})
}

func status(err error) int {
	switch fault.KindOf(err) {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Denied:
		return http.StatusForbidden
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Busy, fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
	}
	return http.StatusInternalServerError
}

const seatCookie = "seat"

// seat names the browser, so that somebody to whom a link was forwarded is told that another one was writing.
func seat(r *http.Request) string {
	if c, err := r.Cookie(seatCookie); err == nil && len(c.Value) <= 64 {
		return c.Value
	}
	return ""
}

func (s *Server) giveSeat(w http.ResponseWriter, r *http.Request) string {
	if have := seat(r); have != "" {
		return have
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	c := &http.Cookie{Name: seatCookie, Value: hex.EncodeToString(random[:]), Path: "/f/", HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode, MaxAge: 90 * 24 * 3600}
	http.SetCookie(w, c)
	return c.Value
}
