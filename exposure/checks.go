package exposure

import (
	"strings"
	"time"

	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/observation"
)

// UnsupportedOS is the id of the check that the ledger's list filters by.
const UnsupportedOS = "os-support"

// Checks lists every check, the gravest first.
func Checks() []*Check {
	return []*Check{smb1(), openDatabase(), unsupportedOS(), telnet(), unknownDevice(), expiredCertificate(), oldTLS(), plainFTP(), remoteScreen()}
}

func smb1() *Check {
	return &Check{
		ID: "smb1", Version: 1, Severity: High, Minutes: 5, Days: 7,
		Title: i18n.Text{Ja: "「%s」が、とても古い共有方式(SMB1)を受け付けています", En: "%s accepts a very old way of sharing files (SMB1)"},
		Why: i18n.Text{
			Ja: "SMB1は1990年代のファイル共有の方式で、ランサムウェアが院内の機器から機器へ広がるときの通り道になります。同じ区画の1台が感染すると、この機器にも届きます。",
			En: "SMB1 is a file sharing protocol of the 1990s and the road by which ransomware spreads from device to device. One infected machine on the same segment is enough."},
		Fix: i18n.Text{
			Ja: "機器を納めた会社に「SMB1を止められるか」を聞いてください。WindowsのパソコンやNASなら設定で止められます。止められない装置は、つなぐ相手を必要な数台だけに絞ります。電源は切らないでください。",
			En: "Ask the company that delivered it whether SMB1 can be switched off; on Windows PCs and NAS it is a setting. Where it cannot, limit who may connect to the few that need to. Do not power it off."},
		Call:   i18n.Text{Ja: "機器の保守会社(医療機器ならメーカー)", En: "the device's maintenance company (the maker, for a medical device)"},
		Source: "MS-SMB; Microsoft KB2696547; 医療情報システムの安全管理に関するガイドライン 第6.0版 システム運用編 8.1",
		Judge:  service(observation.SMBDialect, func(o *observation.Observation) bool { return o.Value == "smb1" }),
	}
}

func telnet() *Check {
	return &Check{
		ID: "telnet", Version: 1, Severity: Middle, Minutes: 10, Days: 30,
		Title: i18n.Text{Ja: "「%s」に、暗号のない遠隔操作の口(Telnet)が開いています", En: "%s can be operated over Telnet, which is not encrypted"},
		Why: i18n.Text{
			Ja: "Telnetでは、管理者のIDとパスワードがそのままの文字で院内の線を流れます。同じ線につながった人が読めてしまいます。",
			En: "Telnet sends the administrator's name and password as plain text; anybody on the same line can read them."},
		Fix: i18n.Text{
			Ja: "使っていなければ設定で止めます。遠隔操作が要るときは、暗号化されたSSHに替えられるかを業者に聞いてください。",
			En: "Switch it off if nobody uses it. Where remote operation is needed, ask the vendor for SSH instead."},
		Call:   i18n.Text{Ja: "ネットワークの業者、または機器の保守会社", En: "the network vendor or the device's maintenance company"},
		Source: "RFC 854; チェックリスト 2-⑫ 不要なサービスの停止",
		Judge:  service(observation.TelnetBanner, nil),
	}
}

func unknownDevice() *Check {
	return &Check{
		ID: "unknown-device", Version: 1, Severity: Middle, Minutes: 10, Days: 7,
		Title: i18n.Text{Ja: "台帳にない機器「%s」がつながっています", En: "%s is connected and not in the ledger"},
		Why: i18n.Text{
			Ja: "だれのものか分からない機器は、だれも更新せず、だれも異変に気づきません。点検表 2-① では、すべての機器が台帳にあることを求めています。",
			En: "A device that belongs to nobody is updated by nobody and watched by nobody. Checklist item 2-① asks for every device to be in the ledger."},
		Fix: i18n.Text{
			Ja: "持ち主が分かれば台帳に登録します。分からなければ、つながっている場所を見に行きます。私物なら外してもらい、医療機器の場合は線を抜く前に部門へ声をかけてください。",
			En: "Register it when you know whose it is. If not, go and look. Ask for private devices to be removed; before unplugging anything medical, talk to the department."},
		Call:   i18n.Text{Ja: "その場所の部門の責任者", En: "whoever is responsible for the place"},
		Source: "チェックリスト 2-①; 企画管理編 9.1",
		Judge: func(s Subject) Verdict {
			if s.Device.State == ledger.New && s.Device.Identity.Kind != "kenshin" { // this product knows its own cards
				return Verdict{Outcome: Fail, Evidence: []Evidence{{Signal: "ledger.state", Value: string(s.Device.State), At: s.Device.LastSeen}}}
			}
			return Verdict{Outcome: Pass}
		},
	}
}

