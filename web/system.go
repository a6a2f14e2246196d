package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"kenshin/fault"
	"kenshin/jp"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/web/page"
)

// hostings are the words of the form for where a system runs.
var hostings = map[ledger.Hosting]string{ledger.HostingUnknown: "", ledger.OnPremises: "onsite", ledger.Cloud: "cloud", ledger.OnBoth: "both"}

func (v *visit) systems() error {
	list, err := v.s.Ledger.Systems(v.ctx, v.facility)
	if err != nil {
		return err
	}
	var view page.SystemsView
	for _, s := range list {
		row, _, err := v.systemOf(s)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	v.show(page.SystemsPage(v.shell(), view))
	return nil
}

// systemOf shows a system as its page does, with its devices.
func (v *visit) systemOf(s ledger.System) (page.System, []*ledger.Device, error) {
	out := page.System{ID: s.ID, Name: s.Name, Kind: v.systemKind(s.Kind), Department: s.Department, Vendor: s.Vendor, VendorID: s.VendorID, Hosting: hostings[s.Hosting],
		Data: strings.Join(s.Data, "、"), Impact: s.Impact, Notes: s.Notes, Start: s.Start, Devices: len(s.Devices), Revision: s.Revision}
	if s.VendorID != "" {
		if x, err := v.s.Suppliers.Get(v.ctx, v.facility, s.VendorID); err == nil {
			out.Vendor = x.Name
		}
	}
	var members []*ledger.Device
	if len(s.Devices) > 0 {
		list, err := v.s.Ledger.Devices(v.ctx, v.facility, s.Devices)
		if err != nil {
			return out, nil, err
		}
		members = list
	}
	for _, d := range members {
		out.Findings += d.Summary.Findings
	}
	return out, members, nil
}

func (v *visit) systemKind(kind string) string {
	for _, k := range ledger.SystemKinds() {
		if k.Value == kind {
			return k.Label.For(v.ctx)
		}
	}
	return kind
}

// systemKindOf finds the kind that a person typed by its name in either language; anything else is "other" and kept in the notes by the caller.
func systemKindOf(typed string) (kind string, known bool) {
	for _, k := range ledger.SystemKinds() {
		if strings.EqualFold(typed, k.Value) || strings.EqualFold(typed, k.Label.Ja) || strings.EqualFold(typed, k.Label.En) {
			return k.Value, true
		}
	}
	if strings.EqualFold(typed, "PACS") {
		return "pacs", true
	}
	return "other", typed == ""
}

func (v *visit) oneSystem() (*ledger.System, error) {
	return v.s.Ledger.System(v.ctx, v.facility, v.r.PathValue("id"))
}

func (v *visit) system() error {
	s, err := v.oneSystem()
	if err != nil {
		return err
	}
	shown, members, err := v.systemOf(*s)
	if err != nil {
		return err
	}
	view := page.SystemView{System: shown, Members: members}
	if view.Card, err = v.vendorCard(s.VendorID, s.Vendor); err != nil {
		return err
	}
	if view.Files, err = v.files(v.systemHolder()); err != nil {
		return err
	}
	list, _, err := v.s.Ledger.History(v.ctx, v.facility, s.ID, "", 50)
	if err != nil {
		return err
	}
	if view.History, err = v.changes(list); err != nil {
		return err
	}
	v.show(page.SystemPage(v.shell(), view))
	return nil
}

func (v *visit) systemNew() error { return v.showSystemForm(page.SystemForm{}, http.StatusOK) }

func (v *visit) systemEdit() error {
	s, err := v.oneSystem()
	if err != nil {
		return err
	}
	shown, _, err := v.systemOf(*s)
	if err != nil {
		return err
	}
	form := page.SystemForm{System: shown}
	for _, id := range s.Devices {
		form.Chosen = append(form.Chosen, string(id))
	}
	return v.showSystemForm(form, http.StatusOK)
}

const offeredDevices = 500 // in a system's form; those that belong to it are always among them

func (v *visit) showSystemForm(form page.SystemForm, status int) error {
	facets, err := v.facets()
	if err != nil {
		return err
	}
	form.Departments = departmentsOf(facets)
	if form.Vendors, err = v.vendorOptions(); err != nil {
		return err
	}
	members, err := v.s.Ledger.Devices(v.ctx, v.facility, idsOf(form.Chosen))
	if err != nil {
		return err
	}
	p, err := v.s.Ledger.List(v.ctx, v.facility, ledger.Query{Sort: ledger.ByName, Limit: offeredDevices})
	if err != nil {
		return err
	}
	seen := map[netid.DeviceID]bool{}
	for _, d := range append(members, p.Devices...) {
		if !seen[d.ID] {
			seen[d.ID] = true
			form.Devices = append(form.Devices, page.Option{Value: string(d.ID), Text: v.called(d), Says: strings.TrimSpace(page.KindText(d.Kind()).For(v.ctx) + " " + d.Word.Department)})
		}
	}
	if status != http.StatusOK {
		v.status(status)
	}
	v.show(page.SystemEditPage(v.shell(), form))
	return nil
}

// systemSave makes a system, or changes the one that the address names.
func (v *visit) systemSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	s, form, err := v.systemTyped(f)
	if err != nil {
		return err
	}
	saved, err := v.s.Ledger.SaveSystem(v.ctx, v.facility, s)
	switch {
	case fault.Is(err, fault.Conflict):
		now, getErr := v.oneSystem()
		if getErr != nil {
			return getErr
		}
		form.Revision = now.Revision
		form.Errors = page.Errors{"": v.says(err) + v.t(" もう一度保存すると、あなたの内容になります。", " Saving again makes your version count.")}
		return v.showSystemForm(form, http.StatusConflict)
	case fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge):
		field := ""
		if s.Name == "" {
			field = "name"
		} else if _, _, wrong := jp.Date(s.Start); wrong != nil {
			field = "start"
		}
		form.Errors = page.Errors{field: v.says(err)}
		return v.showSystemForm(form, http.StatusUnprocessableEntity)
	case err != nil:
		return err
	}
	v.said("「%s」を保存しました。", "Saved “%s”.", saved.Name)
	v.redirect(page.SystemPath(saved.ID, ""))
	return nil
}

