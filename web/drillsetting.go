package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/drill"
	"kenshin/drill/calendar"
	"kenshin/drill/domain"
	"kenshin/drill/letter"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/web/page"
)

func (v *visit) drillSettings() error {
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err != nil {
		return err
	}
	return v.showDrillSettings(page.DrillSettingsView{Settings: s, Text: settingTexts(s)}, http.StatusOK)
}

// settingTexts writes what the form types as text.
func settingTexts(s drill.Settings) map[string]string {
	var egress, outgoing, hours, blackouts []string
	for _, p := range s.Egress {
		egress = append(egress, p.String())
	}
	for _, a := range s.Outgoing {
		outgoing = append(outgoing, a.String())
	}
	for _, w := range s.Hours.Hours {
		hours = append(hours, w.From.String()+"-"+w.To.String())
	}
	for _, b := range s.Hours.Blackouts {
		blackouts = append(blackouts, strings.TrimSpace(b.From+" "+b.To+" "+b.Why))
	}
	out := map[string]string{"egress": strings.Join(egress, "\n"), "outgoing": strings.Join(outgoing, "\n"), "hours": strings.Join(hours, "\n"), "night": quietText(s.Hours.Quiet, calendar.Night), "handover": quietText(s.Hours.Quiet, calendar.Handover), "duty": quietText(s.Hours.Quiet, calendar.Duty), "blackouts": strings.Join(blackouts, "\n")}
	for name, n := range settingNumbers(&s) {
		out[name] = strconv.Itoa(*n)
		if *n == 0 && strings.HasSuffix(name, "-port") {
			out[name] = ""
		}
	}
	return out
}

// revisionTyped is the revision that the form was made from.
func revisionTyped(f url.Values, now int64) int64 {
	if n, err := strconv.ParseInt(f.Get("revision"), 10, 64); err == nil && n > 0 {
		return n
	}
	return now
}

// settingNumbers are the fields of the form that are whole numbers.
func settingNumbers(s *drill.Settings) map[string]*int {
	return map[string]*int{"per_day": &s.PerDay, "apart": &s.Apart, "quiet": &s.Quiet, "nameless": &s.Nameless, "lines": &s.Lines, "relay-port": &s.Relay.Port}
}

func (v *visit) showDrillSettings(view page.DrillSettingsView, code int) error {
	s := view.Settings
	view.HasSecret = map[string]bool{"relay": len(s.Relay.Sealed) > 0, "dkim": len(s.DKIM.Sealed) > 0}
	view.DKIMName = letter.RecordName(s.DKIM.Selector, s.Domain)
	if err := s.Ready(); err != nil {
		view.Missing = v.says(err)
	}
	if view.Box == nil {
		box, err := v.mailboxView(s)
		if err != nil {
			return err
		}
		view.Box = &box
	}
	var err error
	if view.ButtonFault, err = v.buttonFault(); err != nil {
		return err
	}
	list, err := v.s.Drills.Domains(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, d := range list {
		row := page.DrillDomain{Verification: d, Now: d.State(v.s.Now())}
		row.Host, row.Value = d.Record()
		if said := v.r.URL.Query(); said.Get("domain") == string(d.Domain) && row.Now != domain.Verified {
			row.Said = v.lookText(domain.Finding(said.Get("look")))
		}
		view.Domains = append(view.Domains, row)
	}
	if code != http.StatusOK {
		v.status(code)
	}
	v.show(page.DrillSettingsPage(v.shell(), view))
	return nil
}

// lookText says what a look into DNS gave.
func (v *visit) lookText(f domain.Finding) string {
	switch f {
	case domain.Missing:
		return v.t("DNSに、まだこのレコードがありません。足してから数分〜数時間かかることがあります。", "The record is not in DNS yet. It may take minutes to hours after it was added.")
	case domain.Different:
		return v.t("DNSに別の値のレコードがあります。下の値に直してください。", "DNS holds another value. Correct it to the one below.")
	case domain.NoAnswer:
		return v.t("DNSから答えがありませんでした。少し待って、もう一度確認してください。", "DNS did not answer. Try again in a while.")
	}
	return ""
}

func (v *visit) drillSettingsSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err != nil {
		return err
	}
	errs := page.Errors{}
	v.settingsTyped(&s, f, errs)
	s.Revision = revisionTyped(f, s.Revision)
	if len(errs) == 0 {
		err = v.s.Drills.SaveSettings(v.ctx, v.facility, s, drill.Secrets{Relay: f.Get("relay-secret")})
		if err == nil {
			v.said("訓練の設定を保存しました。", "Saved the drill settings.")
			v.redirect(page.PathDrillSettings)
			return nil
		}
		if kind := fault.KindOf(err); kind != fault.Invalid && kind != fault.Conflict {
			return err
		}
		errs[""] = v.says(err)
	}
	text := map[string]string{}
	for name := range settingTexts(s) {
		text[name] = f.Get(name)
	}
	return v.showDrillSettings(page.DrillSettingsView{Settings: s, Text: text, Errors: errs}, http.StatusUnprocessableEntity)
}

