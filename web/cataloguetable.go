package web

import (
	"bytes"
	"context"
	"mime"
	"net/http"
	"slices"

	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/trail"
	"kenshin/web/page"
)

// tableLoad reads a file of figures, patterns, costs, days or fees, and puts it in force unless it was only to be checked.
func (v *visit) tableLoad(id catalogue.TableID, name string, raw []byte) error {
	if err := catalogue.CheckTable(id, name, bytes.NewReader(raw)); err != nil {
		list, said, err := v.mistakesOf(err)
		if err != nil {
			return err
		}
		return v.showCatalogues(page.CataloguesView{File: name, Mistakes: list, Error: said}, http.StatusUnprocessableEntity)
	}
	if v.r.URL.Query().Get("do") == "check" {
		return v.showCatalogues(page.CataloguesView{File: name, CheckedTable: id}, http.StatusOK)
	}
	err := v.do(func(ctx context.Context) (trail.Entry, error) {
		f, err := v.s.Editions.LoadTable(ctx, id, name, bytes.NewReader(raw))
		return tableDeed(id, i18n.Text{Ja: "「" + id.Label().Ja + "」を読み込みました", En: "Loaded “" + id.Label().En + "”"}, f, name), err
	})
	if err != nil {
		return err
	}
	v.said("「%s」を読み込みました。", "Loaded “%s”.", id.Label().For(v.ctx))
	v.redirect(page.PathCatalogues + "#tables")
	return nil
}

func tableDeed(id catalogue.TableID, says i18n.Text, f catalogue.TableFile, name string) trail.Entry {
	return trail.Entry{Action: "catalogue.table", Subject: trail.Subject{Kind: "catalogue", ID: string(id)}, Summary: says, Detail: map[string]any{"sha256": f.SHA256, "file": name}}
}

// tableFile gives a table as a file, to be changed and loaded again.
func (v *visit) tableFile() error {
	f, err := v.oneTable()
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/yaml; charset=utf-8")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": string(f.ID) + ".yaml"}))
	_, err = v.w.Write(f.Raw)
	return err
}

func (v *visit) oneTable() (catalogue.TableFile, error) {
	all, err := v.s.Editions.TableFiles(v.ctx)
	if err != nil {
		return catalogue.TableFile{}, err
	}
	n := slices.IndexFunc(all, func(f catalogue.TableFile) bool { return string(f.ID) == v.r.PathValue("table") })
	if n < 0 {
		return catalogue.TableFile{}, fault.New(fault.NotFound, "この表はありません。", "There is no such table.")
	}
	return all[n], nil
}

// tableReset puts the product's own table in force again.
func (v *visit) tableReset() error {
	if _, err := v.form(); err != nil {
		return err
	}
	old, err := v.oneTable()
	if err != nil {
		return err
	}
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		f, err := v.s.Editions.LoadTable(ctx, old.ID, "", nil)
		return tableDeed(old.ID, i18n.Text{Ja: "「" + old.ID.Label().Ja + "」をKenshinの版に戻しました", En: "Put the product's own “" + old.ID.Label().En + "” in force again"}, f, ""), err
	})
	if err != nil {
		return err
	}
	v.redirect(page.PathCatalogues + "#tables")
	return nil
}
