package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/assess/inquiry"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/setting"
	"kenshin/store"
	"kenshin/web/page"
)

// maxWorkbook is the largest workbook of answers that is taken.
const maxWorkbook = 5 << 20

// relay says whether mails go out.
func (v *visit) relay() bool {
	f, err := v.place()
	if err != nil || f.Demo {
		return false
	}
	var r setting.Relay
	err = v.s.DB.Read(v.ctx, v.facility, func(tx *store.Tx) (err error) {
		r, err = setting.Mail().Get(v.ctx, tx)
		return err
	})
	v.note(err, "mail settings")
	return r.Host != ""
}

// dueOf reads a due day; nothing is the zero time.
func (v *visit) dueOf(text string) (time.Time, error) {
	day, p, err := jp.Date(text)
	if err != nil || day == "" {
		return time.Time{}, err
	}
	if p != jp.Day {
		return time.Time{}, fault.New(fault.Invalid, "期限は年月日まで書いてください。", "Write the due day with its day.")
	}
	f, err := v.place()
	if err != nil {
		return time.Time{}, err
	}
	return time.ParseInLocation(time.DateOnly, day, f.Location())
}

func (v *visit) inquiries() error { return v.showInquiries("", http.StatusOK) }

func (v *visit) showInquiries(wrong string, code int) error {
	c, err := v.s.Inquiries.VendorForm(v.ctx)
	if err != nil {
		return err
	}
	view := page.InquiriesView{Catalogue: c, CanEdit: v.actor.Role.May(actor.EditAssess), Relay: v.relay(), Error: wrong}
	if view.Targets, err = v.s.Inquiries.Targets(v.ctx, v.facility, c); err != nil {
		return err
	}
	if view.Questions, _, err = v.s.Inquiries.List(v.ctx, v.facility, inquiry.Filter{Kind: inquiry.Question, Limit: 200}); err != nil {
		return err
	}
	if view.Settings, err = v.s.Inquiries.Settings(v.ctx, v.facility); err != nil {
		return err
	}
	view.Due = v.now().AddDate(0, 0, 7*view.Settings.Weeks).Format(time.DateOnly)
	v.status(code)
	v.show(page.InquiriesPage(v.shell(), view))
	return nil
}

// inquiryAsk asks the vendors of the chosen systems, or all that were not asked, and shows the links once.
func (v *visit) inquiryAsk() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	systems := f["system"]
	if f.Get("all") != "" {
		systems = nil
	} else if len(systems) == 0 {
		return v.showInquiries(v.t("システムを選んでください。", "Choose a system."), http.StatusUnprocessableEntity)
	}
	due, err := v.dueOf(f.Get("due"))
	if err != nil {
		return v.showInquiries(v.says(err), status(err))
	}
	letters, left, err := v.s.Inquiries.AskVendors(v.ctx, v.facility, systems, due, f.Get("word"))
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooLarge:
		return v.showInquiries(v.says(err), status(err))
	}
	if err != nil {
		return err
	}
	return v.letters(v.t("業者に頼みました", "Asked"), letters, left, page.PathInquiries)
}

func (v *visit) letters(title string, list []inquiry.Letter, left []string, back string) error {
	s, err := v.s.Inquiries.Settings(v.ctx, v.facility)
	if err != nil {
		return err
	}
	v.w.Header().Set("Cache-Control", "no-store")
	v.show(page.LettersPage(v.shell(), page.LettersView{Title: title, Letters: list, Left: left, Back: back, NoBase: s.Base == ""}))
	return nil
}

// inquiryQuestion sends a question about one item by a link.
func (v *visit) inquiryQuestion() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	due, err := v.dueOf(f.Get("due"))
	if err != nil {
		return err
	}
	l, err := v.s.Inquiries.AskQuestion(v.ctx, v.facility, inquiry.Asking{ID: f.Get("question"), Catalogue: f.Get("catalogue"), Item: f.Get("item"), Vendor: f.Get("vendor"), Text: f.Get("text"), Due: due})
	if err != nil {
		return err
	}
	if id := f.Get("question"); id != "" {
		if err := v.s.Assess.Sent(v.ctx, v.facility, id); err != nil {
			return err
		}
	}
	return v.letters(v.t("質問しました", "Asked"), []inquiry.Letter{l}, nil, back(f, page.PathInquiries))
}

