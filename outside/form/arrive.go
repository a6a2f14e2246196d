package form

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"kenshin/assess/inquiry"
	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/i18n"
)

// view is what the form's page shows.
type view struct {
	inquiry.Form
	Token    string
	Path     string // where the form posts to
	Revision int64
	Typed    inquiry.Filling           // what stands in the fields
	Stored   map[string]inquiry.Answer // of a conflict: what another browser saved
	Error    string
	Saved    bool
}

func sheetOf(r *http.Request) string {
	if id := r.PathValue("sheet"); id != "" {
		return id
	}
	return "1"
}

func pathOf(r *http.Request) string {
	p := "/f/" + r.PathValue("token")
	if id := r.PathValue("sheet"); id != "" {
		p += "/s/" + id
	}
	return p
}

// open shows the form, the cover of a survey, or why a link does not open.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	door, err := s.Book.Open(r.Context(), token)
	switch {
	case err != nil:
		s.failed(w, r, err)
		return
	case door.Gate != inquiry.Opens:
		s.shut(w, r, door)
		return
	case door.Inquiry.Kind == inquiry.Survey && r.PathValue("sheet") == "":
		s.show(w, r, http.StatusOK, cover(door, "/f/"+token+"/begin"))
		return
	}
	f, err := s.Book.Form(r.Context(), token, sheetOf(r), seat(r))
	switch {
	case err != nil:
		s.failed(w, r, err)
	case f.Gate != inquiry.Opens:
		s.shut(w, r, f.Door)
	default:
		if f.Inquiry.Kind != inquiry.Survey {
			s.giveSeat(w, r)
		}
		v := view{Form: f, Token: token, Path: pathOf(r), Revision: f.Sheet.Revision, Typed: f.Sheet.Filling, Saved: r.URL.Query().Get("saved") != ""}
		if v.Typed.Company == "" {
			v.Typed.Company = f.Inquiry.VendorName
		}
		s.show(w, r, http.StatusOK, formPage(v))
	}
}

// shut says in a sentence why a link leads to no form.
func (s *Server) shut(w http.ResponseWriter, r *http.Request, d inquiry.Door) {
	if d.Gate == inquiry.NoSuch && !s.misses.allow(s.client(r)) {
		s.busy(w, r)
		return
	}
	title, text, code := gateText(d)
	s.show(w, r, code, plain(title, text, d.Hospital, d.Contact))
}

func gateText(d inquiry.Door) (title, text i18n.Text, code int) {
	switch d.Gate {
	case inquiry.Done:
		if d.Inquiry.Kind == inquiry.Survey {
			return i18n.Text{Ja: "回答は届いています", En: "Your answers arrived"}, i18n.Text{Ja: "ご協力ありがとうございました。このページを閉じてください。", En: "Thank you. You may close this page."}, http.StatusOK
		}
		when := ""
		if !d.Inquiry.Answered.IsZero() {
			when = d.Inquiry.Answered.In(tokyo()).Format("2006年1月2日 15:04")
		}
		return i18n.Text{Ja: "回答は届いています", En: "Answered already"}, i18n.Text{
			Ja: "「" + d.Inquiry.SubjectName + "」への回答は、" + when + " に届きました。ありがとうございました。直したいときは、病院に「差し戻し」を頼んでください。答えの中身は、転送された方に見えないよう、ここには出しません。",
			En: "The answers for " + d.Inquiry.SubjectName + " arrived. To correct them, ask the hospital to give the form back. They are not shown here, as links get forwarded."}, http.StatusOK
	case inquiry.RunOut:
		return i18n.Text{Ja: "リンクの期限が過ぎました", En: "This link has run out"}, i18n.Text{
			Ja: "書きかけの内容は残っています。病院に新しいリンクを頼むと、続きから書けます。", En: "What you wrote is kept. Ask the hospital for a new link to go on."}, http.StatusGone
	case inquiry.Ended:
		return i18n.Text{Ja: "このリンクは取り消されました", En: "This link was revoked"}, i18n.Text{
			Ja: "病院がこの依頼を取り消しました。心当たりがないときは、下の問い合わせ先に聞いてください。", En: "The hospital took this request back. If in doubt, ask the contact below."}, http.StatusGone
	case inquiry.Declined:
		return i18n.Text{Ja: "回答しないと伝えられています", En: "Declined"}, i18n.Text{
			Ja: "この依頼は、回答しないとの連絡を受けています。考えが変わったときは、病院に知らせてください。", En: "We were told that there will be no answer. Tell the hospital if that changes."}, http.StatusOK
	case inquiry.Closed:
		return i18n.Text{Ja: "この調査は終わりました", En: "This survey is over"}, i18n.Text{Ja: "ご協力ありがとうございました。", En: "Thank you."}, http.StatusGone
	case inquiry.NoSuch, inquiry.Opens:
	}
	return i18n.Text{Ja: "ページが見つかりません", En: "Page not found"}, i18n.Text{
		Ja: "アドレスが途中で切れていないか、メールのリンクと見比べてください。", En: "See whether the address was cut off, and compare it with the mail."}, http.StatusNotFound
}

