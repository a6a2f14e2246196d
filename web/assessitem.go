package web

import (
	"net/http"
	"net/url"
	"time"

	"kenshin/actor"
	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/netid"
	"kenshin/web/page"
)

// itemView is one item with everything around it.
func (v *visit) itemView() (page.ItemView, error) {
	var view page.ItemView
	subject, id := v.r.URL.Query().Get("subject"), v.r.PathValue("item")
	var err error
	if view.Assessment, err = v.s.Assess.Assessment(v.ctx, v.facility, v.r.PathValue("id"), subject); err != nil {
		return view, err
	}
	for n, i := range view.Items {
		if i.Item.ID != id {
			continue
		}
		view.Item, view.Position = i, n+1
		if n > 0 {
			view.Prev = view.Items[n-1].Item.ID
		}
		if n+1 < len(view.Items) {
			view.Next = view.Items[n+1].Item.ID
		}
	}
	if view.Position == 0 {
		return view, fault.New(fault.NotFound, "この質問はありません。", "There is no such item.")
	}
	view.Typed = page.AnswerOf(view.Item, v.now())
	return view, v.around(&view)
}

// around adds history, proposals, the checks' names and the ways to what fails.
func (v *visit) around(view *page.ItemView) error {
	said, err := v.s.Assess.History(v.ctx, v.facility, view.Catalogue.ID, view.Subject, view.Item.Item.ID)
	if err != nil {
		return err
	}
	for _, s := range said {
		c := page.Change{At: s.Changed, Who: s.ByName, What: v.t("「%s」と答えました", "Answered %s", s.Reply.Label().For(v.ctx))}
		for _, also := range []string{s.Value, s.Note, s.Reason, s.Excuse} {
			if also != "" {
				c.Also = append(c.Also, short(also, 200))
			}
		}
		if !s.Target.IsZero() {
			c.Also = append(c.Also, v.t("目標日 %s", "target %s", s.Target.Format(dateForm)))
		}
		view.History = append(view.History, c)
	}
	carried, _, err := v.s.Assess.Carried(v.ctx, v.facility, view.Assessment)
	if err != nil {
		return err
	}
	view.Carried = carried[view.Item.Item.ID]
	tables, err := v.s.Editions.Tables(v.ctx)
	if err != nil {
		return err
	}
	checks := tables.Checks
	view.Checks, view.Links = map[string]catalogue.Check{}, map[string]string{}
	for _, r := range view.Item.Records {
		view.Checks[r.Check], _ = checks.Find(r.Check)
		for _, b := range r.Bad {
			view.Links[b.Kind+"/"+b.ID] = linkOf(b)
		}
	}
	if view.Files, err = v.files(v.itemHolder()); err != nil {
		return err
	}
	if view.Item.Revision == 0 { // there is no answer yet that a file could lie beside
		view.Files.Add, view.Files.Says = "", v.t("答えを保存すると、根拠の書類や写真をここに添えられます。", "Once the answer is saved, papers and photographs can be kept here.")
	}
	view.Vendors, err = v.vendorOptions()
	return err
}

// itemHolder is the item that the address names, for its files.
func (v *visit) itemHolder() (holder, error) {
	id, item, subject := v.r.PathValue("id"), v.r.PathValue("item"), v.r.URL.Query().Get("subject")
	a, err := v.s.Assess.Assessment(v.ctx, v.facility, id, subject)
	if err != nil {
		return holder{}, err
	}
	if _, ok := a.Item(item); !ok {
		return holder{}, fault.New(fault.NotFound, "この質問はありません。", "There is no such item.")
	}
	return holder{v.s.Assess.Folder(id, subject, item), item, func(item, what string) string { return page.ItemPath(id, item, what, subject) }, v.actor.Role.May(actor.EditAssess)}, nil
}

// linkOf is the page of what fails a check; "" where there is none.
func linkOf(b evidence.Ref) string {
	if b.ID == "" {
		return ""
	}
	switch b.Kind {
	case "device":
		return page.DevicePath(netid.DeviceID(b.ID), "")
	case "system":
		return page.SystemPath(b.ID, "")
	case "vendor", "supplier":
		return page.VendorPath(b.ID, "")
	case "segment":
		return page.SegmentPath(b.ID, "")
	case "finding":
		return page.FindingPath(b.ID, "")
	case "register":
		return "/registers/" + url.PathEscape(b.ID)
	case "drill":
		return page.DrillPath(b.ID, "")
	}
	return ""
}

func (v *visit) assessItem() error {
	view, err := v.itemView()
	if err != nil {
		return err
	}
	v.show(page.ItemPage(v.shell(), view))
	return nil
}

// typedClaim reads what a person entered; dates as people write them.
func (v *visit) typedClaim(f page.AnswerForm) (assess.Claim, page.Errors) {
	errs := page.Errors{}
	read := func(field, text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		at, p, err := jp.Date(text)
		if err == nil && p < jp.Day {
			err = fault.New(fault.Invalid, "日まで書いてください（例 令和8年11月28日）。", "Write the day too (2026-11-28).")
		}
		if err != nil {
			errs[field] = v.says(err)
			return time.Time{}
		}
		day, err := time.Parse(time.DateOnly, at)
		if err != nil {
			errs[field] = v.t("日付として読めません。", "This is no date.")
		}
		return day
	}
	return assess.Claim{Reply: f.Reply, On: read("on", f.On), Target: read("target", f.Target), Reason: f.Reason, Approver: f.Approver, Value: f.Value}, errs
}