func (v *visit) inquirySettings() error {
	s, err := v.s.Inquiries.Settings(v.ctx, v.facility)
	if err != nil {
		return err
	}
	v.show(page.InquirySettingsPage(v.shell(), s, nil))
	return nil
}

func (v *visit) inquirySettingsSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	s := inquiry.Settings{Base: f.Get("base"), Contact: f.Get("contact"), Support: f.Get("support")}
	number := func(text string) int {
		n, err := strconv.Atoi(jp.Narrow(strings.TrimSpace(text)))
		if err != nil {
			return -1
		}
		return n
	}
	s.Days, s.Weeks = number(f.Get("days")), number(f.Get("weeks"))
	for _, part := range strings.FieldsFunc(f.Get("remind"), func(r rune) bool { return strings.ContainsRune(",、， 　", r) }) {
		s.Remind = append(s.Remind, number(part))
	}
	err = v.s.Inquiries.SaveSettings(v.ctx, v.facility, s)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooLarge:
		v.status(status(err))
		v.show(page.InquirySettingsPage(v.shell(), s, page.Errors{"": v.says(err)}))
		return nil
	}
	if err != nil {
		return err
	}
	v.said("送り方を保存しました。", "Saved.")
	v.redirect(page.PathInquiries)
	return nil
}

func (v *visit) inquiry() error { return v.showInquiry("", false, http.StatusOK) }

func (v *visit) showInquiry(wrong string, asks bool, code int) error {
	id := v.r.PathValue("id")
	i, err := v.s.Inquiries.Get(v.ctx, v.facility, id)
	if err != nil {
		return err
	}
	view := page.InquiryView{Inquiry: i, CanEdit: v.actor.Role.May(actor.EditAssess), Error: wrong, Asks: asks}
	if i.Kind == inquiry.Survey {
		v.redirect(page.InquiryPath(id, "visit")) // what a survey brought in is shown there, within its limits
		return nil
	}
	if _, view.Items, err = v.s.Inquiries.Items(v.ctx, i); err != nil {
		return err
	}
	sheets, err := v.s.Inquiries.Sheets(v.ctx, v.facility, id)
	if err != nil {
		return err
	}
	if len(sheets) > 0 {
		view.Sheet = &sheets[0]
	}
	if view.Files, err = v.s.Inquiries.Files(v.ctx, v.facility, id); err != nil {
		return err
	}
	if view.Steps, err = v.s.Inquiries.History(v.ctx, v.facility, id); err != nil {
		return err
	}
	v.status(code)
	v.show(page.InquiryPage(v.shell(), view))
	return nil
}

// inquiryRemind makes a further link and shows it once.
func (v *visit) inquiryRemind() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	due, err := v.dueOf(f.Get("due"))
	if err == nil {
		var l inquiry.Letter
		if l, err = v.s.Inquiries.Remind(v.ctx, v.facility, v.r.PathValue("id"), due); err == nil {
			return v.letters(v.t("催促しました", "Reminded"), []inquiry.Letter{l}, nil, page.InquiryPath(l.Links[0].Inquiry.ID, ""))
		}
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict:
		return v.showInquiry(v.says(err), false, status(err))
	}
	return err
}

// inquiryDeed does one thing to an inquiry and comes back to it; what is wrong is said on its page.
func inquiryDeed(do func(*visit, url.Values) error, ja, en string) func(*visit) error {
	return func(v *visit) error {
		f, err := v.form()
		if err != nil {
			return err
		}
		switch err := do(v, f); fault.KindOf(err) {
		case fault.Invalid, fault.Conflict, fault.TooLarge:
			if err != nil {
				return v.showInquiry(v.says(err), fault.Is(err, fault.Conflict), status(err))
			}
		default:
			if err != nil {
				return err
			}
		}
		v.said(ja, en)
		v.redirect(page.InquiryPath(v.r.PathValue("id"), ""))
		return nil
	}
}

