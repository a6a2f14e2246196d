package outside

import (
	"net/http"

	"kenshin/drill"
)

// The addresses that this listener answers, all of them: docs/guide/drill.md lists them for whoever writes a load generator, and a test holds the two
// against each other.

// fixed are the addresses that carry no token of a recipient.
func (s *Server) fixed() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /-/style.css":   file("text/css; charset=utf-8", style),
		"GET /-/page.js":     file("text/javascript; charset=utf-8", script),
		"GET /favicon.ico":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, // every browser asks
		"GET /verify":        s.verify,
		"GET /verify/{code}": s.verify,
		"GET /robots.txt":    file("text/plain; charset=utf-8", []byte("User-agent: *\nDisallow: /\n")),
	}
}

// links are what may stand behind a token that a mail carries: each is an arrival of the token's own kind.
func links() []string { return []string{"", ".gif", ".png"} }

// touches are pictures that the landing page's script fetches once, with what they tell.
func touches() map[string]string { return map[string]string{"/t.gif": "pointer", "/k.gif": "typed"} }

// pages are the first parts of the pages behind a token: reading on is no new arrival.
func pages() []string { return []string{"more", "lesson", "quiz"} }

// press is a button of our pages.
type press struct {
	signal drill.Signal
	next   string // the page behind the token that comes then, "" the thanks
}

// presses are the buttons by what stands behind the token; the answers of a lesson's check are quiz/QUESTION/OPTION, and come beside.
func presses() map[string]press {
	return map[string]press{"/ok": {drill.Confirm, "/lesson"}, "/report": {drill.Reported, ""}, "/read": {drill.Read, ""}}
}
