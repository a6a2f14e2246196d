package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/supplier"
	"kenshin/trail"
	"kenshin/web/page"
)

// vendorOf shows a vendor as its page does. The form holds one contract and the way of remote maintenance; further contracts stay as they are.
func (v *visit) vendorOf(s supplier.Supplier) page.Vendor {
	out := page.Vendor{ID: s.ID, Name: s.Name, Notes: s.Notes, Revision: s.Revision}
	for _, c := range s.Contacts {
		out.Contacts = append(out.Contacts, page.Contact{Name: c.Name, Role: c.Role, Phone: c.Phone, Email: c.Mail, Hours: c.Hours})
	}
	if len(s.Contracts) > 0 {
		c := s.Contracts[0]
		out.Contract, out.From, out.Until, out.Remote = c.What, c.From, c.To, c.Notes
		last, known := supplier.Ends(c.To)
		out.Over = known && v.now().Format(dateForm) > last.Format(dateForm)
	}
	return out
}

// served lists what a vendor looks after.
func (v *visit) served(s supplier.Supplier, devices map[string][]*ledger.Device, systems []ledger.System) ([]*ledger.Device, []page.Link) {
	var links []page.Link
	for _, x := range systems {
		if x.VendorID == s.ID || x.VendorID == "" && x.Vendor != "" && supplier.NameKey(x.Vendor) == supplier.NameKey(s.Name) {
			links = append(links, page.Link{Text: x.Name, URL: page.SystemPath(x.ID, "")})
		}
	}
	return append(devices[s.ID], devices["name:"+supplier.NameKey(s.Name)]...), links
}

// byVendor sorts the devices of the ledger by who looks after them: by the record's id, else by the name that was written ("name:KEY").
func (v *visit) byVendor() (map[string][]*ledger.Device, error) {
	out := map[string][]*ledger.Device{}
	for d, err := range Chosen(v.ctx, v.s.Ledger, v.facility, ledger.Query{}) {
		if err != nil {
			return nil, err
		}
		switch {
		case d.Word.VendorID != "":
			out[d.Word.VendorID] = append(out[d.Word.VendorID], d)
		case d.Word.Vendor != "":
			key := "name:" + supplier.NameKey(d.Word.Vendor)
			out[key] = append(out[key], d)
		}
	}
	return out, nil
}

func (v *visit) vendors() error {
	list, err := v.s.Suppliers.List(v.ctx, v.facility, "")
	if err != nil {
		return err
	}
	systems, err := v.s.Ledger.Systems(v.ctx, v.facility)
	if err != nil {
		return err
	}
	devices, err := v.byVendor()
	if err != nil {
		return err
	}
	var view page.VendorsView
	for _, s := range list {
		row := v.vendorOf(s)
		members, links := v.served(s, devices, systems)
		row.Devices, row.Systems = len(members), len(links)
		view.Rows = append(view.Rows, row)
	}
	v.show(page.VendorsPage(v.shell(), view))
	return nil
}

func (v *visit) oneVendor() (supplier.Supplier, error) {
	return v.s.Suppliers.Get(v.ctx, v.facility, v.r.PathValue("id"))
}

func (v *visit) vendor() error {
	s, err := v.oneVendor()
	if err != nil {
		return err
	}
	systems, err := v.s.Ledger.Systems(v.ctx, v.facility)
	if err != nil {
		return err
	}
	devices, err := v.byVendor()
	if err != nil {
		return err
	}
	view := page.VendorView{Vendor: v.vendorOf(s)}
	view.Members, view.SystemLinks = v.served(s, devices, systems)
	view.Devices, view.Systems = len(view.Members), len(view.SystemLinks)
	if view.Files, err = v.files(v.vendorHolder()); err != nil {
		return err
	}
	history, err := v.s.Suppliers.History(v.ctx, v.facility, s.ID)
	if err != nil {
		return err
	}
	for _, c := range history {
		view.History = append(view.History, page.Change{At: c.At, Who: c.By, What: v.vendorChange(c)})
	}
	v.show(page.VendorPage(v.shell(), view))
	return nil
}

func (v *visit) vendorChange(c supplier.Change) string {
	if c.Kind == "added" {
		return v.t("登録しました", "Registered")
	}
	if c.Field == "attachment" {
		return v.fileChange(c.Before, c.After)
	}
	name := map[string]i18n.Text{"name": {Ja: "名前", En: "the name"}, "reading": {Ja: "ふりがな", En: "the reading"}, "kind": {Ja: "種類", En: "the kind"},
		"contacts": {Ja: "連絡先", En: "the contacts"}, "contracts": {Ja: "契約", En: "the contract"}, "notes": {Ja: "メモ", En: "the notes"}}[c.Field].For(v.ctx)
	if c.After == "" {
		return v.t("%sを消しました(%s)", "Took back %s (%s)", name, short(c.Before, 80))
	}
	return v.t("%sを「%s」にしました", "Set %s to %s", name, short(c.After, 80))
}

func (v *visit) vendorNew() error {
	v.show(page.VendorEditPage(v.shell(), page.VendorForm{}))
	return nil
}

func (v *visit) vendorEdit() error {
	s, err := v.oneVendor()
	if err != nil {
		return err
	}
	v.show(page.VendorEditPage(v.shell(), page.VendorForm{Vendor: v.vendorOf(s)}))
	return nil
}

