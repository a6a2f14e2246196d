package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/fault"
	"kenshin/gate"
	"kenshin/jp"
	"kenshin/netid"
	"kenshin/web/page"
)

// segmentSave approves a segment, or changes an approved one. A range that was typed, or a network of this machine, is written down first.
func (v *visit) segmentSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	var was gate.Entry
	stored, typed := false, v.r.PathValue("id") == ""
	if !typed {
		if was, stored, err = v.oneSegment(); err != nil {
			return err
		}
	}
	form := v.segmentTyped(f, was.Segment, typed)
	form.HasSNMP = len(was.SNMP) > 0
	form.Revision, _ = strconv.ParseInt(f.Get("revision"), 10, 64)
	if !was.Approved && f.Get("agreed") != "yes" {
		form.Errors["agreed"] = v.t("当院の区画であることを確かめ、部門に知らせてから印を付けてください。", "Make sure that it is yours and tell the departments, then tick the box.")
	}
	if len(form.Errors) > 0 {
		return v.showSegment(form, http.StatusUnprocessableEntity)
	}
	s := form.Segment
	if stored {
		err = v.s.Gates.Edit(v.ctx, v.facility, s, form.Revision)
	} else {
		s.ID, err = v.s.Gates.Propose(v.ctx, v.facility, s)
	}
	if err == nil && !was.Approved {
		err = v.s.Gates.Approve(v.ctx, v.facility, s.ID)
	}
	if err != nil {
		switch fault.KindOf(err) {
		case fault.Internal, fault.NotFound, fault.Unavailable:
			return err
		case fault.Conflict:
			form.Errors[""] = v.says(err)
			return v.showSegment(form, http.StatusConflict)
		}
		form.Errors[map[bool]string{true: "prefix", false: ""}[typed]] = v.says(err)
		return v.showSegment(form, http.StatusUnprocessableEntity)
	}
	if was.Approved {
		v.said("「%s」を保存しました。", "Saved “%s”.", s.Name)
	} else {
		v.said("「%s」を承認しました。健診を始められます。", "Approved “%s”. A check-up can be started.", s.Name)
	}
	v.redirect(page.PathSegments)
	return nil
}

// segmentTyped reads the form into a segment. What is wrong is said by field.
func (v *visit) segmentTyped(f url.Values, s gate.Segment, typed bool) page.SegmentForm {
	form := page.SegmentForm{New: typed, Prefix: strings.TrimSpace(f.Get("prefix")), Medical: f.Get("medical"), From: f.Get("from"), To: f.Get("to"), SNMP: f.Get("snmp"),
		User: strings.TrimSpace(f.Get("user")), Auth: f.Get("auth"), Priv: f.Get("priv"), Errors: page.Errors{}}
	s.Name, s.Purpose, s.Pace = strings.TrimSpace(f.Get("name")), strings.TrimSpace(f.Get("purpose")), gate.Pace(f.Get("pace"))
	s.Medical = form.Medical == "yes"
	if typed {
		if p, err := netid.ParseRange(form.Prefix); err != nil {
			form.Errors["prefix"] = v.says(err)
		} else {
			s.Prefix = p
			v.locate(&s)
		}
	}
	s.Router = netip.Addr{}
	if text := strings.TrimSpace(jp.Narrow(f.Get("router"))); text != "" {
		if a, err := netip.ParseAddr(text); err != nil || !a.Is4() || !netid.Private(a) {
			form.Errors["router"] = v.t("院内のIPv4アドレスを入れてください(例: 10.20.3.1)。", "Give a private IPv4 address, such as 10.20.3.1.")
		} else {
			s.Router = a
		}
	}
	form.Router = f.Get("router")
	s.Listen = f.Get("listen") == "yes" && !s.Routed && s.Interface != ""
	if s.Name == "" {
		form.Errors["name"] = v.t("名前を付けてください。", "Give it a name.")
	}
	if form.Medical != "yes" && form.Medical != "no" {
		form.Errors["medical"] = v.t("医療機器がいるかどうかを選んでください。分からないときは「いる」を。", "Say whether medical devices live there; choose yes when unsure.")
	}
	if !slices.Contains([]gate.Pace{gate.Gentle, gate.Normal, gate.Fast}, s.Pace) {
		form.Errors["pace"] = v.t("速さを選んでください。", "Choose a pace.")
	}
	s.Hours = gate.Hours{From: v.minutes(form.From, "from", form.Errors), To: v.minutes(form.To, "to", form.Errors)}
	if (form.From == "") != (form.To == "") {
		form.Errors["to"] = v.t("両方の時刻を入れるか、両方を空にしてください。", "Give both times or neither.")
	}
	v.snmpTyped(f, &s, form.Errors)
	form.Segment = s
	return form
}

