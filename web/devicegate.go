package web

import (
	"time"

	"kenshin/fault"
	"kenshin/gate"
	"kenshin/ledger"
	"kenshin/web/page"
)

const typedTime = "2006-01-02T15:04" // of a datetime-local field

// hostKeys are the names under which the gate knows a device: its cards, or its addresses where the card is not known.
func hostKeys(d *ledger.Device) []gate.HostKey {
	var out []gate.HostKey
	for _, i := range d.Interfaces {
		if !i.MAC.IsZero() {
			out = append(out, gate.HostKey{MAC: i.MAC})
			continue
		}
		for _, a := range i.IPv4 {
			out = append(out, gate.HostKey{Segment: i.Segment, IP: a})
		}
	}
	return out
}

// addressKeys are the addresses of a device's cards: behind a router, where no frame shows a card, they alone keep it from being touched.
func addressKeys(d *ledger.Device) []gate.HostKey {
	var out []gate.HostKey
	for _, i := range d.Interfaces {
		for _, a := range i.IPv4 {
			if !i.MAC.IsZero() {
				out = append(out, gate.HostKey{Segment: i.Segment, IP: a})
			}
		}
	}
	return out
}

// deviceNeverTouch switches "send nothing at all" on and off, in the gate's book first: protection must not come late.
func (v *visit) deviceNeverTouch() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	d, _, err := v.oneDevice()
	if err != nil {
		return err
	}
	on := f.Get("on") == "true"
	if !on && f.Get("on") != "false" {
		return badForm(fault.New(fault.Invalid, "", "on is missing"))
	}
	if on {
		for _, key := range append(hostKeys(d), addressKeys(d)...) {
			if _, err := v.s.Gates.Say(v.ctx, v.facility, key, d.ID, gate.SaidNeverTouch, ""); err != nil {
				return err
			}
		}
	}
	if _, err := v.s.Ledger.Edit(v.ctx, v.facility, d.ID, 0, ledger.Patch{NeverTouch: &on}); err != nil {
		return err
	}
	if on {
		v.said("「%s」には何も送りません。", "Nothing is sent to “%s” any more.", v.called(d))
	} else {
		if err := v.takeBackWords(d, gate.SaidNeverTouch); err != nil {
			return err
		}
		v.said("「%s」をふつうの守りに戻しました。", "“%s” has its usual protection again.", v.called(d))
	}
	v.redirect(page.DevicePath(d.ID, ""))
	return nil
}

func (v *visit) takeBackWords(d *ledger.Device, w gate.Word) error {
	words, err := v.s.Gates.Words(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, e := range words {
		if e.Device == d.ID && e.Word == w {
			if err := v.s.Gates.TakeBack(v.ctx, v.facility, e.ID); err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
	}
	return nil
}

// deviceUnlock writes down a person's leave to examine a protected device, for each of its cards.
func (v *visit) deviceUnlock() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	d, _, err := v.oneDevice()
	if err != nil {
		return err
	}
	form := page.UnlockForm{Reason: f.Get("reason"), From: f.Get("from"), Until: f.Get("until")}
	zone := v.now().Location()
	errs := page.Errors{}
	from, err := time.ParseInLocation(typedTime, form.From, zone)
	if err != nil {
		errs["from"] = v.t("いつからかを入れてください。", "Say from when.")
	}
	until, err := time.ParseInLocation(typedTime, form.Until, zone)
	switch now := v.s.Now(); {
	case err != nil:
		errs["until"] = v.t("いつまでかを入れてください。", "Say until when.")
	case !until.After(from) || !until.After(now):
		errs["until"] = v.t("終わりは、始まりといまの時刻より後にしてください。", "The end must lie after the beginning and after now.")
	case until.Sub(now) > gate.MaxUnlock:
		errs["until"] = v.t("許可は7日先までです。", "At most 7 days ahead.")
	}
	if len([]rune(form.Reason)) < 3 {
		errs["reason"] = v.t("理由を書いてください(3文字以上)。あとで確認できるように残します。", "Write a reason (3 characters or more); it is kept.")
	}
	keys := hostKeys(d)
	switch {
	case f.Get("agreed") != "yes":
		errs[""] = v.t("部門の担当者に知らせてから、印を付けてください。", "Tell the department first, then tick the box.")
	case d.NeverTouch:
		errs[""] = v.t("「何も送らない」と決めた機器です。先にそれをやめてください。", "The device is never to be touched. Take that back first.")
	case len(keys) == 0:
		errs[""] = v.t("ネットワークで見つかっていない機器は、調べられません。", "A device that was never seen on the network cannot be examined.")
	}
	if len(errs) > 0 {
		return v.showDevice(d, form, errs)
	}
	for _, key := range keys {
		u := gate.Unlock{HostKey: key, From: from, Until: until, Reason: form.Reason, By: v.actor.Name}
		if _, err := v.s.Gates.Unlock(v.ctx, v.facility, u, d.ID); err != nil {
			if fault.KindOf(err) == fault.Internal {
				return err
			}
			return v.showDevice(d, form, page.Errors{"": v.says(err)})
		}
	}
	v.said("「%s」の確認を許可しました。期限が来ると、自動で守りに戻ります。", "“%s” may be examined. At the end it is protected again by itself.", v.called(d))
	v.redirect(page.DevicePath(d.ID, ""))
	return nil
}

// deviceLock ends every leave of a device at once.
func (v *visit) deviceLock() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	d, _, err := v.oneDevice()
	if err != nil {
		return err
	}
	list, err := v.s.Gates.Unlocks(v.ctx, v.facility, v.s.Now())
	if err != nil {
		return err
	}
	for _, u := range list {
		if u.Device == d.ID && u.RevokedAt.IsZero() {
			if err := v.s.Gates.Revoke(v.ctx, v.facility, u.ID); err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
	}
	v.said("「%s」を守りに戻しました。", "“%s” is protected again.", v.called(d))
	v.redirect(back(f, page.DevicePath(d.ID, "")))
	return nil
}