// systemTyped reads the form; what it does not ask for stays as it was.
func (v *visit) systemTyped(f url.Values) (ledger.System, page.SystemForm, error) {
	typed := page.ReadSystem(f)
	typed.ID = v.r.PathValue("id")
	form := page.SystemForm{System: typed, Chosen: f["device"]}
	var s ledger.System
	if typed.ID != "" {
		was, err := v.oneSystem()
		if err != nil {
			return s, form, err
		}
		s = *was
		revision, err := strconv.ParseInt(f.Get("revision"), 10, 64)
		if err != nil || revision < 1 {
			return s, form, fault.New(fault.Invalid, "このフォームは古くなっています。開き直してください。", "This form is out of date. Open it again.")
		}
		s.Revision, form.Revision = revision, revision
	}
	kind, known := systemKindOf(typed.Kind)
	if !known {
		typed.Notes = strings.TrimSpace(v.t("種類: ", "Kind: ") + typed.Kind + "\n" + typed.Notes)
	} else if typed.Kind == "" {
		kind = ""
	}
	s.Name, s.Kind, s.Department, s.VendorID, s.Impact, s.Notes, s.Start = typed.Name, kind, typed.Department, typed.VendorID, typed.Impact, typed.Notes, typed.Start
	s.Data = strings.FieldsFunc(typed.Data, func(r rune) bool { return strings.ContainsRune("、,，\n", r) })
	s.Devices = idsOf(f["device"])
	s.Hosting = ledger.Hosting(typed.Hosting)
	for h, word := range hostings {
		if word == typed.Hosting {
			s.Hosting = h
		}
	}
	if s.VendorID != "" {
		x, err := v.s.Suppliers.Get(v.ctx, v.facility, s.VendorID)
		if err != nil {
			return s, form, err
		}
		s.Vendor = x.Name
	}
	return s, form, nil
}

func (v *visit) systemDelete() error {
	s, err := v.oneSystem()
	if err != nil {
		return err
	}
	if err := v.s.Ledger.RemoveSystem(v.ctx, v.facility, s.ID, 0); err != nil {
		return err
	}
	v.said("「%s」を消しました。機器は残っています。", "Deleted “%s”. Its devices stay.", s.Name)
	v.redirect(page.PathSystems)
	return nil
}
