package web

import (
	"cmp"
	"strings"
	"time"

	"kenshin/exposure"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/web/page"
)

// letterAsks are the questions that a maker or vendor is asked about a weak point; nil when there is nobody to write to.
func letterAsks(check string) []i18n.Text {
	q := func(ja, en string) i18n.Text { return i18n.Text{Ja: ja, En: en} }
	switch check {
	case "smb1":
		return []i18n.Text{q("SMB1(古い方式のファイル共有)を止められますか。手順と、止めたときの影響を教えてください。", "Can SMB1 be switched off? Please tell us how, and what it would affect."),
			q("止められない場合、つなぐ相手を絞るなどの、貴社がすすめる対策を教えてください。", "If not, which measures do you recommend, such as limiting who may connect?")}
	case exposure.UnsupportedOS:
		return []i18n.Text{q("いまのOSの更新、または支援が続いているOSへの入れ替えはできますか。費用と時期の目安を教えてください。", "Can the operating system be updated or replaced by a supported one? Please tell us cost and time."),
			q("延長の支援(ESUなど)に入っていれば、その期限を教えてください。", "If it has extended support, until when?"),
			q("更新できない場合、貴社がすすめる守り方(区画を分ける、つなぐ相手を絞るなど)を教えてください。", "If it cannot be updated, how do you recommend to protect it?")}
	case "telnet", "ftp", "vnc":
		return []i18n.Text{q("この口は保守などに使っていますか。使っていなければ、止める手順を教えてください。", "Do you use this service? If not, please tell us how to switch it off."),
			q("使っている場合、暗号化された方法に替えるか、つなぐ相手を絞れますか。", "If you do, can it be replaced by an encrypted one or limited to certain addresses?")}
	case "open-database":
		return []i18n.Text{q("データベースにパスワードを付け、つなぐ相手を必要なものだけに絞ってください。いつできますか。", "Please set a password for the database and limit who may connect. By when can this be done?"),
			q("外から読まれたおそれがないか、記録を確かめてください。", "Please check the records for signs that others read it.")}
	case "tls-expired", "tls-old":
		return []i18n.Text{q("証明書の更新、または暗号の方式(TLS 1.2以上)への対応をお願いします。いつできますか。", "Please renew the certificate or support TLS 1.2 and later. By when can this be done?")}
	}
	return nil
}

// letter is a text to the maker or vendor, ready to be sent; "" when there is none for this check.
func (v *visit) letter(f *finding.Finding, d *ledger.Device, to *page.VendorCard) (string, error) {
	asks := letterAsks(f.Check)
	if asks == nil || d == nil {
		return "", nil
	}
	here, err := v.place()
	if err != nil {
		return "", err
	}
	whom := v.t("ご担当者", "To whom it may concern")
	if to != nil {
		whom = strings.TrimSpace(to.Name + " " + to.Contact)
	}
	var b strings.Builder
	line := func(ja, en string, args ...any) { b.WriteString(v.t(ja, en, args...) + "\n") }
	line("件名: 機器「%s」の安全対策についての確認のお願い", "Subject: a question about the security of %s", v.called(d))
	line("", "")
	line("%s 様", "Dear %s,", whom)
	line("", "")
	line("いつもお世話になっております。%s の %s です。", "This is %[2]s of %[1]s.", here.Name, v.actor.Name)
	line("院内ネットワークの点検で、下の機器について確かめたいことが見つかりました。", "A check of our network raised a question about the following device.")
	line("", "")
	line("機器: %s", "Device: %s", v.called(d))
	for _, x := range []struct{ ja, en, value string }{
		{"種類", "Kind", page.KindText(d.Kind()).For(v.ctx)}, {"メーカー・型番", "Maker, model", strings.TrimSpace(d.Maker() + " " + d.Model())},
		{"製造番号", "Serial number", d.Serial()}, {"OS", "Operating system", strings.TrimSpace(d.OS() + " " + d.OSVersion())},
		{"管理番号", "Our number", d.Word.Number}, {"設置場所", "Place", placeOf(d)}} {
		if x.value != "" {
			line("%s: %s", "%s: %s", v.t(x.ja, x.en), x.value)
		}
	}
	line("", "")
	line("見つかったこと: %s", "What was found: %s", f.Title.For(v.ctx))
	for _, e := range f.Evidence[:min(len(f.Evidence), 5)] {
		line("・%s %s(%sに確認)", "- %s %s (seen %s)", page.SignalText(v.ctx, e.Signal), v.evidenceText(e), v.letterDay(e.At))
	}
	line("", "")
	line("教えていただきたいこと:", "We would like to know:")
	for i, q := range asks {
		line("%d. %s", "%d. %s", i+1, q.For(v.ctx))
	}
	line("", "")
	if due := f.Due; due.After(v.s.Now()) { // a day that has passed is no day to answer by
		line("お手数ですが、%s までにお返事をお願いします。", "Please answer by %s.", v.letterDay(due))
	}
	line("機器の電源や設定は、お返事をいただくまでこちらでは変えません。", "We will not change the device's power or settings until we hear from you.")
	line("", "")
	line("%s\n%s", "%s\n%s", here.Name, cmp.Or(v.actor.Name, ""))
	return b.String(), nil
}

// letterDay is a date as letters write it: 2026年12月22日, 22 December 2026.
func (v *visit) letterDay(at time.Time) string {
	at = at.In(v.now().Location())
	if langOf(v) == i18n.En {
		return at.Format("2 January 2006")
	}
	return at.Format("2006年1月2日")
}

// findingLetter gives the text as a file.
func (v *visit) findingLetter() error {
	f, err := v.oneFinding()
	if err != nil {
		return err
	}
	view, err := v.findingView(&f)
	if err != nil {
		return err
	}
	if view.Letter == "" {
		return fault.New(fault.NotFound, "この弱点には、送る文面がありません。", "There is no text to send for this weak point.")
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", download(v.t("文面.txt", "letter.txt")))
	h.Set("Cache-Control", "no-store")
	_, err = v.w.Write([]byte(view.Letter))
	v.note(err, "a letter")
	return nil
}