// settingsTyped reads the form into settings. What the form does not show stays as it was.
func (v *visit) settingsTyped(s *drill.Settings, f url.Values, errs page.Errors) {
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	for name, to := range map[string]*string{"base": &s.Base, "contact": &s.Contact, "security": &s.Security, "report_to": &s.ReportTo, "extension": &s.Extension, "org": &s.Org,
		"relay-kind": &s.Relay.Kind, "relay-host": &s.Relay.Host, "relay-security": &s.Relay.Security, "relay-auth": &s.Relay.Auth, "relay-user": &s.Relay.User, "relay-helo": &s.Relay.Helo,
		"relay-token-url": &s.Relay.TokenURL, "relay-client": &s.Relay.Client} {
		*to = get(name)
	}
	if s.Domain = strings.ToLower(get("domain")); s.Domain != "" {
		n, err := domain.Parse(s.Domain)
		if err != nil {
			errs["domain"] = v.says(err)
		} else {
			s.Domain = string(n)
		}
	}
	for name, to := range settingNumbers(s) {
		text := jp.Narrow(get(name))
		n, err := strconv.Atoi(text)
		if text == "" && strings.HasSuffix(name, "-port") {
			n, err = 0, nil
		}
		if err != nil {
			errs[name] = v.t("数字で入れてください。", "Enter a number.")
			continue
		}
		*to = n
	}
	s.Incident = f.Get("incident") == "yes"
	s.Egress, s.Outgoing = nil, nil
	for _, line := range strings.Fields(f.Get("egress")) {
		p, err := netip.ParsePrefix(line)
		if a, bad := netip.ParseAddr(line); bad == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			errs["egress"] = v.t("「%s」は 203.0.113.0/28 のように書いてください。", "Write “%s” like 203.0.113.0/28.", line)
			continue
		}
		s.Egress = append(s.Egress, p.Masked())
	}
	for _, line := range strings.Fields(f.Get("outgoing")) {
		a, err := netip.ParseAddr(line)
		if err != nil {
			errs["outgoing"] = v.t("「%s」は 203.0.113.5 のように書いてください。", "Write “%s” like 203.0.113.5.", line)
			continue
		}
		s.Outgoing = append(s.Outgoing, a)
	}
	v.hoursTyped(&s.Hours, f, errs)
}

func (v *visit) hoursTyped(c *calendar.Calendar, f url.Values, errs page.Errors) {
	c.Holidays, c.Weekdays, c.Hours, c.Blackouts = f.Get("holidays") == "yes", nil, nil, nil
	c.Quiet = v.quietTyped(c.Quiet, f, errs)
	for _, d := range f["weekday"] {
		if n, err := strconv.Atoi(d); err == nil && n >= 0 && n <= 6 && !slices.Contains(c.Weekdays, time.Weekday(n)) {
			c.Weekdays = append(c.Weekdays, time.Weekday(n))
		}
	}
	for line := range strings.Lines(f.Get("hours")) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		w, ok := windowOf(line)
		if !ok {
			errs["hours"] = v.t("「%s」は 09:00-16:30 のように書いてください。", "Write “%s” like 09:00-16:30.", line)
			continue
		}
		c.Hours = append(c.Hours, w)
	}
	for line := range strings.Lines(f.Get("blackouts")) {
		parts := strings.Fields(line)
		switch {
		case len(parts) == 0:
		case len(parts) < 2:
			errs["blackouts"] = v.t("「%s」は、はじめの日とおわりの日を 2027-01-10 2027-01-15 のように書いてください。", "Write “%s” as two dates, like 2027-01-10 2027-01-15.", strings.TrimSpace(line))
		default:
			c.Blackouts = append(c.Blackouts, calendar.Blackout{From: parts[0], To: parts[1], Why: strings.Join(parts[2:], " ")})
		}
	}
}

