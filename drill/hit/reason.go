package hit

import (
	"fmt"
	"strconv"

	"kenshin/i18n"
)

// The rules, by the name that a reason carries.
const (
	rCanary       = "canary"        // the mailbox is one that nobody opens
	rCanaryNet    = "canary-net"    // same network as a hit on a canary
	rCanaryAgent  = "canary-agent"  // same program as a hit on a canary
	rMethod       = "method"        // HEAD, OPTIONS: no browser shows a page so
	rMalformed    = "malformed"     // something behind the token
	rHoneypot     = "honeypot"      // the link that nobody sees
	rHoneypotMate = "honeypot-mate" // same client as a hit on that link
	rBefore       = "before-250"    // before the mail was accepted
	rClock        = "clock"         // before the mail was handed over at all: the clock was set back
	rScanner      = "scanner"       // a program or network from the list
	rProxy        = "proxy"
	rSite         = "site" // this site's scanner, seen in the quiet minutes
	rSiteAgent    = "site-agent"
	rFast         = "fast"       // too soon after acceptance
	rAllLinks     = "all-links"  // every link of the mail at once
	rBurst        = "burst"      // many hits at once
	rShared       = "shared-net" // one outside address for several recipients
	rReport       = "after-report"
	rHand         = "hand"      // 続ける pressed, pointer moved
	rHandSoon     = "hand-soon" // the same client did so shortly after
	rOwnMail      = "own-mail"
	rPhone        = "phone"
	rList         = "list"
	rEgress       = "egress"   // from the hospital, at a plausible time
	rOutside      = "outside"  // a GET from elsewhere
	rNoTime       = "no-times" // from the hospital, but nothing is known of the mail's times
)

// Reason is one thing that was seen, with what was measured.
type Reason struct {
	Rule    string  `json:"rule"`
	Seconds float64 `json:"seconds,omitempty"` // what was measured, where it is a time
	Limit   int     `json:"limit,omitempty"`   // the threshold it was held against
	Count   int     `json:"count,omitempty"`   // what was measured, where it is a number
	Detail  string  `json:"detail,omitempty"`  // a network, a method, a rule of the list
}

// Text is the reason as a sentence, with the measured values.
func (r Reason) Text() i18n.Text {
	f, ok := sentences[r.Rule]
	if !ok {
		return i18n.Text{Ja: r.Rule, En: r.Rule}
	}
	ja, en := f(r)
	return i18n.Text{Ja: ja, En: en}
}

func (r Reason) secs() string { return strconv.FormatFloat(r.Seconds, 'f', 1, 64) }

