// Package outside is what strangers and staff without an account reach: the pages behind a drill's mails, lessons, and /verify. It listens on an
// address of its own, with nothing of the console behind it, and takes no input but the path: no field can hold what somebody typed.
package outside

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kenshin/drill"
	"kenshin/fault"
	"kenshin/i18n"
)

// Deps are what the pages need.
type Deps struct {
	Drills  *drill.Book
	Counter *drill.Counter
	Proxies []netip.Prefix // whose X-Forwarded-For counts; nobody's when empty
	Log     *slog.Logger
}

// Server answers the links of mails.
type Server struct {
	Deps
	limit *limiter
}

// New makes the server.
func New(d Deps) *Server { return &Server{Deps: d, limit: newLimiter(time.Now)} }

// Handler answers everything that arrives. Every answer has the same headers, and every unknown address the same page.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range s.fixed() {
		mux.HandleFunc(pattern, handler)
	}
	s.reportButton(mux)
	mux.HandleFunc("/", s.arrive)
	return guard(mux)
}

// HTTPServer is a server for the handler with limits on everything that a client could stretch.
func HTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 40 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(quiet{log.Handler()}, slog.LevelDebug)}
}

// policy lets a page fetch our own style, script and pictures, and send nothing: neither a form with fields nor a script's connection.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'none'; connect-src 'none'; base-uri 'none'; frame-ancestors 'none'"

// buttons is policy for pages that have buttons and no field: what they post is empty.
var buttons = strings.Replace(policy, "form-action 'none'", "form-action 'self'", 1)

func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer") // a link's token must not reach another site
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex")
		if r.ContentLength != 0 { // a hand-made POST: refused unread, and the connection with it
			h.Set("Connection", "close")
			refuse(w)
			return
		}
		if r.Header.Get("Upgrade") != "" {
			h.Set("Connection", "close")
			http.Error(w, "400", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// unheard is how long a refused connection stays open for its answer to arrive before what was sent and not read resets it, as in net/http.
const unheard = 500 * time.Millisecond

// refuse answers 413 without reading a body. What came of it in one piece with the header is wiped, so that not even a dump of the memory has it.
func refuse(w http.ResponseWriter) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2, which hands out no connection
		http.Error(w, "413", http.StatusRequestEntityTooLarge)
		return
	}
	defer conn.Close()
	if rest, err := rw.Peek(rw.Reader.Buffered()); err == nil {
		clear(rest)
	}
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = rw.WriteString("HTTP/1.1 413 Request Entity Too Large\r\n")
	_ = w.Header().Write(rw)
	_, _ = rw.WriteString("Content-Length: 0\r\n\r\n")
	_ = rw.Flush()
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
		time.Sleep(unheard)
	}
}

func file(kind string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(body)
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
	if r.Method == http.MethodHead {
		return
	}
	if err := page.Render(lang(r), w); err != nil {
		s.Log.Debug("a drill's page was not delivered", "error", err)
	}
}

// nowhere is the one page for every address that is nobody's.
func (s *Server) nowhere(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusNotFound, plain(i18n.Text{Ja: "ページが見つかりません", En: "Page not found"}, i18n.Text{Ja: "アドレスを確かめてください。", En: "Check the address."}))
}

// failed tells the visitor that the visit was not recorded; a program may try again.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, err error) {
	code := http.StatusServiceUnavailable
	w.Header().Set("Retry-After", "5")
	s.Log.Warn("an arrival was not recorded", "error", err)
	s.show(w, r, code, plain(i18n.Text{Ja: "いまは開けません", En: "Not available now"},
		i18n.Text{Ja: fault.Sentence(err, "ja"), En: fault.Sentence(err, "en")}))
}

// verify tells an administrator whose drill a mail belongs to. It asks for the number in the path, so that nothing is typed into a field.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	code := r.PathValue("code")
	if code == "" {
		s.show(w, r, http.StatusOK, verifyHelp())
		return
	}
	if !s.limit.allow(s.client(r)) {
		w.Header().Set("Retry-After", "60")
		s.show(w, r, http.StatusTooManyRequests, plain(i18n.Text{Ja: "問い合わせが多すぎます", En: "Too many requests"}, i18n.Text{Ja: "1分待ってから、もう一度開いてください。", En: "Wait a minute and open it again."}))
		return
	}
	about, err := s.Drills.About(r.Context(), code)
	if fault.Is(err, fault.NotFound) {
		s.show(w, r, http.StatusNotFound, plain(i18n.Text{Ja: "この番号の訓練はありません", En: "There is no drill of this number"},
			i18n.Text{Ja: "本物の不審なメールかもしれません。リンクや添付を開かず、情報システムの担当に知らせてください。", En: "It may be a real attack. Do not open links or attachments, and tell your IT desk."}))
		return
	}
	if err != nil {
		s.failed(w, r, err)
		return
	}
	s.show(w, r, http.StatusOK, verified(about))
}