// begin gives a survey's visitor a sheet of their own.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) {
	id, err := s.Book.Begin(r.Context(), r.PathValue("token"))
	if err != nil {
		s.refused(w, r, err)
		return
	}
	to := "/f/" + url.PathEscape(r.PathValue("token"))
	if id != "1" {
		to += "/s/" + id
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// refused shows the page of a link that does not open, or the error.
func (s *Server) refused(w http.ResponseWriter, r *http.Request, err error) {
	if door, derr := s.Book.Open(r.Context(), r.PathValue("token")); derr == nil && door.Gate != inquiry.Opens {
		s.shut(w, r, door)
		return
	}
	s.failed(w, r, err)
}

// save keeps a draft or takes the answers. What was typed comes back with every error.
func (s *Server) save(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			err = fault.New(fault.TooLarge, "書かれた内容が多すぎます。備考を短くしてください。", "Too much text: shorten the notes.")
		} else {
			err = fault.Wrap(fault.Invalid, err, "送られた内容が壊れています。もう一度押してください。", "What was sent is broken. Press again.")
		}
		s.failed(w, r, err)
		return
	}
	token, quietly := r.PathValue("token"), r.Header.Get("X-Autosave") != ""
	f, err := s.Book.Form(r.Context(), token, sheetOf(r), seat(r))
	if err != nil || f.Gate != inquiry.Opens {
		if err == nil {
			s.shut(w, r, f.Door)
			return
		}
		s.refused(w, r, err)
		return
	}
	in := inquiry.Saving{Sheet: sheetOf(r), Filling: filling(r.PostForm, f.Items), Submit: r.PostForm.Get("do") == "send" && !quietly, Confirmed: r.PostForm.Get("confirmed") != ""}
	if in.Revision, err = strconv.ParseInt(r.PostForm.Get("revision"), 10, 64); err != nil {
		in.Revision = 0
	}
	if f.Inquiry.Kind != inquiry.Survey {
		in.Seat = s.giveSeat(w, r)
	}
	sheet, err := s.Book.Save(r.Context(), token, in)
	switch {
	case quietly:
		s.autosaved(w, r, sheet, err)
	case err == nil && in.Submit:
		http.Redirect(w, r, pathOf(r), http.StatusSeeOther)
	case err == nil:
		http.Redirect(w, r, pathOf(r)+"?saved=1", http.StatusSeeOther)
	default:
		s.again(w, r, in, err)
	}
}

// again shows the form with what was typed and what is wrong with it. After a conflict the other browser's answers stand beside it.
func (s *Server) again(w http.ResponseWriter, r *http.Request, in inquiry.Saving, err error) {
	f, ferr := s.Book.Form(r.Context(), r.PathValue("token"), in.Sheet, seat(r))
	if ferr != nil || f.Gate != inquiry.Opens {
		s.refused(w, r, err)
		return
	}
	l := i18n.From(lang(r))
	v := view{Form: f, Token: r.PathValue("token"), Path: pathOf(r), Revision: in.Revision, Typed: in.Filling, Error: fault.Sentence(err, string(l))}
	if fault.Is(err, fault.Conflict) {
		v.Revision, v.Stored = f.Sheet.Revision, f.Sheet.Answers
	}
	s.show(w, r, status(err), formPage(v))
}

