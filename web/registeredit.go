package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"kenshin/assess"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/register"
	"kenshin/trail"
	"kenshin/web/page"
)

// rowForm fills what a form of a register proposes.
func (v *visit) rowForm(k register.Kind, r register.Row) (page.RowForm, register.Names, error) {
	form := page.RowForm{Kind: k, Row: r, People: v.colleagues()}
	names, err := v.names(k)
	if err != nil {
		return form, names, err
	}
	form.Names = names.ByID
	systems, err := v.s.Ledger.Systems(v.ctx, v.facility)
	if err != nil {
		return form, names, err
	}
	for _, s := range systems {
		form.Systems = append(form.Systems, s.Name)
	}
	vendors, err := v.s.Suppliers.List(v.ctx, v.facility, "")
	if err != nil {
		return form, names, err
	}
	for _, s := range vendors {
		form.Vendors = append(form.Vendors, s.Name)
	}
	for _, c := range k.Columns {
		if c.Suggest == "" {
			continue
		}
		items, err := v.s.Assess.Suggested(v.ctx, v.facility, c.Suggest)
		if err != nil {
			return form, names, err
		}
		for _, i := range items {
			form.Items = append(form.Items, assess.ItemLabel(v.ctx, i))
		}
	}
	return form, names, nil
}

func (v *visit) rowNew() error {
	k, err := v.writable()
	if err != nil {
		return err
	}
	form, names, err := v.rowForm(k, register.Row{Kind: k.ID, Values: map[string]string{}, Owner: v.actor.Name})
	if err != nil {
		return err
	}
	for _, c := range k.Columns { // a hole in a matrix leads here with what is known
		if value := v.r.URL.Query().Get(c.Key); value != "" && len(value) < 500 {
			form.Row.Values[c.Key] = value
		}
	}
	k.Resolve(form.Row.Values, names)
	v.show(page.RowEditPage(v.shell(), form))
	return nil
}

func (v *visit) rowEdit() error {
	k, err := v.writable()
	if err != nil {
		return err
	}
	r, err := v.oneRow(k)
	if err != nil {
		return err
	}
	form, _, err := v.rowForm(k, r)
	if err != nil {
		return err
	}
	v.show(page.RowEditPage(v.shell(), form))
	return nil
}

// rowSave makes a row, or changes the one that the address names. What was typed stays on the screen whatever goes wrong.
func (v *visit) rowSave() error {
	k, err := v.writable()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	typed := page.ReadRow(k, f)
	if typed.ID = v.r.PathValue("id"); typed.ID != "" {
		if _, err := v.oneRow(k); err != nil {
			return err
		}
		if typed.Revision, err = strconv.ParseInt(f.Get("revision"), 10, 64); err != nil {
			return fault.New(fault.Invalid, "このフォームは古くなっています。開き直してください。", "This form is out of date. Open it again.")
		}
	}
	form, names, err := v.rowForm(k, typed)
	if err != nil {
		return err
	}
	k.Resolve(typed.Values, names)
	saved, err := v.saveRow(k, typed)
	if err != nil {
		return v.rowRefused(form, err)
	}
	v.said("保存しました。", "Saved.")
	v.redirect(page.RowPath(k.ID, saved.ID, ""))
	return nil
}

func (v *visit) saveRow(k register.Kind, typed register.Row) (saved register.Row, err error) {
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		var err error
		saved, err = v.s.Registers.Save(ctx, v.facility, typed)
		if typed.ID == "" {
			return k.Deed(saved.ID, "add", "行を足しました", "added a row"), err
		}
		return k.Deed(saved.ID, "edit", "行を直しました", "changed a row"), err
	})
	return saved, err
}

// rowRefused shows the form again with what is wrong. Against a faster colleague it shows what is stored now beside what was typed, and the
// next save stands on that.
func (v *visit) rowRefused(form page.RowForm, err error) error {
	form.Errors = page.Errors{}
	problems, wrong := errors.AsType[register.Problems](err)
	code := http.StatusUnprocessableEntity
	switch {
	case wrong:
		for _, p := range problems {
			form.Errors[p.Key] = p.Text.For(v.ctx)
		}
	case fault.Is(err, fault.Conflict):
		now, getErr := v.s.Registers.Get(v.ctx, v.facility, form.Row.ID)
		if getErr != nil {
			return getErr
		}
		code, form.Row.Revision, form.Errors[""] = http.StatusConflict, now.Revision, v.says(err)+v.t("入力した内容は下に残っています。", " What you typed is kept below.")
		for _, c := range form.Kind.Columns {
			if stored := c.Shown(now.Values[c.Key], langOf(v), form.Names); stored != c.Shown(form.Row.Values[c.Key], langOf(v), form.Names) {
				form.Theirs = append(form.Theirs, page.Link{Text: c.Label.For(v.ctx), URL: stored})
			}
		}
	case fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge):
		form.Errors[""] = v.says(err)
	default:
		return err
	}
	v.status(code)
	v.show(page.RowEditPage(v.shell(), form))
	return nil
}