// assessSave keeps an answer. One press in the list answers with today's date, and asks at once for what the reply needs beyond that.
func (v *visit) assessSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	view, err := v.itemView()
	if err != nil {
		return err
	}
	typed := page.ReadAnswer(f)
	if typed.Quick {
		was := page.AnswerOf(view.Item, v.now())
		was.Reply, was.Revision, was.Quick, was.On = typed.Reply, typed.Revision, true, v.now().Format(dateForm)
		typed = was
	}
	claim, errs := v.typedClaim(typed)
	excuseless := claim.Reply == catalogue.Yes && view.Item.State == assess.Contradicted && typed.Excuse == "" && !typed.Quick
	if len(errs) > 0 {
		return v.answerRefused(view, typed, errs, nil, http.StatusUnprocessableEntity)
	}
	_, err = v.s.Assess.SaveClaim(v.ctx, v.facility, view.Catalogue.ID, view.Subject, view.Item.Item.ID, typed.Revision, claim, typed.Note, typed.Excuse)
	switch {
	case fault.Is(err, fault.Conflict):
		theirs := view.Item
		typed.Revision = theirs.Revision
		return v.answerRefused(view, typed, page.Errors{"": v.says(err)}, &theirs, http.StatusConflict)
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.TooLarge):
		return v.answerRefused(view, typed, page.Errors{"": v.says(err)}, nil, http.StatusUnprocessableEntity)
	case err != nil:
		return err
	}
	return v.answerKept(view, typed, excuseless)
}

// answerKept shows the item again in the list, or leads to the next one.
func (v *visit) answerKept(view page.ItemView, typed page.AnswerForm, excuseless bool) error {
	more := typed.Quick && typed.Reply != catalogue.Yes
	if v.partial() {
		form, err := v.formView()
		if err != nil {
			return err
		}
		item, _ := form.Item(view.Item.Item.ID)
		if more {
			form.Open, form.Typed = item.Item.ID, page.AnswerOf(item, v.now())
		}
		v.w.Header().Set("HX-Trigger", "answered")
		v.show(page.FormRow(v.shell(), form, item))
		return nil
	}
	switch {
	case more || excuseless:
		v.said("保存しました。あと少し、足りないところを入れてください。", "Saved. Please add what is missing.")
		v.redirect(page.ItemPath(view.Catalogue.ID, view.Item.Item.ID, "", view.Subject))
	case typed.Quick || view.Next == "":
		v.said("保存しました。", "Saved.")
		v.redirect(page.FormPath(view.Catalogue.ID, view.Subject, "") + "#item-" + view.Item.Item.ID)
	default:
		v.said("「%s」を保存しました。次の質問です。", "Saved “%s”. This is the next item.", short(view.Item.Item.Title.For(v.ctx), 40))
		v.redirect(page.ItemPath(view.Catalogue.ID, view.Next, "", view.Subject))
	}
	return nil
}

// answerRefused shows what was typed again; nothing of it is lost.
func (v *visit) answerRefused(view page.ItemView, typed page.AnswerForm, errs page.Errors, theirs *assess.Item, status int) error {
	if v.partial() {
		form, err := v.formView()
		if err != nil {
			return err
		}
		item, _ := form.Item(view.Item.Item.ID)
		form.Open, form.Typed, form.Errors = item.Item.ID, typed, errs
		v.show(page.FormRow(v.shell(), form, item))
		return nil
	}
	view.Typed, view.Errors, view.Theirs = typed, errs, theirs
	if theirs != nil {
		view.Errors = nil // the box that shows both says it
	}
	v.status(status)
	v.show(page.ItemPage(v.shell(), view))
	return nil
}

func (v *visit) assessAsk() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	subject := v.r.URL.Query().Get("subject")
	_, err = v.s.Assess.Ask(v.ctx, v.facility, assess.Question{Catalogue: v.r.PathValue("id"), Item: v.r.PathValue("item"), Subject: subject,
		To: assess.Addressee(f.Get("to")), Vendor: f.Get("vendor"), Text: f.Get("text")})
	if err != nil {
		return err
	}
	v.said("質問として残しました。返事が来たら、ここに書いておけます。", "Kept as a question. Write the answer down here when it comes.")
	v.redirect(page.ItemPath(v.r.PathValue("id"), v.r.PathValue("item"), "", subject))
	return nil
}

func (v *visit) assessReply() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	by := f.Get("by")
	if by == "" {
		by = v.actor.Name
	}
	if _, err := v.s.Assess.Answer(v.ctx, v.facility, f.Get("question"), f.Get("text"), by); err != nil {
		return err
	}
	v.said("返事を残しました。読んで、答えを入れてください。", "Kept. Read it and answer the item.")
	v.redirect(page.ItemPath(v.r.PathValue("id"), v.r.PathValue("item"), "", v.r.URL.Query().Get("subject")))
	return nil
}

func (v *visit) assessWithdraw() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if err := v.s.Assess.Withdraw(v.ctx, v.facility, f.Get("question")); err != nil {
		return err
	}
	v.said("質問を取り下げました。", "The question was withdrawn.")
	v.redirect(page.ItemPath(v.r.PathValue("id"), v.r.PathValue("item"), "", v.r.URL.Query().Get("subject")))
	return nil
}
