package page

import (
	"context"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"kenshin/assess/inquiry"
	"kenshin/blob"
	"kenshin/catalogue"
	"kenshin/i18n"
)

// Addresses of the inquiries. POST /inquiries/ask: system (many) or all, due, word; /inquiries/settings: InquirySettings' fields; /inquiries/question:
// question, catalogue, item, vendor, text. Under one: remind (due), revoke (reason), refuse (reason), return (reason), take (revision, over),
// workbook (GET: the file; POST: file), workbook/take (staged, over), files/{file}, visit (GET, POST: note fields).
const (
	PathInquiries       = "/inquiries"
	PathInquiryAsk      = "/inquiries/ask"
	PathInquiryAskOne   = "/inquiries/question"
	PathInquirySettings = "/inquiries/settings"
	PathSurveys         = "/surveys"
	PathSurveyNew       = "/surveys/new"
)

// InquiryPath is an inquiry's page.
func InquiryPath(id, what string) string { return at(PathInquiries, id, what) }

// SurveyPath is a survey's page.
func SurveyPath(id, what string) string { return at(PathSurveys, id, what) }

// InquiriesView lists the systems with how their vendors answer, and the questions.
type InquiriesView struct {
	Catalogue catalogue.Catalogue
	Targets   []inquiry.Target
	Questions []inquiry.Inquiry
	Settings  inquiry.Settings
	Relay     bool // mails go out
	CanEdit   bool
	Due       string
	Error     string
}

// open counts the systems that one click asks.
func (v InquiriesView) open() (n int) {
	for _, t := range v.Targets {
		if t.Vendor.ID != "" && (t.Inquiry == nil || t.Inquiry.State == inquiry.Revoked) {
			n++
		}
	}
	return n
}

func (v InquiriesView) count(s inquiry.State) (n int) {
	for _, t := range v.Targets {
		if t.Inquiry != nil && t.Inquiry.State == s {
			n++
		}
	}
	return n
}

// InquiriesPage is the list.
func InquiriesPage(s Shell, v InquiriesView) templ.Component {
	return within(s, SectionInquiries, i18n.Text{Ja: "業者への依頼", En: "Asking vendors"}, inquiries(v))
}

// LettersView is what was just sent, with the links that are shown once.
type LettersView struct {
	Title   string
	Letters []inquiry.Letter
	Left    []string
	Back    string
	NoBase  bool
}

// LettersPage is shown once after asking.
func LettersPage(s Shell, v LettersView) templ.Component {
	return within(s, SectionInquiries, i18n.Text{Ja: "頼みました", En: "Asked"}, letters(v))
}

// InquiryView is one inquiry.
type InquiryView struct {
	inquiry.Inquiry
	Items   []catalogue.Item
	Sheet   *inquiry.Sheet
	Files   []blob.Attachment
	Steps   []inquiry.Step
	CanEdit bool
	Relay   bool
	Error   string
	Asks    bool // to replace answers of the hospital
	Today   string
}

// InquiryPage is one inquiry's page.
func InquiryPage(s Shell, v InquiryView) templ.Component {
	return within(s, SectionInquiries, i18n.Text{Ja: v.SubjectName, En: v.SubjectName}, inquiryOne(v))
}

// WorkbookPage is what a workbook would change.
func WorkbookPage(s Shell, p inquiry.Preview) templ.Component {
	return within(s, SectionInquiries, i18n.Text{Ja: "Excelの回答票の下見", En: "Preview of a workbook"}, workbook(p))
}

// InquirySettingsPage is how forms are sent.
func InquirySettingsPage(s Shell, v inquiry.Settings, errs Errors) templ.Component {
	return within(s, SectionInquiries, i18n.Text{Ja: "回答フォームの送り方", En: "How forms are sent"}, inquirySettings(v, errs))
}

// SurveysPage lists the surveys.
func SurveysPage(s Shell, list []SurveyRow, canEdit bool) templ.Component {
	return within(s, SectionSurveys, i18n.Text{Ja: "部門への調査", En: "Surveys"}, surveys(list, canEdit))
}

// SurveyRow is one survey with how many answered.
type SurveyRow struct {
	inquiry.Poll
	Asked, Departments, Sent int // Departments: those with an answer
}

// SurveyForm is a survey to be sent.
type SurveyForm struct {
	inquiry.Poll
	Departments string
	DueText     string
	Catalogues  []Option
	Errors      Errors
}

// SurveyNewPage is the form.
func SurveyNewPage(s Shell, f SurveyForm) templ.Component {
	return within(s, SectionSurveys, i18n.Text{Ja: "調査を送る", En: "Send a survey"}, surveyNew(f))
}

// SurveyPage is what a survey brought in.
func SurveyPage(s Shell, v inquiry.Tally, canEdit bool) templ.Component {
	return within(s, SectionSurveys, i18n.Text{Ja: v.Poll.Title, En: v.Poll.Title}, surveyOne(v, canEdit))
}

// VisitView is the sheet of a visit: answers beside evidence, with the visitor's notes.
type VisitView struct {
	inquiry.Inquiry
	Title   string
	Hidden  string // why the answers are not shown
	Rows    []VisitRow
	CanEdit bool
	Error   string
}

// VisitRow is one item.
type VisitRow struct {
	Item     catalogue.Item
	Answers  []string
	Evidence []string
	Note     inquiry.Note
}

// VisitPage is a sheet of a visit; it prints on A4.
func VisitPage(s Shell, v VisitView) templ.Component {
	return within(s, SectionSurveys, i18n.Text{Ja: "訪問シート", En: "Visit sheet"}, visitSheet(v))
}

func inquiryMark(i inquiry.Inquiry, late bool) Mark {
	switch i.State {
	case inquiry.Taken:
		return MarkOK
	case inquiry.Answered:
		return MarkInfo
	case inquiry.Refused:
		return MarkBad
	case inquiry.Revoked:
		return MarkQuiet
	case inquiry.Waiting:
	}
	if late {
		return MarkWarn
	}
	return MarkQuiet
}

func lateInquiry(ctx context.Context, i inquiry.Inquiry) bool {
	return i.State == inquiry.Waiting && i.Due.Before(shell(ctx).Now)
}

func answerText(ctx context.Context, i catalogue.Item, a inquiry.Answer) string {
	if a.Empty() {
		return t(ctx, "未回答", "not answered")
	}
	return a.Shown(i).For(ctx)
}

func answerMore(ctx context.Context, a inquiry.Answer) string {
	var parts []string
	if a.On != "" {
		parts = append(parts, t(ctx, "確認 ", "confirmed ")+a.On)
	}
	if a.Target != "" {
		parts = append(parts, t(ctx, "目標 ", "target ")+a.Target)
	}
	if a.Note != "" {
		parts = append(parts, a.Note)
	}
	return strings.Join(parts, " · ")
}

func daysText(list []int) string {
	var out []string
	for _, n := range list {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, ", ")
}

func stepText(ctx context.Context, what string) string {
	for _, w := range []struct{ id, ja, en string }{{"sent", "送った", "sent"}, {"saved", "途中まで保存", "draft saved"}, {"answered", "回答が届いた", "answered"}, {"imported", "Excelを読み込んだ", "workbook read in"},
		{"returned", "差し戻した", "given back"}, {"taken", "取り込んだ", "taken in"}, {"refused", "回答を断られた", "refused"}, {"revoked", "取り消した", "revoked"}} {
		if w.id == what {
			return t(ctx, w.ja, w.en)
		}
	}
	return what
}