func unsupportedOS() *Check {
	return &Check{
		ID: UnsupportedOS, Version: 1, Severity: High, Minutes: 10, Days: 30,
		Title: i18n.Text{Ja: "「%s」のOSは、メーカーの支援が終わっています", En: "%s runs an operating system past its support"},
		Why: i18n.Text{
			Ja: "支援が終わったOSは、弱点が見つかっても直してもらえません。見つかった弱点は公開されるので、時間がたつほど狙われやすくなります。",
			En: "Past its end of support an operating system gets no more repairs, while its weaknesses become public knowledge."},
		Fix: i18n.Text{
			Ja: "更新できるか、延長の支援に入っているかを保守会社に聞いてください。更新できない装置は、区画を分けて、つなぐ相手を必要な数台に絞ります。",
			En: "Ask the maintenance company whether it can be updated or has extended support. Where not, put it into a segment of its own and limit who may connect."},
		Call:   i18n.Text{Ja: "機器の保守会社(医療機器ならメーカー)", En: "the device's maintenance company (the maker, for a medical device)"},
		Source: "Microsoft Lifecycle; Debian, Ubuntu, Red Hat release pages (exposure/support.yaml); チェックリスト 2-⑥",
		Judge:  judgeSupport,
	}
}

func judgeSupport(s Subject) Verdict {
	name := strings.TrimSpace(s.Device.OS() + " " + s.Device.OSVersion())
	if name == "" {
		return Verdict{Outcome: NotTested}
	}
	end, ok := supportEnd(name)
	if !ok {
		return Verdict{Outcome: NotTested}
	}
	v := Verdict{Outcome: Pass, Evidence: []Evidence{{Signal: "os", Value: name, At: s.Device.LastSeen}}}
	if s.Now.Before(end) {
		return v
	}
	v.Outcome = Fail
	v.Note = i18n.Text{Ja: name + " の支援は " + end.Format("2006年1月2日") + " に終わりました。", En: "Support for " + name + " ended on " + end.Format(time.DateOnly) + "."}
	return v
}

func openDatabase() *Check {
	return &Check{
		ID: "open-database", Version: 1, Severity: Critical, Minutes: 10, Days: 3,
		Title: i18n.Text{Ja: "「%s」のデータベースが、パスワードなしで開いています", En: "A database on %s is open without a password"},
		Why: i18n.Text{
			Ja: "院内の線につながるだけで、だれでも中のデータを読み、書き換え、消すことができます。",
			En: "Anybody on the line can read, change and delete what is in it."},
		Fix: i18n.Text{
			Ja: "システムを納めた会社に、パスワードを付けることと、つなぐ相手を絞ることを今週中に頼んでください。",
			En: "Ask the company that delivered the system to set a password and limit who may connect, this week."},
		Call:   i18n.Text{Ja: "システムを納めた会社", En: "the company that delivered the system"},
		Source: "チェックリスト 2-④ アクセス権限、2-⑦ パスワード",
		Judge: service(observation.Database, func(o *observation.Observation) bool {
			return o.Detail["auth"] == "none" || o.Detail["auth"] == "trust"
		}),
	}
}

