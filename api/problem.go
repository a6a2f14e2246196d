package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/dock"
	"kenshin/drill"
	"kenshin/drill/scenario"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/register"
)

// Problem is an error as RFC 9457 tells it.
type Problem struct {
	Type    string    `json:"type" doc:"Always about:blank: the status and the code say which problem it is." example:"about:blank"`
	Title   string    `json:"title" doc:"The status in words." example:"Not Found"`
	Status  int       `json:"status" example:"404"`
	Detail  string    `json:"detail" doc:"One sentence for a person, in the language of Accept-Language, with what to do." example:"There is no such segment."`
	Code    string    `json:"code" doc:"Stable for scripts: invalid, not-found, conflict, denied, token, rate, too-large, busy, unavailable, internal, method." example:"not-found"`
	Request string    `json:"request" doc:"Id of the request; the server's log has it too." example:"1f0c52a9be77"`
	Errors  []Mistake `json:"errors,omitempty" doc:"What is wrong with the input, place by place."`
}

// Mistake is one thing that is wrong with the input.
type Mistake struct {
	Location string `json:"location" example:"body.pace"`
	Message  string `json:"message" example:"expected string"`
}

// Error is the sentence.
func (p *Problem) Error() string { return p.Detail }

// GetStatus and ContentType are what huma asks of an error.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is application/problem+json.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func newProblem(ctx context.Context, status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code, Request: requestOf(ctx)}
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the reader went away
}

func writeHuma(h huma.Context, p *Problem) {
	h.SetHeader("Content-Type", p.ContentType(""))
	h.SetStatus(p.Status)
	_ = json.NewEncoder(h.BodyWriter()).Encode(p) // the reader went away
}

// statusOf maps a fault to HTTP and to the stable code.
func statusOf(err error) (status int, code string) {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, "too-large"
	}
	if _, ok := errors.AsType[*outdated](err); ok {
		return http.StatusPreconditionFailed, "conflict"
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return http.StatusUnprocessableEntity, "invalid"
	case fault.NotFound:
		return http.StatusNotFound, "not-found"
	case fault.Conflict:
		return http.StatusConflict, "conflict"
	case fault.Denied:
		return http.StatusForbidden, "denied"
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge, "too-large"
	case fault.Busy:
		return http.StatusTooManyRequests, "busy"
	case fault.Unavailable:
		return http.StatusServiceUnavailable, "unavailable"
	case fault.Internal:
	}
	return http.StatusInternalServerError, "internal"
}

// outdated is a conflict of which the caller warned itself with If-Match: RFC 9110, 13.1.1 wants 412.
type outdated struct{ error }

func (o *outdated) Unwrap() error { return o.error }

// problem tells an error to the caller in one sentence, and its cause to the log.
func (s *server) problem(ctx context.Context, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	status, code := statusOf(err)
	if status == http.StatusInternalServerError {
		s.Log.Error("API request failed", "request", requestOf(ctx), "error", err)
	}
	if big, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = fault.Wrap(fault.TooLarge, big, "送られたデータが大きすぎます。", "What was sent is too large.")
	}
	p := newProblem(ctx, status, code, fault.Sentence(err, string(i18n.From(ctx))))
	p.Errors = mistakes(ctx, err)
	return p
}

// mistakes are the places that the domains name in their errors.
func mistakes(ctx context.Context, err error) (out []Mistake) {
	if all, ok := errors.AsType[catalogue.Mistakes](err); ok {
		for _, m := range all {
			out = append(out, Mistake{fmt.Sprintf("line %d %s", m.Line, m.Path), m.Why.For(ctx)})
		}
	}
	if all, ok := errors.AsType[scenario.Faults](err); ok {
		for _, f := range all {
			out = append(out, Mistake{strings.TrimSpace(fmt.Sprintf("line %d %s", f.Line, f.Place(i18n.From(ctx)))), f.Why.For(ctx)})
		}
	}
	if all, ok := errors.AsType[register.Problems](err); ok {
		_, plain := errors.AsType[*flat](err)
		for _, p := range all {
			at := "body.values." + p.Key
			if p.Key == "owner" || plain {
				at = "body." + p.Key
			}
			out = append(out, Mistake{at, p.Text.For(ctx)})
		}
	}
	if u, ok := errors.AsType[*dock.Unexplained](err); ok {
		for _, i := range u.Items {
			out = append(out, Mistake{"assessments/" + i.Catalogue + "/items/" + i.Item, i.Title})
		}
	}
	say := fault.Sentence(err, string(i18n.From(ctx)))
	if m, ok := errors.AsType[*plan.Misfit](err); ok {
		out = append(out, Mistake{"body." + m.Place(), say})
	}
	if e, ok := errors.AsType[*drill.ScannerError](err); ok {
		out = append(out, Mistake{"body." + e.Field, say})
	}
	if p, ok := errors.AsType[*misplaced](err); ok {
		out = append(out, Mistake{p.at, say})
	}
	return out
}

