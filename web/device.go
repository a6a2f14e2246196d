package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/supplier"
	"kenshin/web/page"
)

const (
	sightingDays = 60
	sentDays     = 7
	shownHistory = 8
)

// oneDevice returns the device that the address names. moved is true when it was merged into another one: the caller sends the visitor there.
func (v *visit) oneDevice() (d *ledger.Device, moved bool, err error) {
	id := netid.DeviceID(v.r.PathValue("id"))
	d, err = v.s.Ledger.Get(v.ctx, v.facility, id)
	if err != nil {
		return nil, false, err
	}
	return d, d.ID != id, nil
}

func (v *visit) device() error {
	d, moved, err := v.oneDevice()
	if err != nil {
		return err
	}
	if moved {
		v.redirect(page.DevicePath(d.ID, ""))
		return nil
	}
	now := v.now()
	return v.showDevice(d, page.UnlockForm{From: now.Format(typedTime), Until: now.Add(24 * time.Hour).Format(typedTime)}, nil)
}

// showDevice shows one device with everything that is known of it.
func (v *visit) showDevice(d *ledger.Device, form page.UnlockForm, errs page.Errors) error {
	view := page.DeviceView{Device: d, Conflicts: ledger.Conflicts(d), UnlockForm: form, Errors: errs}
	for _, part := range []func(*page.DeviceView) error{v.deviceFindings, v.deviceAsked, v.devicePlace, v.deviceSystems, v.deviceGate, v.deviceSent, v.deviceDays,
		v.deviceChanges, v.deviceMerges, v.deviceFiles} {
		if err := part(&view); err != nil {
			return err
		}
	}
	if len(errs) > 0 {
		v.status(422)
	}
	v.show(page.DevicePage(v.shell(), view))
	return nil
}

// deviceAsked says why the last check-up that met the device did not ask it.
func (v *visit) deviceAsked(view *page.DeviceView) error {
	c, err := v.s.Work.For(v.ctx, v.facility)
	if err != nil {
		return err
	}
	h, met, err := c.LastOf(v.ctx, v.facility, view.Device.ID)
	if err == nil && met && h.State == "held" {
		view.NotAsked = v.notAsked(h)
	}
	return err
}

func (v *visit) deviceFindings(view *page.DeviceView) error {
	list, err := v.s.Findings.List(v.ctx, v.facility, finding.Filter{Device: view.Device.ID, States: []finding.State{finding.Open, finding.Waiting, finding.Fixed}})
	if err != nil {
		return err
	}
	view.Findings = v.findingRows(list.Findings, map[netid.DeviceID]*ledger.Device{view.Device.ID: view.Device})
	seen, err := v.examined([]*ledger.Device{view.Device})
	view.Examined = seen[view.Device.ID]
	return err
}

// devicePlace says on which switch, in which segment and at whose the device is.
func (v *visit) devicePlace(view *page.DeviceView) error {
	d := view.Device
	names, err := v.segmentNames()
	if err != nil {
		return err
	}
	for _, i := range d.Interfaces {
		l := page.Link{Text: names[i.Segment], URL: page.LedgerQuery{Segment: i.Segment}.URL()}
		if l.Text != "" && !slices.Contains(view.Segments, l) {
			view.Segments = append(view.Segments, l)
		}
	}
	if id := netid.DeviceID(d.Summary.Switch); id != "" {
		switches, err := v.deviceNames([]netid.DeviceID{id})
		if err != nil {
			return err
		}
		view.SwitchName, view.PortSeen = switches[id], d.LastSeen
	}
	if view.Vendor, err = v.vendorCard(d.Word.VendorID, d.Word.Vendor); err != nil {
		return err
	}
	view.CutOff = v.cutOff(d, view.SwitchName)
	return nil
}

// cutOff says what to do when the device must leave the network; "" while nobody has said whose it is.
func (v *visit) cutOff(d *ledger.Device, sw string) string {
	if d.Word.Department == "" && d.Word.Owner == "" {
		return ""
	}
	whom := strings.TrimSpace(d.Word.Department + " " + d.Word.Owner)
	out := v.t("先に %s に知らせてください。", "First tell %s.", whom)
	if sw != "" {
		port := strings.TrimSpace(sw + " " + d.Summary.Port)
		out += v.t("抜くのは %s の線です。", " Unplug the cable at %s.", port)
	}
	if d.Word.Impact != ledger.ImpactUnknown {
		out += v.t("患者さんへの影響: %s。", " Patient impact: %s.", page.ImpactText(d.Word.Impact).For(v.ctx))
	}
	return out
}