func (v *visit) inquiryRevoke(f url.Values) error {
	return v.s.Inquiries.Revoke(v.ctx, v.facility, v.r.PathValue("id"), f.Get("reason"))
}

func (v *visit) inquiryRefuse(f url.Values) error {
	return v.s.Inquiries.Refuse(v.ctx, v.facility, v.r.PathValue("id"), f.Get("reason"))
}

func (v *visit) inquiryReturn(f url.Values) error {
	return v.s.Inquiries.GiveBack(v.ctx, v.facility, v.r.PathValue("id"), f.Get("reason"))
}

func (v *visit) inquiryTake(f url.Values) error {
	revision, err := strconv.ParseInt(f.Get("revision"), 10, 64)
	if err != nil {
		return fault.New(fault.Invalid, "このフォームは古くなっています。開き直してください。", "This form is out of date. Open it again.")
	}
	return v.s.Inquiries.TakeIn(v.ctx, v.facility, v.r.PathValue("id"), revision, f.Get("over") != "")
}

func (v *visit) inquiryWorkbook() error {
	i, err := v.s.Inquiries.Get(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := v.s.Inquiries.Workbook(v.ctx, v.facility, i.ID, &b); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileSafe("回答票_" + i.SubjectName + "_" + i.VendorName + ".xlsx")}))
	h.Set("Cache-Control", "no-store")
	_, _ = v.w.Write(b.Bytes()) // the reader went away
	return nil
}

// fileSafe takes out of a name what folders and downloads cannot bear.
func fileSafe(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
}

// inquiryWorkbookRead shows what a workbook would change; nothing is taken over yet.
func (v *visit) inquiryWorkbookRead() error {
	p, err := v.upload("file")
	if err != nil {
		return v.showInquiry(v.says(err), false, http.StatusUnprocessableEntity)
	}
	raw, err := io.ReadAll(io.LimitReader(p, maxWorkbook+1))
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "ファイルの受け取りが途中で切れました。もう一度送ってください。", "The file broke off while it came in. Send it again.")
	}
	preview, err := v.s.Inquiries.ReadWorkbook(v.ctx, v.facility, v.r.PathValue("id"), bytes.NewReader(raw), int64(len(raw)), p.FileName())
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooLarge, fault.Conflict:
		if err != nil {
			return v.showInquiry(v.says(err), false, status(err))
		}
	}
	if err != nil {
		return err
	}
	if len(preview.Problems) > 0 {
		v.status(http.StatusUnprocessableEntity)
	}
	v.show(page.WorkbookPage(v.shell(), preview))
	return nil
}

func (v *visit) inquiryWorkbookTake() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	i, err := v.s.Inquiries.TakeWorkbook(v.ctx, v.facility, id, f.Get("staged"), f.Get("over") != "")
	switch {
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound) && f.Get("staged") != "":
		if _, gone := v.s.Inquiries.Get(v.ctx, v.facility, id); gone != nil {
			return errors.Join(gone, err)
		}
		return v.showInquiry(v.says(err), false, status(err))
	case err != nil:
		return err
	case i.State == inquiry.Answered:
		v.said("回答票を読み込みました。確かめて「取り込む」を押してください。", "Read in. Look at it and take it in.")
	default:
		v.said("足りないところがあるので、書きかけとして読み込みました。", "Read in as a draft: it is not complete.")
	}
	v.redirect(page.InquiryPath(id, ""))
	return nil
}

func (v *visit) inquiryFile() error {
	files, err := v.s.Inquiries.Files(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	for _, a := range files {
		if a.ID == v.r.PathValue("file") {
			return v.sendFile(a.File)
		}
	}
	return fault.New(fault.NotFound, "この添付はもうありません。", "There is no such attachment any more.")
}