// autosaved answers the page's script.
func (s *Server) autosaved(w http.ResponseWriter, r *http.Request, sheet inquiry.Sheet, err error) {
	w.Header().Set("Content-Type", "application/json")
	out := map[string]any{"revision": sheet.Revision}
	if err != nil {
		w.WriteHeader(status(err))
		out = map[string]any{"says": fault.Sentence(err, string(i18n.From(lang(r))))}
	}
	_ = json.NewEncoder(w).Encode(out) // the reader went away
}

// filling reads the fields of a form; only those of items that it asks count.
func filling(f url.Values, items []catalogue.Item) inquiry.Filling {
	out := inquiry.Filling{Answers: map[string]inquiry.Answer{}, By: f.Get("by"), Company: f.Get("company"), Note: f.Get("note")}
	for _, i := range items {
		a := inquiry.Answer{Reply: catalogue.Reply(f.Get("r." + i.ID)), Value: f.Get("v." + i.ID), On: f.Get("on." + i.ID), Target: f.Get("target." + i.ID), Note: f.Get("n." + i.ID)}
		for _, v := range f["m."+i.ID] {
			n, err := strconv.Atoi(v)
			if err != nil {
				n = -1
			}
			if len(a.Many) < 200 {
				a.Many = append(a.Many, n)
			}
		}
		out.Answers[i.ID] = a
	}
	return out
}

// decline is a refusal by the addressee.
func (s *Server) decline(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.failed(w, r, fault.Wrap(fault.Invalid, err, "送られた内容が壊れています。もう一度押してください。", "What was sent is broken. Press again."))
		return
	}
	if err := s.Book.Decline(r.Context(), r.PathValue("token"), r.PostForm.Get("reason"), r.PostForm.Get("by")); err != nil {
		s.refused(w, r, err)
		return
	}
	http.Redirect(w, r, "/f/"+url.PathEscape(r.PathValue("token")), http.StatusSeeOther)
}

// copyFrom fills an untouched form with the answers for another system.
func (s *Server) copyFrom(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.failed(w, r, fault.Wrap(fault.Invalid, err, "送られた内容が壊れています。もう一度押してください。", "What was sent is broken. Press again."))
		return
	}
	if err := s.Book.CopyFrom(r.Context(), r.PathValue("token"), r.PostForm.Get("from"), s.giveSeat(w, r)); err != nil {
		s.refused(w, r, err)
		return
	}
	http.Redirect(w, r, "/f/"+url.PathEscape(r.PathValue("token")), http.StatusSeeOther)
}

// attach takes one file. It is streamed: nothing of it lies in memory or in a temporary file.
func (s *Server) attach(w http.ResponseWriter, r *http.Request) {
	select {
	case s.files <- struct{}{}:
		defer func() { <-s.files }()
	default:
		s.busy(w, r)
		return
	}
	parts, err := r.MultipartReader()
	if err != nil {
		s.failed(w, r, fault.Wrap(fault.Invalid, err, "ファイルを選んでください。", "Choose a file."))
		return
	}
	for range 5 {
		p, err := parts.NextPart()
		if err != nil {
			break
		}
		if p.FormName() != "file" {
			continue
		}
		switch err := s.Book.Attach(r.Context(), r.PathValue("token"), rawName(p.Header.Get("Content-Disposition")), big{p}); {
		case err == nil:
			http.Redirect(w, r, "/f/"+url.PathEscape(r.PathValue("token"))+"?saved=1#files", http.StatusSeeOther)
		default:
			s.refused(w, r, err)
		}
		return
	}
	s.failed(w, r, fault.New(fault.Invalid, "ファイルを選んでください。", "Choose a file."))
}

// big turns the end of the allowed size into its sentence.
type big struct{ io.Reader }

func (b big) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		err = fault.New(fault.TooLarge, "ファイルは20 MBまでです。", "A file has at most 20 MB.")
	}
	return n, err
}

// rawName is a file's name as the browser sent it: mime/multipart would hide a path in it.
func rawName(disposition string) string {
	_, params, err := mime.ParseMediaType(disposition)
	if err != nil { // such as a name that is no proper text
		return "\x00"
	}
	return strings.TrimSpace(params["filename"])
}