// vendorCard is whom to call: the vendor's record, or the one whose name was written.
func (v *visit) vendorCard(id, name string) (*page.VendorCard, error) {
	var s supplier.Supplier
	all, err := v.s.Suppliers.List(v.ctx, v.facility, "")
	if err != nil {
		return nil, err
	}
	for _, x := range all {
		if id != "" && x.ID == id || id == "" && name != "" && supplier.NameKey(x.Name) == supplier.NameKey(name) {
			s = x
			break
		}
	}
	if s.ID == "" {
		if name == "" {
			return nil, nil
		}
		return &page.VendorCard{Name: name, URL: page.PathVendors}, nil
	}
	card := &page.VendorCard{Name: s.Name, URL: page.VendorPath(s.ID, "")}
	if len(s.Contacts) > 0 {
		c := s.Contacts[0]
		card.Contact, card.Phone, card.Email, card.Hours = strings.TrimSpace(c.Role+" "+c.Name), c.Phone, c.Mail, c.Hours
	}
	return card, nil
}

func (v *visit) deviceSystems(view *page.DeviceView) error {
	if len(view.Device.Systems) == 0 {
		return nil
	}
	all, err := v.s.Ledger.Systems(v.ctx, v.facility)
	for _, x := range all {
		if slices.Contains(view.Device.Systems, x.ID) {
			view.Systems = append(view.Systems, page.Link{Text: x.Name, URL: page.SystemPath(x.ID, "")})
		}
	}
	return err
}

// deviceGate says why the device is left alone, and who allowed what until when.
func (v *visit) deviceGate(view *page.DeviceView) error {
	unlocks, err := v.unlocked()
	if err != nil {
		return err
	}
	view.Protected = v.protectedBecause(view.Device)
	if u := unlocks[view.Device.ID]; u != nil {
		view.Unlock = &page.UnlockView{ID: u.ID, Reason: u.Reason, By: u.By, From: u.From, Until: u.Until}
	}
	return nil
}

// unlocked returns the leave that holds, or will hold, for each device.
func (v *visit) unlocked() (map[netid.DeviceID]*gate.UnlockEntry, error) {
	list, err := v.s.Gates.Unlocks(v.ctx, v.facility, v.s.Now())
	out := map[netid.DeviceID]*gate.UnlockEntry{}
	for i := range list {
		u := &list[i]
		if u.Device != "" && u.RevokedAt.IsZero() && (out[u.Device] == nil || u.Until.After(out[u.Device].Until)) {
			out[u.Device] = u
		}
	}
	return out, err
}

// deviceSent counts what was sent to the device's cards and addresses.
func (v *visit) deviceSent(view *page.DeviceView) error {
	from := v.s.Now().AddDate(0, 0, -sentDays)
	var rows []gate.SentRow
	add := func(q gate.SentFilter) error {
		q.From, q.Limit = from, 1000
		list, err := v.s.Gates.Sent(v.ctx, v.facility, q)
		rows = append(rows, list...)
		return err
	}
	for _, i := range view.Device.Interfaces {
		if !i.MAC.IsZero() {
			if err := add(gate.SentFilter{MAC: i.MAC}); err != nil {
				return err
			}
			continue
		}
		for _, a := range i.IPv4 {
			if err := add(gate.SentFilter{Segment: i.Segment, Host: a}); err != nil {
				return err
			}
		}
	}
	view.Sent = v.sentRows(rows, func(gate.SentRow) page.Link { return page.Link{} })
	return nil
}

// sentRows adds counts up by kind of frame and device, the newest first.
func (v *visit) sentRows(rows []gate.SentRow, device func(gate.SentRow) page.Link) []page.SentRow {
	type key struct {
		frame gate.Frame
		to    page.Link
	}
	sums := map[key]*page.SentRow{}
	var out []*page.SentRow
	for _, r := range rows {
		k := key{r.Frame, device(r)}
		s := sums[k]
		if s == nil {
			s = &page.SentRow{Frame: r.Frame, Device: k.to}
			sums[k], out = s, append(out, s)
		}
		if r.Refused == "" {
			s.Count += r.Frames
		} else {
			s.Refused += r.Frames
			s.Why = v.refusedText(r.Refused)
		}
		if r.Hour.After(s.Last) {
			s.Last = r.Hour
		}
	}
	list := make([]page.SentRow, len(out))
	for i, r := range out {
		list[i] = *r
	}
	return list
}

// refusedText says in a few words why the gate held something back.
func (v *visit) refusedText(code string) string {
	switch code {
	case "killed":
		return v.t("停止スイッチ", "the kill switch was on")
	case "not-approved":
		return v.t("承認されていない区画", "the segment was not approved")
	case "outside":
		return v.t("区画の外のアドレス", "outside the segment")
	case "hours":
		return v.t("時間帯の外", "outside the hours")
	case "never-touch":
		return v.t("何も送らないと決めた機器", "never to be touched")
	case "never-port":
		return v.t("何も送らない口", "a port that gets nothing")
	case "medical", "medical-link":
		return v.t("守っている医療機器", "a protected medical device")
	case "unknown-mac":
		return v.t("まだ正体が分からない機器", "a device that is not known yet")
	}
	return code
}

