// Package web is the console: the server, the sessions, who may open which page. What is seen lives in web/page.
package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"kenshin/fault"
)

// Limits of a request from outside. Uploads have their own, larger limit.
const (
	maxHeader = 32 << 10
	maxBody   = 1 << 20
	maxUpload = 32 << 20
)

// policy is the Content-Security-Policy of every page: nothing inline, nothing from elsewhere, nobody may frame us.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"

// Harden wraps a handler with what every answer needs: headers, cross-origin protection, body limit, a request id, and a net under panics.
// tls says that the browser reaches us over HTTPS, so that it may be told to stay there.
func Harden(next http.Handler, log *slog.Logger, tls bool) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := requestID()
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), publickey-credentials-get=(self), publickey-credentials-create=(self)")
		h.Set("X-Request-Id", id)
		if tls {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
		if err := cross.Check(r); err != nil {
			log.Warn("cross-origin request refused", "path", loggable(r), "origin", r.Header.Get("Origin"), "request", id)
			http.Error(w, "この操作は別のサイトから送られたため、受け付けませんでした。 / Refused: the request came from another site.", http.StatusForbidden)
			return
		}
		limit := int64(maxBody)
		if r.Method == http.MethodPost && uploads(r.URL.Path) {
			limit = maxUpload
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				log.Error("panic in a handler", "path", loggable(r), "request", id, "panic", p, "stack", string(debug.Stack()))
				http.Error(w, fault.Sentence(nil, "ja")+" ("+id+")", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// HTTPServer is a server with every time limit set.
func HTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// loggable is a request's address as logs may hold it: an invitation's address is its secret.
func loggable(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, "/invite/") {
		return "/invite/..."
	}
	return r.URL.Path
}

type requestKey struct{}

// requestOf returns the id that an error page shows and the log carries.
func requestOf(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

func requestID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// status maps a fault to HTTP.
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
	case fault.Busy:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