// drillKey makes a key that signs mails. Its private half is sealed at once and never shown.
func (v *visit) drillKey() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err != nil {
		return err
	}
	if _, err := v.s.Drills.MakeKey(v.ctx, v.facility, f.Get("selector")); fault.Is(err, fault.Invalid) {
		return v.showDrillSettings(page.DrillSettingsView{Settings: s, Text: settingTexts(s), Selector: f.Get("selector"), Errors: page.Errors{"selector": v.says(err)}}, http.StatusUnprocessableEntity)
	} else if err != nil {
		return err
	}
	v.said("署名の鍵を作りました。下のレコードをDNSに置いてください。", "Made a key. Publish the record below.")
	v.redirect(page.PathDrillSettings + "#dkim")
	return nil
}

func (v *visit) drillDomainAsk() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	name, by, contact := strings.TrimSpace(f.Get("name")), f.Get("by"), strings.TrimSpace(f.Get("ask-contact"))
	errs := page.Errors{}
	switch {
	case by != "dns" && by != "mail":
		errs[""] = v.t("確かめ方を選んでください。", "Choose how to prove it.")
	case by == "mail" && contact == "":
		errs["ask-contact"] = v.t("コードを送る、セキュリティの連絡先を入れてください。", "Enter the security contact that gets a code.")
	case by == "dns":
		contact = ""
	}
	if len(errs) == 0 {
		_, err := v.s.Drills.AskDomain(v.ctx, v.facility, name, contact)
		switch fault.KindOf(err) {
		case fault.Invalid, fault.Denied, fault.Conflict:
			if err != nil {
				errs["name"] = v.says(err)
			}
		default:
			if err != nil {
				return err
			}
		}
	}
	if len(errs) > 0 {
		s, err := v.s.Drills.Settings(v.ctx, v.facility)
		if err != nil {
			return err
		}
		return v.showDrillSettings(page.DrillSettingsView{Settings: s, Text: settingTexts(s), Ask: name, AskBy: by, Contact: f.Get("ask-contact"), AskErrors: errs}, http.StatusUnprocessableEntity)
	}
	if by == "mail" {
		v.said("コードを2通送りました。届いたら、ここに入れてください。", "Two codes were sent. Enter them here.")
	} else {
		v.said("下のレコードをDNSに足してから、「いまDNSを見て確認する」を押してください。", "Add the record below to DNS, then press “Look in DNS now”.")
	}
	v.redirect(page.PathDrillSettings + "#domains")
	return nil
}

func (v *visit) drillDomainCheck() error {
	name := v.r.PathValue("id")
	a, err := v.s.Drills.CheckDomain(v.ctx, v.facility, name)
	if err != nil {
		return err
	}
	if a.Finding == domain.Found {
		v.said("「%s」を確認しました。90日のあいだ、訓練を送れます。", "Verified %s for 90 days.", name)
		v.redirect(page.PathDrillSettings + "#domains")
		return nil
	}
	v.redirect(page.PathDrillSettings + "?" + url.Values{"domain": {name}, "look": {string(a.Finding)}}.Encode() + "#domains")
	return nil
}

func (v *visit) drillDomainConfirm() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if err := v.s.Drills.ConfirmDomain(v.ctx, v.facility, v.r.PathValue("id"), f.Get("code")); err != nil {
		switch fault.KindOf(err) {
		case fault.Invalid, fault.Conflict, fault.Denied:
			v.flash(page.Flash{Mark: page.MarkBad, Text: v.says(err)})
			v.redirect(page.PathDrillSettings + "#domains")
			return nil
		}
		return err
	}
	v.said("コードを受け取りました。2つそろうと確認できたことになります。", "Took the code. With both the domain is verified.")
	v.redirect(page.PathDrillSettings + "#domains")
	return nil
}

func (v *visit) drillDomainWithdraw() error {
	if err := v.s.Drills.WithdrawDomain(v.ctx, v.facility, v.r.PathValue("id"), v.actor.Name); err != nil {
		return err
	}
	v.said("取り下げました。このドメインには、もう何も送りません。", "Withdrawn: nothing is sent there any more.")
	v.redirect(page.PathDrillSettings + "#domains")
	return nil
}