// flat says that a row's values stand in the body themselves.
type flat struct{ error }

func (e *flat) Unwrap() error { return e.error }

// misplaced is an error about one place of the input.
type misplaced struct {
	error
	at string
}

func (m *misplaced) Unwrap() error { return m.error }

// placed names the place of the input that an error is about.
func placed(at string, err error) error {
	if err == nil {
		return nil
	}
	return &misplaced{err, at}
}

// problems turns the errors that huma makes itself (input that does not fit the schema) into ours. Values are not echoed: they may be secret.
func (s *server) problems(h huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	ctx := h.Context()
	code, say := "invalid", i18n.Text{Ja: "送られた内容に誤りがあります。errors に場所があります。", En: "The input is not valid; errors says where."}
	switch {
	case m.Status == http.StatusRequestEntityTooLarge:
		code, say = "too-large", i18n.Text{Ja: "送られたデータが大きすぎます。", En: "What was sent is too large."}
	case m.Status == http.StatusUnsupportedMediaType:
		say = i18n.Text{Ja: "application/json で送ってください。", En: "Send application/json."}
	case m.Status == http.StatusBadRequest && len(m.Errors) == 0:
		say = i18n.Text{Ja: "本文(JSON)が要ります。", En: "A body (JSON) is needed."}
	case m.Status >= http.StatusInternalServerError:
		s.Log.Error("API request failed", "request", requestOf(ctx), "error", m.Detail, "errors", m.Errors)
		code, say = "internal", i18n.Text{Ja: fault.Sentence(nil, "ja"), En: fault.Sentence(nil, "en")}
	}
	p := newProblem(ctx, m.Status, code, say.For(ctx))
	for i, e := range m.Errors {
		if i == 50 { // the first ones are enough to mend the input
			break
		}
		p.Errors = append(p.Errors, Mistake{e.Location, explain(ctx, e.Message)})
	}
	return p, nil
}

// said are the schema's complaints in Japanese; what follows the prefix stays.
var said = [][2]string{
	{"unexpected property", "知らない項目です"},
	{"unknown query parameter", "知らない指定です"},
	{"expected required property", "必要な項目がありません:"},
	{"required", "必要な指定がありません:"},
	{"expected string to be RFC 3339", "日時は 2026-11-21T09:00:00+09:00 の形で書いてください:"},
	{"expected string", "文字列で書いてください"},
	{"expected boolean", "true か false で書いてください"},
	{"expected integer", "整数で書いてください"},
	{"invalid integer", "整数で書いてください"},
	{"expected number", "数の範囲が違います:"},
	{"expected array length", "個数が違います:"},
	{"expected array", "配列で書いてください"},
	{"expected object", "オブジェクトで書いてください"},
	{"expected value to be one of", "次のどれかにしてください:"},
	{"expected length", "長さが違います:"},
	{"invalid date/time", "日時は 2026-11-21T09:00:00+09:00 の形で書いてください:"},
	{"invalid character", "JSONとして読めません:"},
	{"unexpected end of JSON", "JSONが途中で終わっています:"},
}

func explain(ctx context.Context, message string) string {
	if r := []rune(message); len(r) > 300 {
		message = string(r[:300]) + "…"
	}
	if i18n.From(ctx) == i18n.En {
		return message
	}
	for _, t := range said {
		if rest, ok := strings.CutPrefix(message, t[0]); ok {
			return strings.TrimSpace(t[1] + rest)
		}
	}
	return message
}
