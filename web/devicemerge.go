package web

import (
	"context"
	"slices"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/trail"
	"kenshin/web/page"
)

func mergePath(id, what string) string { return "/merges/" + id + "/" + what }

func (v *visit) deviceMergeForm() error { return v.showMerge(nil) }

// showMerge offers what may be the same device: what the machine proposes, or what a person looks for.
func (v *visit) showMerge(errs page.Errors) error {
	d, moved, err := v.oneDevice()
	if err != nil {
		return err
	}
	if moved {
		v.redirect(page.DevicePath(d.ID, "merge"))
		return nil
	}
	view := page.MergeView{Device: d, Q: v.r.URL.Query().Get("q"), Errors: errs}
	if view.Q == "" {
		view.Candidates, err = v.proposals(d.ID)
	} else {
		view.Candidates, err = v.lookedFor(d.ID, view.Q)
	}
	if err != nil {
		return err
	}
	if len(errs) > 0 {
		v.status(422)
	}
	v.show(page.DeviceMergePage(v.shell(), view))
	return nil
}

func (v *visit) proposals(id netid.DeviceID) ([]page.MergeCandidate, error) {
	list, err := v.s.Ledger.Merges(v.ctx, v.facility, ledger.Proposed)
	if err != nil {
		return nil, err
	}
	var out []page.MergeCandidate
	for _, m := range list {
		other := m.Loser
		if other == id {
			other = m.Winner
		} else if m.Winner != id {
			continue
		}
		d, err := v.s.Ledger.Get(v.ctx, v.facility, other)
		if err != nil {
			return nil, err
		}
		c := page.MergeCandidate{Device: d, Refuse: mergePath(m.ID, "refuse")}
		for i, r := range m.Reasons {
			if i > 0 {
				c.Why += " "
			}
			c.Why += r.For(v.ctx)
		}
		out = append(out, c)
	}
	return out, nil
}

func (v *visit) lookedFor(id netid.DeviceID, q string) ([]page.MergeCandidate, error) {
	p, err := v.s.Ledger.List(v.ctx, v.facility, ledger.Query{Text: q, Limit: 20})
	var out []page.MergeCandidate
	for _, d := range p.Devices {
		if d.ID != id {
			out = append(out, page.MergeCandidate{Device: d})
		}
	}
	return out, err
}

func (v *visit) deviceMerge() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	d, _, err := v.oneDevice()
	if err != nil {
		return err
	}
	other := netid.DeviceID(f.Get("other"))
	if other == "" {
		return v.showMerge(page.Errors{"": v.t("まとめる相手を選んでください。", "Choose the other device.")})
	}
	id, err := v.s.Ledger.Merge(v.ctx, v.facility, d.ID, other, "")
	if err != nil {
		if fault.Is(err, fault.Conflict) {
			return v.showMerge(page.Errors{"": v.says(err)})
		}
		return err
	}
	v.flash(page.Flash{Mark: page.MarkOK, Text: v.t("同じ機器としてまとめました。", "Merged."), Undo: mergePath(id, "undo")})
	v.redirect(page.DevicePath(d.ID, ""))
	return nil
}

func (v *visit) deviceSplitForm() error { return v.showSplit(nil) }

func (v *visit) showSplit(errs page.Errors) error {
	d, _, err := v.oneDevice()
	if err != nil {
		return err
	}
	if len(errs) > 0 {
		v.status(422)
	}
	v.show(page.DeviceSplitPage(v.shell(), page.SplitView{Device: d, Errors: errs}))
	return nil
}

func (v *visit) deviceSplit() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	d, _, err := v.oneDevice()
	if err != nil {
		return err
	}
	var macs []netid.MAC
	for _, s := range f["mac"] {
		m, err := netid.ParseMAC(s)
		if err != nil {
			return v.showSplit(page.Errors{"": v.says(err)})
		}
		macs = append(macs, m)
	}
	fresh, err := v.s.Ledger.Split(v.ctx, v.facility, d.ID, macs, "")
	if err != nil {
		if fault.KindOf(err) == fault.Invalid {
			return v.showSplit(page.Errors{"": v.says(err)})
		}
		return err
	}
	flash := page.Flash{Mark: page.MarkOK, Text: v.t("別の機器に分けました。", "Split.")}
	done, err := v.s.Ledger.Merges(v.ctx, v.facility, ledger.Done)
	v.note(err, "undo of a split")
	if i := slices.IndexFunc(done, func(m ledger.Merge) bool { return m.Split && m.Loser == fresh.ID }); i >= 0 {
		flash.Undo = mergePath(done[i].ID, "undo")
	}
	v.flash(flash)
	v.redirect(page.DevicePath(d.ID, ""))
	return nil
}

func (v *visit) mergeAccept() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	if err := v.s.Ledger.Accept(v.ctx, v.facility, id); err != nil {
		return err
	}
	v.said("同じ機器としてまとめました。", "Merged.")
	v.redirect(back(f, page.PathLedger))
	return nil
}

func (v *visit) mergeRefuse() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		return trail.Entry{Action: "device.merge-refuse", Subject: trail.Subject{Kind: "merge", ID: id},
			Summary: i18n.Text{Ja: "別の機器だと記録しました", En: "Refused a proposed merge"}}, v.s.Ledger.Refuse(ctx, v.facility, id)
	})
	if err != nil {
		return err
	}
	v.said("別の機器として覚えました。もう提案しません。", "Noted: they are two devices. This will not be proposed again.")
	v.redirect(back(f, page.PathLedger))
	return nil
}

func (v *visit) mergeUndo() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if err := v.s.Ledger.Undo(v.ctx, v.facility, v.r.PathValue("id")); err != nil {
		return err
	}
	v.said("元に戻しました。", "Undone.")
	v.redirect(back(f, page.PathLedger))
	return nil
}