// vendorSave makes a vendor, or changes the one that the address names.
func (v *visit) vendorSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	form := page.VendorForm{Vendor: page.ReadVendor(f), Errors: page.Errors{}}
	var s supplier.Supplier
	if id := v.r.PathValue("id"); id != "" {
		if s, err = v.oneVendor(); err != nil {
			return err
		}
		form.ID = s.ID
		if s.Revision, err = strconv.ParseInt(f.Get("revision"), 10, 64); err != nil {
			return fault.New(fault.Invalid, "このフォームは古くなっています。開き直してください。", "This form is out of date. Open it again.")
		}
		form.Revision = s.Revision
	}
	for name, value := range map[string]string{"from": form.From, "until": form.Until} {
		if _, _, err := jp.Date(value); err != nil {
			form.Errors[name] = v.says(err)
		}
	}
	if form.Name == "" {
		form.Errors["name"] = v.t("会社の名前を入れてください。", "Enter the name.")
	}
	if len(form.Errors) > 0 {
		return v.vendorRefused(form, http.StatusUnprocessableEntity)
	}
	typed := s.ID == ""
	s = v.vendorTyped(s, form.Vendor)
	saved, err := v.saveVendor(s, typed)
	switch {
	case fault.Is(err, fault.Conflict):
		now, getErr := v.oneVendor()
		if getErr != nil {
			return getErr
		}
		form.Revision = now.Revision
		form.Errors[""] = v.says(err)
		return v.vendorRefused(form, http.StatusConflict)
	case fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge):
		form.Errors[""] = v.says(err)
		return v.vendorRefused(form, http.StatusUnprocessableEntity)
	case err != nil:
		return err
	}
	v.said("「%s」を保存しました。", "Saved “%s”.", saved.Name)
	v.redirect(page.VendorPath(saved.ID, ""))
	return nil
}

func (v *visit) saveVendor(s supplier.Supplier, fresh bool) (saved supplier.Supplier, err error) {
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		var err error
		saved, err = v.s.Suppliers.Save(ctx, v.facility, s)
		action, text := "vendor.edit", i18n.Text{Ja: fmt.Sprintf("業者「%s」を変えました", saved.Name), En: fmt.Sprintf("Changed the vendor %s", saved.Name)}
		if fresh {
			action, text = "vendor.add", i18n.Text{Ja: fmt.Sprintf("業者「%s」を登録しました", saved.Name), En: fmt.Sprintf("Registered the vendor %s", saved.Name)}
		}
		return trail.Entry{Action: action, Subject: trail.Subject{Kind: "vendor", ID: saved.ID}, Summary: text}, err
	})
	return saved, err
}

func (v *visit) vendorRefused(form page.VendorForm, status int) error {
	v.status(status)
	v.show(page.VendorEditPage(v.shell(), form))
	return nil
}

// vendorTyped puts what was typed into a record; contracts after the first, and what the form does not ask, stay.
func (v *visit) vendorTyped(s supplier.Supplier, typed page.Vendor) supplier.Supplier {
	s.Name, s.Notes, s.Contacts = typed.Name, typed.Notes, nil
	for _, c := range typed.Contacts {
		s.Contacts = append(s.Contacts, supplier.Contact{Name: c.Name, Role: c.Role, Phone: c.Phone, Mail: c.Email, Hours: c.Hours})
	}
	if typed.Contract+typed.From+typed.Until+typed.Remote == "" {
		if len(s.Contracts) > 0 {
			s.Contracts = s.Contracts[1:]
		}
		return s
	}
	contract := supplier.Contract{}
	rest := []supplier.Contract(nil)
	if len(s.Contracts) > 0 {
		contract, rest = s.Contracts[0], s.Contracts[1:]
	}
	contract.What, contract.From, contract.To, contract.Notes = typed.Contract, typed.From, typed.Until, typed.Remote
	if contract.What == "" {
		contract.What = v.t("保守", "maintenance")
	}
	s.Contracts = append([]supplier.Contract{contract}, rest...)
	return s
}

// vendorDelete removes a vendor that nothing names any more.
func (v *visit) vendorDelete() error {
	s, err := v.oneVendor()
	if err != nil {
		return err
	}
	systems, err := v.s.Ledger.Systems(v.ctx, v.facility)
	if err != nil {
		return err
	}
	devices, err := v.byVendor()
	if err != nil {
		return err
	}
	if members, links := v.served(s, devices, systems); len(members)+len(links) > 0 {
		return fault.Newf(fault.Conflict, "この業者は機器%d台とシステム%d件の担当です。先に担当を変えてください。",
			"This vendor looks after %d devices and %d systems. Change that first.", len(members), len(links))
	}
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		return trail.Entry{Action: "vendor.remove", Subject: trail.Subject{Kind: "vendor", ID: s.ID}, Summary: i18n.Text{
			Ja: fmt.Sprintf("業者「%s」を消しました", s.Name), En: fmt.Sprintf("Removed the vendor %s", s.Name)}}, v.s.Suppliers.Remove(ctx, v.facility, s.ID, s.Revision)
	})
	if err != nil {
		return err
	}
	v.said("「%s」を消しました。", "Removed “%s”.", s.Name)
	v.redirect(page.PathVendors)
	return nil
}