// locate finds whether a typed range lies on one of this machine's interfaces; else it is reached through a router.
func (v *visit) locate(s *gate.Segment) {
	local, err := gate.Interfaces()
	v.note(err, "this machine's networks")
	s.Routed = true
	for _, p := range local {
		if p.LeftOut == nil && p.Segment.Prefix.Contains(s.Prefix.Addr()) && p.Segment.Prefix.Bits() <= s.Prefix.Bits() {
			s.Interface, s.Routed = p.Segment.Interface, false
		}
	}
}

// minutes reads "20:00" as minutes after midnight.
func (v *visit) minutes(s, field string, errs page.Errors) int {
	if s == "" {
		return 0
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		errs[field] = v.t("時刻を 20:00 のように入れてください。", "Write the time like 20:00.")
		return 0
	}
	return t.Hour()*60 + t.Minute()
}

// snmpTyped reads the credential. nil keeps what is stored, an empty list removes it.
func (v *visit) snmpTyped(f url.Values, s *gate.Segment, errs page.Errors) {
	switch f.Get("snmp") {
	case "keep":
		s.SNMP = nil
	case "v2c":
		c := f.Get("community")
		if c == "" {
			errs["community"] = v.t("合言葉を入れてください。", "Give the community.")
		}
		s.SNMP = []gate.SNMP{{Community: c}}
	case "v3":
		c := gate.SNMP{User: strings.TrimSpace(f.Get("user")), Auth: f.Get("auth"), AuthPass: f.Get("auth_pass"), Priv: f.Get("priv"), PrivPass: f.Get("priv_pass")}
		switch {
		case c.User == "":
			errs["user"] = v.t("利用者名を入れてください。", "Give the user name.")
		case c.Auth != "" && len(c.AuthPass) < 8:
			errs["auth_pass"] = v.t("8文字以上のパスワードを入れてください。", "Give a password of 8 characters or more.")
		case c.Priv != "" && len(c.PrivPass) < 8:
			errs["priv_pass"] = v.t("8文字以上の合言葉を入れてください。", "Give a passphrase of 8 characters or more.")
		}
		s.SNMP = []gate.SNMP{c}
	default:
		s.SNMP = []gate.SNMP{}
	}
}

func (v *visit) segmentWithdraw() error {
	e, stored, err := v.oneSegment()
	if err != nil {
		return err
	}
	if !stored || !e.Approved {
		return fault.New(fault.Conflict, "この区画は承認されていません。", "This segment is not approved.")
	}
	if err := v.s.Gates.Withdraw(v.ctx, v.facility, e.ID); err != nil {
		return err
	}
	v.said("「%s」の承認を取り消しました。もう何も送りません。", "Withdrew the approval of “%s”. Nothing is sent there any more.", e.Name)
	v.redirect(page.PathSegments)
	return nil
}

// kill presses or releases the kill switch. This machine's gate is shut before anything is written.
func (v *visit) kill() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	switch f.Get("on") {
	case "true":
		if c, err := v.s.Work.For(v.ctx, v.facility); err == nil && c.Gate != nil {
			c.Gate.Kill(true)
		}
		if err := v.s.Gates.Kill(v.ctx, v.facility, f.Get("reason")); err != nil {
			return err
		}
		v.said("すべての送信を止めました。", "All sending was stopped.")
	case "false":
		if err := v.s.Gates.Release(v.ctx, v.facility); err != nil {
			return err
		}
		v.said("停止を解除しました。", "Released the kill switch.")
	default:
		return fault.New(fault.Invalid, "止めるか、解除するかを選んでください。", "Choose stop or release.")
	}
	v.redirect(back(f, page.PathSegments))
	return nil
}
