package outside

import (
	"context"
	_ "embed"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kenshin/drill"
	"kenshin/drill/lesson"
	"kenshin/i18n"
)

//go:embed style.css
var style []byte

//go:embed page.js
var script []byte

// view is what a page shows.
type view struct {
	drill.Scene
	Token    string
	Of       drill.Signal
	Question int // of the check, from 0
	Answered bool
	Answer   int
}

// ask chooses a question by its number in the path.
func (v *view) ask(n string) bool {
	q, err := strconv.Atoi(n)
	v.Question = q
	return err == nil && q >= 0 && q < len(v.Set.Questions)
}

func (v *view) answer(n string) bool {
	o, err := strconv.Atoi(n)
	v.Answer, v.Answered = o, true
	return err == nil && o >= 0 && o < len(v.Set.Questions[v.Question].Options)
}

// bestMarks are the marks of the cues that teach most, one of each: a minute is too short for all.
func (v view) bestMarks() (out []lesson.Legend) {
	for _, l := range v.Shown.Legend {
		of := func(x lesson.Legend) bool { return x.Cue.ID == l.Cue.ID }
		if slices.ContainsFunc(v.Best, func(b lesson.CueLesson) bool { return b.Cue == l.Cue.ID }) && !slices.ContainsFunc(out, of) {
			out = append(out, l)
		}
	}
	return out
}

// otherMarks are those that bestMarks leaves out.
func (v view) otherMarks() (out []lesson.Legend) {
	best := v.bestMarks()
	for _, l := range v.Shown.Legend {
		if !slices.ContainsFunc(best, func(b lesson.Legend) bool { return b.Number == l.Number }) {
			out = append(out, l)
		}
	}
	return out
}

func (v view) question() lesson.Question { return v.Set.Questions[v.Question] }
func (v view) right() bool               { return v.question().Right == v.Answer }
func (v view) last() bool                { return v.Question == len(v.Set.Questions)-1 }
func (v view) path(rest string) string   { return "/" + v.Token + rest }

// say is a text in the reader's language with the hospital's names in it.
func (v view) say(ctx context.Context, t i18n.Text) string { return lesson.Fill(t, v.Values).For(ctx) }

func (v view) paragraphs(ctx context.Context, t i18n.Text) []string {
	return lesson.Paragraphs(v.say(ctx, t))
}

func t(ctx context.Context, ja, en string, args ...any) string { return i18n.T(ctx, ja, en, args...) }

func circled(n int) string {
	if n >= 1 && n <= 20 {
		return string(rune('①' + n - 1))
	}
	return "(" + strconv.Itoa(n) + ")"
}

// limiter lets an address ask a few times a minute. It forgets everything each minute, so that it stays small.
type limiter struct {
	mu    sync.Mutex
	now   func() time.Time
	since time.Time
	seen  map[netip.Addr]int
}

const perMinute = 30

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, seen: map[netip.Addr]int{}}
}

func (l *limiter) allow(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); now.Sub(l.since) > time.Minute || now.Before(l.since) {
		l.since = now
		clear(l.seen)
	}
	l.seen[a]++
	return l.seen[a] <= perMinute
}

// quiet keeps tokens out of the log: net/http's own errors may quote a request.
type quiet struct{ slog.Handler }

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, "drill pages: "+strings.SplitN(r.Message, " ", 3)[0]+" …", r.PC)
	return q.Handler.Handle(ctx, clean)
}

// initial is the sign of a fictitious sender: the first character of its name.
func initial(brand string) string {
	for _, r := range brand {
		return string(r)
	}
	return ""
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
