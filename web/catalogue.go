package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"

	"kenshin/actor"
	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/trail"
	"kenshin/web/page"
)

// mayLoad says whether this person may change what is asked. Catalogues belong to all facilities of the house, so where there are several only the
// support body may.
func (v *visit) mayLoad() bool {
	if !v.actor.Role.May(actor.EditCatalogue) {
		return false
	}
	all, err := v.s.Account.Facilities(v.ctx)
	v.note(err, "facilities")
	return err == nil && (len(all) == 1 || v.actor.Role == actor.Desk)
}

// editions wraps what changes the catalogues.
func editions(do func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		if !v.mayLoad() {
			return fault.New(fault.Denied, "この表はすべての施設で使うので、変えられるのは支援団体の担当者だけです。", "These tables are used by all facilities: only the support body may change them.")
		}
		return do(v)
	}
}

func (v *visit) catalogues() error { return v.showCatalogues(page.CataloguesView{}, http.StatusOK) }

func (v *visit) showCatalogues(view page.CataloguesView, status int) error {
	set, err := v.s.Editions.Set(v.ctx)
	if err != nil {
		return err
	}
	loaded, err := v.s.Editions.Loaded(v.ctx, "")
	if err != nil {
		return err
	}
	refused, err := v.s.Editions.Refused(v.ctx)
	if err != nil {
		return err
	}
	for _, r := range refused {
		view.Refused = append(view.Refused, r.ID+": "+v.says(r.Why))
	}
	for _, c := range set.All() {
		row := page.RowOf(c)
		if n := slices.IndexFunc(loaded, func(l catalogue.Loaded) bool { return l.ID == c.ID && l.SHA256 == c.SHA256 }); n >= 0 {
			row.At, row.By = loaded[n].At, loaded[n].ByName
		}
		view.Rows = append(view.Rows, row)
	}
	view.CanLoad = v.mayLoad()
	if view.Tables, err = v.s.Editions.TableFiles(v.ctx); err != nil {
		return err
	}
	v.status(status)
	v.show(page.CataloguesPage(v.shell(), view))
	return nil
}

// catalogueLoad reads a file, says what is wrong with it line by line, and puts it in force unless it was only to be checked.
func (v *visit) catalogueLoad() error {
	p, err := v.upload("file")
	if err != nil {
		return v.showCatalogues(page.CataloguesView{Error: v.says(err)}, http.StatusUnprocessableEntity)
	}
	name := p.FileName()
	raw, err := io.ReadAll(io.LimitReader(p, catalogue.MaxFile+1)) // one byte more: too large is said by who reads it
	if err != nil {
		return err
	}
	if id, ok := catalogue.TableOf(raw); ok {
		return v.tableLoad(id, name, raw)
	}
	f, err := v.s.Editions.Read(v.ctx, name, bytes.NewReader(raw))
	if err != nil {
		list, said, err := v.mistakesOf(err)
		if err != nil {
			return err
		}
		return v.showCatalogues(page.CataloguesView{File: name, Mistakes: list, Error: said}, http.StatusUnprocessableEntity)
	}
	if v.r.URL.Query().Get("do") == "check" {
		view, err := v.catalogueView(f.Catalogue)
		if err != nil {
			return err
		}
		return v.showCatalogues(page.CataloguesView{File: name, Checked: &view}, http.StatusOK)
	}
	if err := v.keepCatalogue(f, "catalogue.load", i18n.Text{Ja: "点検表の版「" + f.Catalogue.ID + "」を読み込みました", En: "Loaded the catalogue " + f.Catalogue.ID}); err != nil {
		return err
	}
	v.said("「%s」を読み込みました。", "Loaded “%s”.", f.Catalogue.Title.For(v.ctx))
	v.redirect(page.CataloguePath(f.Catalogue.ID, ""))
	return nil
}

// mistakesOf takes apart what is wrong with a catalogue; an error that is not about it comes back.
func (v *visit) mistakesOf(err error) ([]catalogue.Mistake, string, error) {
	if m, ok := errors.AsType[catalogue.Mistakes](err); ok {
		return m, "", nil
	}
	if fault.KindOf(err) == fault.Internal {
		return nil, "", err
	}
	return nil, v.says(err), nil
}

func (v *visit) keepCatalogue(f catalogue.File, action string, says i18n.Text) error {
	return v.do(func(ctx context.Context) (trail.Entry, error) {
		return trail.Entry{Action: action, Subject: trail.Subject{Kind: "catalogue", ID: f.Catalogue.ID}, Summary: says,
			Detail: map[string]any{"sha256": f.Catalogue.SHA256, "file": f.Name, "note": f.Note.Ja}}, v.s.Editions.Keep(ctx, f)
	})
}

func (v *visit) oneCatalogue() (catalogue.Catalogue, catalogue.Set, error) {
	set, err := v.s.Editions.Set(v.ctx)
	if err != nil {
		return catalogue.Catalogue{}, set, err
	}
	c, ok := set.Find(v.r.PathValue("id"))
	if !ok {
		return c, set, fault.New(fault.NotFound, "この表はありません。", "There is no such catalogue.")
	}
	return c, set, nil
}