// sentences is a literal table that nobody writes to.
var sentences = map[string]func(Reason) (ja, en string){
	rCanary: func(r Reason) (string, string) {
		return "だれも開かない監視用メールボックスあての通信です。", "The mailbox is a decoy that nobody opens."
	},
	rCanaryNet: func(r Reason) (string, string) {
		return "監視用メールボックスのリンクを開いた機械と同じネットワーク(" + r.Detail + ")からです。",
			"From the same network (" + r.Detail + ") as the machine that followed the links of a decoy mailbox."
	},
	rCanaryAgent: func(r Reason) (string, string) {
		return "監視用メールボックスのリンクを開いた機械と同じプログラム名です。", "The same program name as the machine that followed the links of a decoy mailbox."
	},
	rMethod: func(r Reason) (string, string) {
		return "要求の種類が " + r.Detail + " です。人がページを開くときには使われません。", "The request was " + r.Detail + ", which no person's browser uses to show a page."
	},
	rMalformed: func(r Reason) (string, string) {
		return "リンクの末尾に、メールにはない文字が付いていました。", "Characters that the mail did not contain followed the link."
	},
	rHoneypot: func(r Reason) (string, string) {
		return "人の目には見えないリンクが開かれました。", "A link that no person can see was followed."
	},
	rHoneypotMate: func(r Reason) (string, string) {
		return fmt.Sprintf("同じ通信元が%s秒の間に、人の目には見えないリンクも開きました(%d秒以内なら機械とみなす設定)。", r.secs(), r.Limit),
			fmt.Sprintf("The same client also followed a link that no person can see, %s s apart (limit %d s).", r.secs(), r.Limit)
	},
	rBefore: func(r Reason) (string, string) {
		return fmt.Sprintf("メールが受け付けられる%s秒前でした。まだだれにも届いていません。", r.secs()),
			fmt.Sprintf("%s s before the mail was accepted: nobody had it yet.", r.secs())
	},
	rClock: func(r Reason) (string, string) {
		return fmt.Sprintf("送信を始める%s秒前の時刻です。サーバーの時計が戻されたと考えられ、判定できません。", r.secs()),
			fmt.Sprintf("%s s before the mail was handed over at all; the server's clock was probably set back, so this cannot be judged.", r.secs())
	},
	rScanner: func(r Reason) (string, string) {
		return "検査や自動処理のプログラムとして知られています(" + r.Detail + ")。", "Known as a scanner or an automatic program (" + r.Detail + ")."
	},
	rProxy: func(r Reason) (string, string) {
		return "メールサービスによる代理の取得です(" + r.Detail + ")。本人が見たかどうかは分かりません。",
			"Fetched by the mail service on behalf of the mailbox (" + r.Detail + "); it does not show whether the person looked."
	},
	rSite: func(r Reason) (string, string) {
		return "送信前の確認で、だれも触れていないのに来た通信と同じです(" + r.Detail + ")。",
			"The same as what came during the check before sending, when nobody touched the mail (" + r.Detail + ")."
	},
	rSiteAgent: func(r Reason) (string, string) {
		return "送信前の確認で、だれも触れていないのに来た通信と同じプログラム名です。",
			"The same program name as what came during the check before sending, when nobody touched the mail."
	},
	rFast: func(r Reason) (string, string) {
		return fmt.Sprintf("メールが受け付けられてから%s秒後でした(%d秒未満なら機械とみなす設定)。", r.secs(), r.Limit),
			fmt.Sprintf("%s s after the mail was accepted (under %d s counts as a machine).", r.secs(), r.Limit)
	},
	rAllLinks: func(r Reason) (string, string) {
		return fmt.Sprintf("メールの%d個のリンクすべてが%d秒以内に開かれました。", r.Count, r.Limit),
			fmt.Sprintf("All %d links of the mail were followed within %d s.", r.Count, r.Limit)
	},
	rBurst: func(r Reason) (string, string) {
		return fmt.Sprintf("同じ宛先あてに%d秒以内に%d回の通信がありました。", r.Limit, r.Count),
			fmt.Sprintf("%[2]d hits for one recipient within %[1]d s.", r.Limit, r.Count)
	},
	rShared: func(r Reason) (string, string) {
		return fmt.Sprintf("病院の外の一つの通信元(%s)から、%d人分のリンクが開かれました(%d人以上なら機械とみなす設定)。", r.Detail, r.Count, r.Limit),
			fmt.Sprintf("One address outside the hospital (%s) followed the links of %d recipients (%d or more count as a machine).", r.Detail, r.Count, r.Limit)
	},
	rReport: func(r Reason) (string, string) {
		return fmt.Sprintf("本人が通報してから%s秒後でした(%d秒以内は通報に伴う検査とみなす設定)。", r.secs(), r.Limit),
			fmt.Sprintf("%s s after the recipient reported the mail (within %d s it is put down to the report).", r.secs(), r.Limit)
	},
	rHand: func(r Reason) (string, string) {
		return "ページの上で手を動かした(ボタンを押した、画面に触れた)記録です。", "Somebody acted on the page: pressed the button or touched it."
	},
	rHandSoon: func(r Reason) (string, string) {
		return fmt.Sprintf("同じ端末が%s秒後に、ページの上で手を動かしています。", r.secs()), fmt.Sprintf("The same device acted on the page %s s later.", r.secs())
	},
	rOwnMail: func(r Reason) (string, string) {
		return "本人のメールボックスから送られました。", "Sent from the person's own mailbox."
	},
	rPhone: func(r Reason) (string, string) {
		return "電話で受けた記録です。", "Written down from a telephone call."
	},
	rList: func(r Reason) (string, string) {
		return "取り込んだ一覧に本人の操作として載っています。", "An imported list names it as the person's own act."
	},
	rEgress: func(r Reason) (string, string) {
		return fmt.Sprintf("病院のネットワークから、メールが受け付けられて%s秒後に開かれました。", r.secs()),
			fmt.Sprintf("Followed from the hospital's own network, %s s after the mail was accepted.", r.secs())
	},
	rOutside: func(r Reason) (string, string) {
		return "病院の外から開かれました。人か機械かを示すものがありません。", "Followed from outside the hospital; nothing shows whether by a person."
	},
	rNoTime: func(r Reason) (string, string) {
		return "病院のネットワークからですが、このメールがいつ受け付けられたか分かりません。", "From the hospital's network, but it is not known when this mail was accepted."
	},
}
