package outside

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kenshin/drill"
)

// tokenLength is the number of characters of a link's token.
const tokenLength = 32

// split takes a path apart: the token, and what a page of ours put behind it. Junk that a filter or a mail program left there makes it malformed,
// and is still the recipient's link.
func split(path string) (token, rest string, ok bool) {
	path = strings.TrimPrefix(path, "/")
	if len(path) < tokenLength || !utf8.ValidString(path) {
		return "", "", false
	}
	return path[:tokenLength], path[tokenLength:], true
}

// arrive answers every link of a mail. Whatever the token is for is recorded before anything is answered.
func (s *Server) arrive(w http.ResponseWriter, r *http.Request) {
	token, rest, ok := split(r.URL.Path)
	if !ok {
		s.nowhere(w, r)
		return
	}
	a := drill.Arrival{Token: token, Method: r.Method, Net: s.client(r), Agent: r.UserAgent()}
	if r.Method == http.MethodPost {
		s.press(w, r, a, rest)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "405", http.StatusMethodNotAllowed)
		return
	}
	page := ""
	if what, touched := touches()[rest]; touched {
		a.Signal, a.Detail = drill.Touched, what
	} else if !slices.Contains(links(), rest) {
		page = ourPage(rest)
		a.Malformed = page == ""
	}
	if page != "" { // a page behind the landing page: reading on is no new arrival
		s.further(w, r, a, page)
		return
	}
	at, known, err := s.Counter.Arrive(r.Context(), a)
	switch {
	case err != nil:
		s.failed(w, r, err)
	case !known:
		s.nowhere(w, r)
	case r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case strings.HasSuffix(rest, ".gif") || strings.HasSuffix(rest, ".png") || at.Of == drill.Opened:
		picture(w)
	default:
		s.landing(w, r, token, at)
	}
}

// ourPage returns which of our own pages stands behind a token, "" for anything else.
func ourPage(rest string) string {
	name, ok := strings.CutPrefix(rest, "/")
	if !ok {
		return ""
	}
	head, _, _ := strings.Cut(name, "/")
	if slices.Contains(pages(), head) {
		return name
	}
	return ""
}

// pixel is a transparent GIF of one pixel.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

func picture(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "image/gif")
	_, _ = w.Write(pixel)
}

// landing shows what the link leads to.
func (s *Server) landing(w http.ResponseWriter, r *http.Request, token string, at drill.Landed) {
	scene, err := s.Drills.Scene(r.Context(), at)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	v := view{Scene: scene, Token: token, Of: at.Of}
	switch {
	case at.Of == drill.Honeypot:
		s.nowhere(w, r)
	case at.Of == drill.Reported:
		w.Header().Set("Content-Security-Policy", buttons)
		s.show(w, r, http.StatusOK, reportPage(v))
	case len(scene.Notice) > 0:
		w.Header().Set("Content-Security-Policy", buttons)
		s.show(w, r, http.StatusOK, noticePage(v))
	case at.Of == drill.Lesson || scene.Drill.Mode == drill.Course:
		w.Header().Set("Content-Security-Policy", buttons)
		s.show(w, r, http.StatusOK, lessonPage(v))
	case at.Of == drill.Attached:
		w.Header().Set("Content-Security-Policy", buttons)
		s.show(w, r, http.StatusOK, afterPage(v))
	default:
		s.show(w, r, http.StatusOK, landingPage(v))
	}
}

// further shows the pages behind the first one.
func (s *Server) further(w http.ResponseWriter, r *http.Request, a drill.Arrival, page string) {
	at, known, err := s.Drills.Peek(r.Context(), a.Token)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	if !known {
		s.nowhere(w, r)
		return
	}
	scene, err := s.Drills.Scene(r.Context(), at)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	v := view{Scene: scene, Token: a.Token, Of: at.Of}
	w.Header().Set("Content-Security-Policy", buttons)
	part := strings.Split(page, "/")
	switch {
	case len(v.Notice) > 0: // behind a notice stands nothing else
		s.show(w, r, http.StatusOK, noticePage(v))
	case page == "more":
		s.show(w, r, http.StatusOK, afterPage(v))
	case page == "lesson":
		s.show(w, r, http.StatusOK, lessonPage(v))
	case part[0] == "quiz" && len(part) == 2 && v.ask(part[1]):
		s.show(w, r, http.StatusOK, quizPage(v))
	case part[0] == "quiz" && len(part) == 3 && v.ask(part[1]) && v.answer(part[2]):
		s.show(w, r, http.StatusOK, quizPage(v))
	default:
		s.nowhere(w, r)
	}
}

// press takes the buttons of our pages. Their posts are empty; all that is said stands in the path.
func (s *Server) press(w http.ResponseWriter, r *http.Request, a drill.Arrival, rest string) {
	part := strings.Split(strings.TrimPrefix(rest, "/"), "/")
	next := ""
	var v view
	button, known := presses()[rest]
	switch {
	case known:
		if a.Signal = button.signal; button.next != "" {
			next = "/" + a.Token + button.next
		}
	case len(part) == 3 && part[0] == "quiz":
		q, err1 := strconv.Atoi(part[1])
		o, err2 := strconv.Atoi(part[2])
		if err1 != nil || err2 != nil || q < 0 || q > 20 || o < 0 || o > 10 {
			s.nowhere(w, r)
			return
		}
		a.Signal, a.Detail, next = drill.Answered, drill.Answer(q, o), "/"+a.Token+rest
	default:
		s.nowhere(w, r)
		return
	}
	at, known, err := s.Counter.Arrive(r.Context(), a)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	if !known {
		s.nowhere(w, r)
		return
	}
	if v.Scene, err = s.Drills.Scene(r.Context(), at); err != nil {
		s.failed(w, r, err)
		return
	}
	if a.Signal == drill.Answered && v.ask(part[1]) && v.Question == len(v.Set.Questions)-1 {
		if _, err := s.Drills.FinishLesson(r.Context(), at, v.Set); err != nil {
			s.failed(w, r, err)
			return
		}
	}
	if next == "" {
		s.show(w, r, http.StatusOK, thanks(v.Scene, a.Signal))
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
