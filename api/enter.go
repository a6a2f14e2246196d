package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"math"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/text/language"
	"golang.org/x/time/rate"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
)

type requestKey struct{}

func requestOf(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// outer gives every request its id and language, and catches panics.
func (s *server) outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		id := h.Get("X-Request-Id") // the server around us may have given one
		if id == "" {
			var b [6]byte
			_, _ = rand.Read(b[:]) // never fails (crypto/rand)
			id = hex.EncodeToString(b[:])
			h.Set("X-Request-Id", id)
		}
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		ctx := context.WithValue(r.Context(), requestKey{}, id)
		r = r.WithContext(i18n.With(ctx, spoken(r.Header.Get("Accept-Language"))))
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.Log.Error("panic in the API", "path", r.URL.Path, "request", id, "panic", p, "stack", string(debug.Stack()))
			writeProblem(w, newProblem(r.Context(), http.StatusInternalServerError, "internal", fault.Sentence(nil, string(i18n.From(r.Context())))))
		}()
		next.ServeHTTP(w, r)
	})
}

// spoken chooses the language of sentences: Japanese where nothing was asked for, English where neither was.
func spoken(accept string) i18n.Lang {
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return i18n.Ja
	}
	for _, t := range tags {
		switch base, _ := t.Base(); base.String() {
		case "ja", "mul":
			return i18n.Ja
		case "en":
			return i18n.En
		}
	}
	return i18n.En
}

// nowhere answers what no route takes: 405 with the methods that there are, else 404.
func (s *server) nowhere(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(ctx)
		probe.Method = m
		if _, pattern := s.mux.Handler(probe); pattern != "" && pattern != "/" {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) > 0 && !slices.Contains(allowed, r.Method) {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblem(w, newProblem(ctx, http.StatusMethodNotAllowed, "method", i18n.T(ctx, "このアドレスでは、その操作(メソッド)は使えません。",
			"This address does not take that method.")))
		return
	}
	writeProblem(w, newProblem(ctx, http.StatusNotFound, "not-found", i18n.T(ctx, "このアドレスはありません。/api/openapi.json に一覧があります。",
		"There is no such address. /api/openapi.json lists all.")))
}

type facilityKey struct{}

func facilityOf(ctx context.Context) facility.ID {
	f, _ := ctx.Value(facilityKey{}).(facility.ID)
	return f
}

const (
	needKey = "permission"
	open    = actor.Permission("") // a route without token
)

// enter finds out whose token it is and in which role it acts, and refuses what the role may not do.
func (s *server) enter(h huma.Context, next func(huma.Context)) {
	ctx := h.Context()
	need, _ := h.Operation().Metadata[needKey].(actor.Permission)
	if need == open {
		next(h)
		return
	}
	refuse := func(status int, code string, err error) {
		writeHuma(h, newProblem(ctx, status, code, fault.Sentence(err, string(i18n.From(ctx)))))
	}
	scheme, text, _ := strings.Cut(strings.TrimSpace(h.Header("Authorization")), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		h.SetHeader("WWW-Authenticate", `Bearer realm="kenshin"`)
		refuse(http.StatusUnauthorized, "token", fault.New(fault.Denied, "プログラム用の鍵(APIトークン)が要ります。Authorization: Bearer ken_... を付けてください。",
			"An API token is needed: send Authorization: Bearer ken_..."))
		return
	}
	token, err := s.Account.Token(ctx, strings.TrimSpace(text))
	if fault.Is(err, fault.Denied) {
		h.SetHeader("WWW-Authenticate", `Bearer realm="kenshin", error="invalid_token"`)
		refuse(http.StatusUnauthorized, "token", err)
		return
	}
	if err != nil {
		writeHuma(h, s.problem(ctx, err))
		return
	}
	if wait := s.limit.take(token.ID); wait > 0 {
		h.SetHeader("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		refuse(http.StatusTooManyRequests, "rate", fault.Newf(fault.Busy, "このトークンの要求が多すぎます(1秒に%d件まで)。少し待ってください。",
			"Too many requests with this token (%d a second at most). Wait a little.", s.Rate))
		return
	}
	who, err := s.Account.Access(ctx, token.Subject(), token.Facility)
	if err != nil {
		writeHuma(h, s.problem(ctx, err))
		return
	}
	if !who.Role.May(need) {
		refuse(http.StatusForbidden, "denied", fault.Newf(fault.Denied, "このトークンの役割(%[1]s)では、この操作はできません(必要な権限: %[2]s)。",
			"The token's role (%[1]s) does not allow this (needs %[2]s).", who.Role, need))
		return
	}
	who.Address = addressOf(h.RemoteAddr())
	ctx = context.WithValue(actor.With(ctx, who), facilityKey{}, token.Facility)
	next(huma.WithContext(h, ctx))
}

// addressOf is where a connection came from, "" when that cannot be said. Headers such as X-Forwarded-For are not believed: anybody can write them.
func addressOf(remote string) string {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return ""
	}
	return a.Addr().Unmap().String()
}

// limiter slows single tokens down. It forgets tokens that were not used for a while.
type limiter struct {
	mu    sync.Mutex
	rate  int
	now   func() time.Time
	known map[string]*bucket
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

const maxBuckets = 4096

func newLimiter(perSecond int, now func() time.Time) *limiter {
	return &limiter{rate: perSecond, now: now, known: map[string]*bucket{}}
}

// take returns how long to wait, 0 when the request may go on.
func (l *limiter) take(id string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b, ok := l.known[id]
	if !ok {
		if len(l.known) >= maxBuckets {
			for k, v := range l.known {
				if now.Sub(v.used) > time.Minute { // full again by now: forgetting it changes nothing
					delete(l.known, k)
				}
			}
		}
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(l.rate), 2*l.rate)}
		l.known[id] = b
	}
	b.used = now
	r := b.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}