func (v *visit) rowConfirm() error {
	k, err := v.writable()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	r, err := v.oneRow(k)
	if err != nil {
		return err
	}
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		r, err = v.s.Registers.Confirm(ctx, v.facility, r.ID, f.Get("day"))
		return k.Deed(r.ID, "confirm", "行を確かめました", "confirmed a row"), err
	})
	if fault.Is(err, fault.Invalid) {
		return v.showRow(page.Errors{"day": v.says(err)}, f.Get("day"), http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	if r.Due == "" {
		v.said("確かめた日を記録しました。", "Recorded.")
	} else {
		v.said("確かめた日を記録しました。次の期限は %s です。", "Recorded. Due again on %s.", r.Due)
	}
	v.redirect(page.RowPath(k.ID, r.ID, ""))
	return nil
}

func (v *visit) rowRemove() error {
	k, err := v.writable()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	r, err := v.oneRow(k)
	if err != nil {
		return err
	}
	revision, err := strconv.ParseInt(f.Get("revision"), 10, 64)
	if err != nil {
		return fault.New(fault.Invalid, "このフォームは古くなっています。開き直してください。", "This form is out of date. Open it again.")
	}
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		return k.Deed(r.ID, "remove", "行を消しました", "removed a row"), v.s.Registers.Remove(ctx, v.facility, r.ID, revision, f.Get("reason"))
	})
	if err != nil {
		return err
	}
	v.said("行を消しました。内容と理由は「消した行」に残っています。", "Removed. What it said and why stay under “Removed rows”.")
	v.redirect(page.RegisterPath(k.ID, ""))
	return nil
}

const mostNames = 5000

// manyForm and many add one row for each name.
func (v *visit) manyForm() error {
	k, err := v.manyKind()
	if err != nil {
		return err
	}
	form, _, err := v.rowForm(k, register.Row{Kind: k.ID, Values: map[string]string{}, Owner: v.actor.Name})
	if err != nil {
		return err
	}
	v.show(page.ManyPage(v.shell(), page.ManyForm{RowForm: form}))
	return nil
}

func (v *visit) manyKind() (register.Kind, error) {
	k, err := v.writable()
	if err == nil && k.Many == "" {
		err = fault.New(fault.NotFound, "この記録簿には、まとめて足す画面がありません。", "This register has no form for many rows.")
	}
	return k, err
}

func (v *visit) many() error {
	k, err := v.manyKind()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	typed := page.ReadRow(k, f)
	form, names, err := v.rowForm(k, typed)
	if err != nil {
		return err
	}
	view := page.ManyForm{RowForm: form, Text: f.Get("many")}
	k.Resolve(typed.Values, names)
	lines, errs := v.manyLines(k, typed, view.Text)
	if len(errs) > 0 {
		view.Errors = errs
		v.status(http.StatusUnprocessableEntity)
		v.show(page.ManyPage(v.shell(), view))
		return nil
	}
	done, err := v.takeLines(k, lines, false, v.t("まとめて入力", "entered together"))
	if err != nil {
		return err
	}
	v.said("%d行を足し、%d行を直しました（同じ行 %d）。", "Added %d rows and changed %d (%d were there).", done.Added, done.Changed, len(lines)-done.Added-done.Changed)
	v.redirect(page.RegisterPath(k.ID, ""))
	return nil
}

// manyLines makes a line for each name; every mistake is said with its line.
func (v *visit) manyLines(k register.Kind, typed register.Row, text string) (lines []register.Line, errs page.Errors) {
	errs = page.Errors{}
	seen := map[string]bool{}
	for i, raw := range strings.Split(text, "\n") {
		cells := strings.FieldsFunc(strings.TrimSpace(raw), func(r rune) bool { return r == '\t' || r == ',' || r == '，' || r == '、' })
		if len(cells) == 0 {
			continue
		}
		if len(lines) >= mostNames {
			errs["many"] = v.t("一度に足せるのは%d人までです。", "At most %d people at once.", mostNames)
			break
		}
		values := map[string]string{}
		for key, value := range typed.Values {
			values[key] = value
		}
		for j, key := range []string{k.Many, "department", "staff_no"} {
			if j < len(cells) {
				values[key] = cells[j]
			}
		}
		clean, problems := k.Read(values, v.s.Registers.Today())
		for _, p := range problems {
			where := p.Key
			if where == k.Many || where == "department" || where == "staff_no" {
				where = "many"
				p.Text = i18n.Text{Ja: fmt.Sprintf("%d行目 %s", i+1, p.Text.Ja), En: fmt.Sprintf("Line %d: %s", i+1, p.Text.En)}
			}
			if errs[where] == "" {
				errs[where] = p.Text.For(v.ctx)
			}
		}
		if key := register.PersonKey(cells[0]) + "\t" + clean["staff_no"]; !seen[key] {
			seen[key] = true
			lines = append(lines, register.Line{Number: i + 1, Values: clean, Owner: typed.Owner})
		}
	}
	if len(lines) == 0 && errs["many"] == "" {
		errs["many"] = v.t("名前を1人以上入れてください。", "Enter at least one name.")
	}
	return lines, errs
}

func (v *visit) takeLines(k register.Kind, lines []register.Line, replace bool, from string) (done register.Taken, err error) {
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		var err error
		done, err = v.s.Registers.Take(ctx, v.facility, k.ID, lines, replace, from)
		return k.Took(done, from), err
	})
	return done, err
}
