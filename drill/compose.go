package drill

import (
	"cmp"
	"context"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"kenshin/drill/lesson"
	"kenshin/drill/scale"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
)

// NoticeID is the course that carries the director's notice instead of a lesson.
const NoticeID = "notice"

// Lessons is the book of what staff read.
func (b *Book) Lessons() (*lesson.Book, error) { return b.lessons() }

// Course is a draft that carries a lesson set, or the director's notice (NoticeID). It is not stored.
func (b *Book) Course(ctx context.Context, f facility.ID, id string) (d Drill, err error) {
	book, err := b.lessons()
	if err != nil {
		return d, err
	}
	s, err := b.Settings(ctx, f)
	if err != nil {
		return d, err
	}
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return d, err
	}
	values := lesson.Values{Facility: cmp.Or(s.Org, fac.Name), Report: s.ReportTo, Extension: s.Extension, Person: s.Contact, Days: strconv.Itoa(s.Nameless)}
	d.Mode, d.Mail.FromName, d.Mail.FromLocal = Course, values.Facility, "kunren"
	if id == NoticeID {
		d.Name = book.Notice.Title.For(ctx)
		d.Mail.Subject, d.Mail.Text = lesson.Fill(book.Notice.Title, values).Ja, "{{氏名}} 様\n\n"+strings.TrimSpace(lesson.Fill(book.Notice.Text, values).Ja)+
			"\n\n読み終えたら、次のページで「読みました」を押してください(あなた専用のページです。転送しないでください): {{リンク}}\n"
		return d, nil
	}
	set, ok := book.Set(id)
	if !ok {
		return d, fault.New(fault.NotFound, "この教材はありません。", "There is no such lesson.")
	}
	d.Name, d.Mail.Subject, d.Mail.Lesson = set.Title.For(ctx), lesson.Fill(set.Title, values).Ja, set.ID
	d.Mail.Text = "{{氏名}} 様\n\n数分で読める教材です。「" + d.Mail.Subject + "」\n次のページを開いて、終わりの3つの質問に答えてください。\n\n{{リンク}}\n"
	return d, nil
}

// Suggestion is a cue that the machine finds in a mail, with the reason. A person decides.
type Suggestion struct {
	Cue
	Why i18n.Text
}

// Suggest finds cues of the NIST Phish Scale in a mail whose sender's domain is domain.
func (m Mail) Suggest(domain string) (out []Suggestion) {
	var files []string
	if m.Attachment != "" {
		files = []string{m.FileName}
	}
	from := mail.Address{Name: m.FromName, Address: m.FromLocal + "@" + domain}
	for _, f := range scale.Suggest(scale.Mail{Subject: m.Subject, Text: m.Text, HTML: m.HTML, From: from.String(), Attachments: files}) {
		out = append(out, Suggestion{Cue{ID: string(f.Cue), Part: string(f.Part), Text: f.Text}, f.Why})
	}
	return out
}

// Reckon is the difficulty by the worksheet: nothing that anybody claims of it.
func (r Rating) Reckon() scale.Rating {
	var marks []scale.Mark
	for _, c := range r.Cues {
		marks = append(marks, scale.Mark{Cue: scale.ID(c.ID), Part: scale.Part(c.Part), Text: c.Text})
	}
	p := r.Premise
	return scale.Rate(scale.Tally(marks), scale.Premise{Process: p[0], Relevance: p[1], Events: p[2], Concern: p[3], Trained: p[4]})
}

// measured reports whether somebody looked for the mail's cues.
func (r Rating) measured() bool {
	return r.Difficulty != "" || len(r.Cues) > 0 || r.Premise != [5]int{}
}

// Tidy is the rating as it is stored.
func (r Rating) Tidy() (Rating, error) {
	err := r.tidy()
	return r, err
}

// tidy refuses cues and numbers that are not on the worksheet, and reckons the difficulty anew: results of drills are compared by it.
func (r *Rating) tidy() error {
	if !r.measured() {
		return nil
	}
	if len(r.Cues) > 100 {
		return fault.New(fault.TooLarge, "手がかりは100個までです。", "At most 100 cues.")
	}
	for _, c := range r.Cues {
		if _, known := scale.Find(scale.ID(c.ID)); !known {
			return fault.Newf(fault.Invalid, "手がかり「%[1]s」は、Phish Scaleの23個の中にありません。", "%[1]q is none of the 23 cues of the Phish Scale.", clip(c.ID, 40))
		}
	}
	if slices.ContainsFunc(r.Premise[:], func(n int) bool { return n < 0 || n > 8 || n%2 != 0 }) {
		return fault.New(fault.Invalid, "場面との合い方は、5つとも 0、2、4、6、8 のどれかです。", "Each of the five premise elements is 0, 2, 4, 6 or 8.")
	}
	r.Difficulty = string(r.Reckon().Difficulty)
	return nil
}