// catalogueView shows a catalogue with what changed since the edition before.
func (v *visit) catalogueView(c catalogue.Catalogue) (page.CatalogueView, error) {
	view := page.CatalogueView{CatalogueRow: page.RowOf(c)}
	set, err := v.s.Editions.Set(v.ctx)
	if err != nil {
		return view, err
	}
	old, ok := set.Find(c.Previous)
	if !ok {
		return view, nil
	}
	view.Previous = old.Title.For(v.ctx)
	for _, s := range catalogue.Compare(old, c) {
		row := page.LineageRow{Change: s.Change, Wider: s.Wider}
		for _, id := range s.From {
			if i, ok := old.Item(id); ok {
				row.From = append(row.From, i)
			}
		}
		if i, ok := c.Item(s.To); ok {
			row.To = append(row.To, i)
		}
		view.Lineage = append(view.Lineage, row)
	}
	return view, nil
}

func (v *visit) catalogue() error {
	c, _, err := v.oneCatalogue()
	if err != nil {
		return err
	}
	view, err := v.catalogueView(c)
	if err != nil {
		return err
	}
	view.CanEdit = v.mayLoad()
	if view.Versions, err = v.versionsOf(c); err != nil {
		return err
	}
	v.show(page.CataloguePage(v.shell(), view))
	return nil
}

// versionsOf lists each text of a catalogue once, the newest loading first, and the product's own last.
func (v *visit) versionsOf(c catalogue.Catalogue) ([]page.VersionRow, error) {
	loaded, err := v.s.Editions.Loaded(v.ctx, c.ID)
	if err != nil {
		return nil, err
	}
	var out []page.VersionRow
	seen := map[string]bool{}
	for _, l := range loaded {
		if !seen[l.SHA256] {
			out = append(out, page.VersionRow{SHA256: l.SHA256, Name: l.Name, Note: l.Note, By: l.ByName, At: l.At, InForce: l.SHA256 == c.SHA256})
		}
		seen[l.SHA256] = true
	}
	own, ok, err := v.s.Editions.Own(c.ID)
	if ok && !seen[own.SHA256] {
		out = append(out, page.VersionRow{SHA256: own.SHA256, Name: c.ID + ".yaml", InForce: own.SHA256 == c.SHA256})
	}
	return out, err
}

func (v *visit) catalogueFile() error {
	f, err := v.s.Editions.File(v.ctx, v.r.PathValue("id"), v.r.URL.Query().Get("version"))
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/yaml; charset=utf-8")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Catalogue.ID + ".yaml"}))
	_, err = v.w.Write(f.Raw())
	return err
}

// catalogueRestore puts an older version in force again.
func (v *visit) catalogueRestore() error {
	form, err := v.form()
	if err != nil {
		return err
	}
	f, err := v.s.Editions.File(v.ctx, v.r.PathValue("id"), form.Get("version"))
	if err != nil {
		return err
	}
	f.Note = i18n.Text{Ja: "前の版に戻した", En: "an older version was put in force again"}
	if err := v.keepCatalogue(f, "catalogue.restore", i18n.Text{Ja: "点検表「" + f.Catalogue.ID + "」を前の版に戻しました", En: "Put an older version of " + f.Catalogue.ID + " in force again"}); err != nil {
		return err
	}
	v.said("前の版に戻しました。", "The older version is in force again.")
	v.redirect(page.CataloguePath(f.Catalogue.ID, ""))
	return nil
}

func (v *visit) catalogueItem() error {
	c, _, err := v.oneCatalogue()
	if err != nil {
		return err
	}
	i, ok := c.Item(v.r.PathValue("item"))
	if !ok {
		return fault.New(fault.NotFound, "この質問はありません。", "There is no such item.")
	}
	v.show(page.CatalogueItemPage(v.shell(), page.CatalogueItemForm{Catalogue: c, Item: i, Typed: i.Amended(), Seen: c.SHA256}))
	return nil
}

// catalogueAmend makes a new version with a corrected item, through the same check as a file.
func (v *visit) catalogueAmend() error {
	form, err := v.form()
	if err != nil {
		return err
	}
	c, _, err := v.oneCatalogue()
	if err != nil {
		return err
	}
	i, ok := c.Item(v.r.PathValue("item"))
	if !ok {
		return fault.New(fault.NotFound, "この質問はありません。", "There is no such item.")
	}
	typed := page.ReadAmendment(form)
	f, err := v.s.Editions.Amend(v.ctx, c.ID, form.Get("seen"), i.ID, typed)
	if err == nil {
		err = v.keepCatalogue(f, "catalogue.amend", i18n.Text{Ja: fmt.Sprintf("点検表「%s」の「%s」の文面を直しました", c.ID, i.ID), En: fmt.Sprintf("Corrected the text of %s in %s", i.ID, c.ID)})
	}
	if err != nil {
		list, said, other := v.mistakesOf(err)
		if other != nil {
			return other
		}
		status := http.StatusUnprocessableEntity
		if fault.Is(err, fault.Conflict) {
			status = http.StatusConflict
		}
		v.status(status)
		v.show(page.CatalogueItemPage(v.shell(), page.CatalogueItemForm{Catalogue: c, Item: i, Typed: typed, Seen: c.SHA256, Mistakes: list, Error: said}))
		return nil
	}
	v.said("文面を直しました。新しい版になりました。", "The text was corrected: this is a new version.")
	v.redirect(page.CataloguePath(c.ID, ""))
	return nil
}
