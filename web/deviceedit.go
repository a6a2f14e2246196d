package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/web/page"
)

func (v *visit) deviceNew() error {
	return v.showDeviceForm(page.DeviceForm{State: ledger.Registered})
}

// showDeviceForm shows the form of a device with what was typed and what is wrong with it.
func (v *visit) showDeviceForm(form page.DeviceForm) error {
	facets, err := v.facets()
	if err != nil {
		return err
	}
	form.Departments = departmentsOf(facets)
	if form.Vendors, err = v.vendorOptions(); err != nil {
		return err
	}
	if form.Device != nil {
		form.Conflicts = ledger.Conflicts(form.Device)
	}
	switch {
	case form.Stale:
		v.status(http.StatusConflict)
	case len(form.Errors) > 0:
		v.status(http.StatusUnprocessableEntity)
	}
	v.show(page.DeviceEditPage(v.shell(), form))
	return nil
}

func (v *visit) deviceAdd() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	word, state := page.DeviceWord(f)
	form := page.DeviceForm{Word: word, State: state, Errors: v.wordErrors(f)}
	if word.Name == "" && word.Number == "" && form.Errors["name"] == "" {
		form.Errors["name"] = v.t("名前か管理番号を入れてください。", "Enter a name or a number.")
	}
	if len(form.Errors) > 0 {
		return v.showDeviceForm(form)
	}
	d, err := v.s.Ledger.Add(v.ctx, v.facility, word, state, "")
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		form.Errors[""] = v.says(err)
		return v.showDeviceForm(form)
	}
	v.said("「%s」を台帳に入れました。", "Entered “%s” into the ledger.", v.called(d))
	v.redirect(page.DevicePath(d.ID, ""))
	return nil
}

func (v *visit) deviceEdit() error {
	d, moved, err := v.oneDevice()
	if err != nil {
		return err
	}
	if moved {
		v.redirect(page.DevicePath(d.ID, "edit"))
		return nil
	}
	return v.showDeviceForm(page.DeviceForm{Device: d, Word: d.Word, State: d.State})
}

// deviceSave changes what people say of a device. Only the fields of the form change; when somebody else saved in between, nothing does.
func (v *visit) deviceSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	d, _, err := v.oneDevice()
	if err != nil {
		return err
	}
	word, state := page.DeviceWord(f)
	form := page.DeviceForm{Device: d, Word: word, State: state, Errors: v.wordErrors(f)}
	revision, err := strconv.ParseInt(f.Get("revision"), 10, 64)
	if err != nil || revision < 0 {
		form.Errors[""] = v.t("このフォームは古くなっています。もう一度保存してください。", "This form is out of date. Save it again.")
	}
	if len(form.Errors) > 0 {
		return v.showDeviceForm(form)
	}
	wasNot := d.Word.Medical != nil && !*d.Word.Medical
	saved, err := v.s.Ledger.Edit(v.ctx, v.facility, d.ID, max(revision, 0), ledger.Patch{Fields: wordFields(f), State: state})
	switch {
	case fault.Is(err, fault.Conflict):
		if form.Device, _, err = v.oneDevice(); err != nil {
			return err
		}
		form.Stale = true
		form.Errors[""] = v.t("%s さんが先に保存しました。", "%s saved first.", v.lastChanger(form.Device))
		return v.showDeviceForm(form)
	case err != nil && fault.KindOf(err) != fault.Internal:
		form.Errors[""] = v.says(err)
		return v.showDeviceForm(form)
	case err != nil:
		return err
	}
	if err := v.sayMedical(saved, wasNot); err != nil {
		return err
	}
	v.said("「%s」を保存しました。", "Saved “%s”.", v.called(saved))
	v.redirect(page.DevicePath(saved.ID, ""))
	return nil
}

// lastChanger is the name of the person who changed a device last.
func (v *visit) lastChanger(d *ledger.Device) string {
	list, _, err := v.s.Ledger.History(v.ctx, v.facility, string(d.ID), "", 50)
	v.note(err, "who changed a device")
	for _, e := range list {
		if e.Actor.Kind != actor.System {
			return e.Actor.Name
		}
	}
	return v.t("ほかの人", "Somebody")
}

// wordFields are the fields that the form carries, as the ledger wants them. A vendor that is chosen gives its name too.
func wordFields(f url.Values) map[string]string {
	out := map[string]string{}
	for _, field := range ledger.Fields() {
		if f.Has(field.Key) {
			out[field.Key] = strings.TrimSpace(f.Get(field.Key))
		}
	}
	if m, ok := out["medical"]; ok {
		out["medical"] = map[string]string{"yes": "true", "no": "false"}[m]
	}
	for name := range f {
		if strings.HasPrefix(name, "extra.") {
			out[name] = strings.TrimSpace(f.Get(name))
		}
	}
	return out
}

// wordErrors checks each field as the ledger will, and looks the vendor up.
func (v *visit) wordErrors(f url.Values) page.Errors {
	errs := page.Errors{}
	for key, value := range wordFields(f) {
		var w ledger.Word
		if err := w.Set(key, value); err != nil {
			errs[key] = v.says(err)
		}
	}
	if id := f.Get("vendor_id"); id != "" {
		if s, err := v.s.Suppliers.Get(v.ctx, v.facility, id); err != nil {
			errs["vendor_id"] = v.says(err)
		} else {
			f.Set("vendor", s.Name)
		}
	}
	return errs
}

// sayMedical tells the gate what a person who may decide about sending said of the device: only then does "not medical" take protection away.
func (v *visit) sayMedical(d *ledger.Device, wasNot bool) error {
	if c, err := v.s.Work.For(v.ctx, v.facility); err == nil && c.Gate != nil && d.Medical() {
		for _, key := range hostKeys(d) { // at once: a check-up may be under way
			c.Gate.Protect(key, "医療機器と記入された")
		}
	}
	isNot := d.Word.Medical != nil && !*d.Word.Medical
	if isNot == wasNot || !v.actor.Role.May(actor.EditSegments) {
		return nil
	}
	if !isNot {
		return v.takeBackWords(d, gate.SaidNotMedical)
	}
	for _, key := range hostKeys(d) {
		_, err := v.s.Gates.Say(v.ctx, v.facility, key, d.ID, gate.SaidNotMedical, "台帳で「医療機器ではない」と記入")
		if err != nil {
			return err
		}
	}
	return nil
}

// deviceState sets a device's state with one button.
func (v *visit) deviceState() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	d, _, err := v.oneDevice()
	if err != nil {
		return err
	}
	if f.Get("state") == "" {
		return fault.New(fault.Invalid, "状態を選んでください。", "Choose a state.")
	}
	d, err = v.s.Ledger.Edit(v.ctx, v.facility, d.ID, 0, ledger.Patch{State: ledger.State(f.Get("state"))})
	if err != nil {
		return err
	}
	v.said("「%s」を「%s」にしました。", "“%s” is now %s.", v.called(d), page.StateText(d.State).For(v.ctx))
	v.redirect(back(f, page.DevicePath(d.ID, "")))
	return nil
}