// deviceDays marks the days on which the device was seen, from the day of its first sighting on.
func (v *visit) deviceDays(view *page.DeviceView) error {
	if view.Device.FirstSeen.IsZero() {
		return nil
	}
	subjects, err := v.s.Ledger.Subjects(v.ctx, v.facility, view.Device.ID)
	if err != nil {
		return err
	}
	var keys []string
	for _, s := range subjects {
		keys = append(keys, s.Key)
	}
	now := v.now()
	from := now.AddDate(0, 0, 1-sightingDays)
	days, err := v.s.Seen.Days(v.ctx, v.facility, keys, from, now)
	if err != nil {
		return err
	}
	first := view.Device.FirstSeen.In(now.Location()).Format(time.DateOnly)
	for i := range sightingDays {
		day := page.Day{Date: from.AddDate(0, 0, i)}
		if day.Date.Format(time.DateOnly) < first {
			continue
		}
		if slices.Contains(days, day.Date.Format(time.DateOnly)) {
			day.Count = 1
		}
		view.Sightings = append(view.Sightings, day)
	}
	return nil
}

func (v *visit) deviceChanges(view *page.DeviceView) error {
	list, next, err := v.s.Ledger.History(v.ctx, v.facility, string(view.Device.ID), "", shownHistory)
	if err != nil {
		return err
	}
	view.HistoryMore = next != ""
	view.History, err = v.changes(list)
	return err
}

// deviceMerges lists what went into this device and can come out again.
func (v *visit) deviceMerges(view *page.DeviceView) error {
	if !v.actor.Role.May(actor.EditLedger) {
		return nil
	}
	list, err := v.s.Ledger.Merges(v.ctx, v.facility, ledger.Done)
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.Winner != view.Device.ID {
			continue
		}
		what := v.t("同じ機器としてまとめました", "was merged with another entry")
		if m.Split {
			what = v.t("別の機器に分けました", "a card was split off")
		}
		if len(m.Reasons) > 0 {
			what += ": " + m.Reasons[0].For(v.ctx)
		}
		view.MergedFrom = append(view.MergedFrom, page.Change{At: m.At, Who: m.Actor.Name, What: what, Undo: mergePath(m.ID, "undo")})
	}
	return nil
}

func (v *visit) deviceFiles(view *page.DeviceView) (err error) {
	view.Files, err = v.files(v.deviceHolder())
	return err
}

// deviceHistory shows the whole history of a device.
func (v *visit) deviceHistory() error {
	d, _, err := v.oneDevice()
	if err != nil {
		return err
	}
	const limit = 100
	cursor := v.r.URL.Query().Get("cursor")
	list, next, err := v.s.Ledger.History(v.ctx, v.facility, string(d.ID), cursor, limit)
	if err != nil {
		return err
	}
	changes, err := v.changes(list)
	if err != nil {
		return err
	}
	p := page.Pager{From: min(1, len(list)), To: len(list), Total: -1}
	if next != "" {
		p.Next = page.DevicePath(d.ID, "history") + "?cursor=" + next
	}
	if cursor != "" {
		p.Prev = page.DevicePath(d.ID, "history")
	}
	v.show(page.HistoryPage(v.shell(), d, changes, p))
	return nil
}

// changes tells rows of the history in sentences.
func (v *visit) changes(list []ledger.Entry) ([]page.Change, error) {
	var others []netid.DeviceID
	for _, e := range list {
		if e.After != "" && (e.Kind == ledger.Merged || e.Kind == ledger.MergeProposed || e.Kind == ledger.SplitOff || e.Kind == ledger.MergeUndone) {
			others = append(others, netid.DeviceID(e.After))
		}
	}
	names, err := v.deviceNames(others)
	if err != nil {
		return nil, err
	}
	var out []page.Change
	for _, e := range list {
		who := e.Actor.Name
		if e.Signal != "" && e.Actor.Kind == actor.System {
			signal, value, _ := strings.Cut(e.Signal, "=")
			value, _, _ = strings.Cut(value, " (") // the rule's name, for the API
			who = strings.TrimSpace("Kenshin · " + page.SignalText(v.ctx, signal) + " " + value)
		}
		what := v.changeText(e, cmp.Or(names[netid.DeviceID(e.After)], e.Before, v.t("ほかの機器", "another device")))
		if e.Reason != "" {
			what += v.t("(%s)", " (%s)", e.Reason)
		}
		out = append(out, page.Change{At: e.At, Who: cmp.Or(who, "Kenshin"), What: what})
	}
	return together(out), nil
}

// together makes one line of what one hand did at one moment; the list is the newest first, and each line reads in the order of the deeds.
func together(list []page.Change) []page.Change {
	var out []page.Change
	for _, c := range list {
		if last := len(out) - 1; last >= 0 && out[last].At.Equal(c.At) && out[last].Who == c.Who && c.Undo == "" && out[last].Undo == "" {
			out[last].Also = append([]string{out[last].What}, out[last].Also...)
			out[last].What = c.What
			continue
		}
		out = append(out, c)
	}
	return out
}