func expiredCertificate() *Check {
	return &Check{
		ID: "tls-expired", Version: 1, Severity: Low, Minutes: 10, Days: 60,
		Title: i18n.Text{Ja: "「%s」の証明書の期限が切れています", En: "The certificate of %s has expired"},
		Why: i18n.Text{
			Ja: "毎日「安全でない」という警告を押して進む習慣がつくと、本物の偽サイトの警告にも気づけなくなります。",
			En: "Staff who click through a warning every day will click through the one that matters."},
		Fix:    i18n.Text{Ja: "システムの業者に、証明書の更新を頼んでください。", En: "Ask the system's vendor to renew the certificate."},
		Call:   i18n.Text{Ja: "システムを納めた会社", En: "the company that delivered the system"},
		Source: "RFC 5280 section 4.1.2.5",
		Judge: func(s Subject) Verdict {
			return service(observation.TLSCert, func(o *observation.Observation) bool {
				end, err := time.Parse(time.RFC3339, o.Detail["not_after"])
				return err == nil && end.Before(s.Now)
			})(s)
		},
	}
}

func oldTLS() *Check {
	return &Check{
		ID: "tls-old", Version: 1, Severity: Low, Minutes: 10, Days: 90,
		Title: i18n.Text{Ja: "「%s」の暗号の方式が古いままです", En: "%s only speaks an old version of TLS"},
		Why: i18n.Text{
			Ja: "TLS 1.0/1.1 は解読の方法が知られていて、国の基準でも使わないことになっています。",
			En: "TLS 1.0 and 1.1 have known attacks and are withdrawn."},
		Fix:    i18n.Text{Ja: "機器の更新で新しい方式(TLS 1.2以上)にできるか、業者に聞いてください。", En: "Ask the vendor whether an update brings TLS 1.2 or later."},
		Call:   i18n.Text{Ja: "機器・システムの業者", En: "the device's or system's vendor"},
		Source: "RFC 8996; CRYPTREC TLS暗号設定ガイドライン",
		Judge: service(observation.TLSCert, func(o *observation.Observation) bool {
			v := strings.ToLower(o.Detail["version"])
			return strings.HasSuffix(v, "1.0") || strings.HasSuffix(v, "1.1") || strings.HasPrefix(v, "ssl")
		}),
	}
}

func plainFTP() *Check {
	return &Check{
		ID: "ftp", Version: 1, Severity: Low, Minutes: 10, Days: 90,
		Title: i18n.Text{Ja: "「%s」で、暗号のないファイル転送(FTP)が動いています", En: "%s offers FTP, which is not encrypted"},
		Why: i18n.Text{
			Ja: "FTPはパスワードもファイルもそのまま流します。複合機のスキャン保存などに残っていることがよくあります。",
			En: "FTP sends passwords and files in the clear. It is often left over from a copier's scan-to-folder."},
		Fix:    i18n.Text{Ja: "使っていなければ止めます。使っているなら、暗号化された方法に替えられるかを業者に聞いてください。", En: "Switch it off if unused; otherwise ask the vendor for an encrypted way."},
		Call:   i18n.Text{Ja: "複合機・NASの業者", En: "the copier's or storage's vendor"},
		Source: "RFC 959; チェックリスト 2-⑫ 不要なサービスの停止",
		Judge:  service(observation.FTPBanner, nil),
	}
}

func remoteScreen() *Check {
	return &Check{
		ID: "vnc", Version: 1, Severity: Middle, Minutes: 10, Days: 30,
		Title: i18n.Text{Ja: "「%s」の画面を遠くから操作する口(VNC)が開いています", En: "The screen of %s can be operated from afar (VNC)"},
		Why: i18n.Text{
			Ja: "保守のために付けられ、忘れられていることが多い口です。パスワードが短い、または無いこともあります。",
			En: "Often installed for maintenance and forgotten; the password is short or missing."},
		Fix:    i18n.Text{Ja: "だれが何のために使うのかを確かめ、不要なら止めてもらってください。必要なら、つなぐ相手を保守の端末だけに絞ります。", En: "Find out who needs it; have it removed, or limit it to the maintenance terminal."},
		Call:   i18n.Text{Ja: "機器の保守会社", En: "the device's maintenance company"},
		Source: "RFC 6143; チェックリスト 2-② リモートメンテナンス",
		Judge: service(observation.TCPOpen, func(o *observation.Observation) bool {
			return o.Port == 5900
		}),
	}
}
