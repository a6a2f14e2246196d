package preflight

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"kenshin/i18n"
)

// rule is one thing that headers can say, whole. when returns the header that shows it, "" when it does not hold.
type rule struct {
	id     string
	state  State
	says   i18n.Text
	do     i18n.Text
	source string
	when   func(*Reading) string
}

const (
	antispamDoc = "MicrosoftDocs/defender-docs message-headers-eop-mdo (2025-07-07)"
	advancedDoc = "MicrosoftDocs/defender-docs advanced-delivery-policy-configure (2024-07-16)"
)

func notPass(method string) func(*Reading) string {
	return func(r *Reading) string {
		v := r.Verdict(method)
		if v.Method == "" || v.Value == "pass" || v.Value == "bestguesspass" {
			return ""
		}
		return "Authentication-Results " + method + "=" + oneLine(v.Value, 40)
	}
}

func sfv(codes ...string) func(*Reading) string {
	return func(r *Reading) string {
		if v := r.Forefront["SFV"]; slices.Contains(codes, v) {
			return "X-Forefront-Antispam-Report SFV:" + v
		}
		return ""
	}
}

func cat(codes ...string) func(*Reading) string {
	return func(r *Reading) string {
		if v := r.Forefront["CAT"]; slices.Contains(codes, v) {
			return "X-Forefront-Antispam-Report CAT:" + v
		}
		return ""
	}
}

// headerRules are in the order in which a person should read them.
func headerRules() []rule {
	allow := i18n.Text{Ja: "Microsoft 365 の「高度な配信(Advanced delivery)」に、送信ドメインと送信元IPの両方を登録してください。", En: "Enter both the sending domain and the sending IP in Microsoft 365's Advanced delivery."}
	return []rule{
		{"same-organisation", Bad, i18n.Text{Ja: "Microsoft 365 が、組織の中から出たメールとして扱いました。この場合「高度な配信」は効きません。", En: "Microsoft 365 took it for mail from inside the organisation: Advanced delivery does not work for those."},
			i18n.Text{Ja: "訓練専用のドメインを使い、組織の外の経路から送ってください。", En: "Use a domain kept for drills, and send from outside the organisation."}, advancedDoc,
			func(r *Reading) string {
				if r.Forefront["DIR"] == "INT" {
					return "X-Forefront-Antispam-Report DIR:INT"
				}
				return ""
			}},
		{"quarantine-released", Bad, i18n.Text{Ja: "一度隔離され、そこから出されたメールです。", En: "It had been quarantined and was released."}, allow, antispamDoc, sfv("SKQ")},
		{"phishing", Bad, i18n.Text{Ja: "フィッシングと判定されました。", En: "It was judged to be phishing."}, allow, antispamDoc, cat("PHSH", "HPHSH", "HPHISH", "INTOS")},
		{"spoof", Bad, i18n.Text{Ja: "なりすましと判定されました。", En: "It was judged to be forged."}, i18n.Text{Ja: "SPF・DKIM・DMARC の項目を先に直し、それから「高度な配信」に登録してください。", En: "Set SPF, DKIM and DMARC right first, then use Advanced delivery."}, antispamDoc, cat("SPOOF", "DIMP", "UIMP", "GIMP", "BIMP")},
		{"malware", Bad, i18n.Text{Ja: "添付ファイルが危険と判定されました。", En: "The attachment was judged to be dangerous."}, i18n.Text{Ja: "添付の種類を変えるか、添付のない訓練にしてください。", En: "Choose another kind of attachment, or a drill without one."}, antispamDoc, cat("AMP", "MALW", "SAP", "FTBP")},
		{"spam", Bad, i18n.Text{Ja: "迷惑メールと判定されました。", En: "It was judged to be spam."}, allow, antispamDoc, func(r *Reading) string {
			if s := cat("SPM", "HSPM", "BULK")(r); s != "" {
				return s
			}
			return sfv("SPM")(r)
		}},
		{"blocked-by-rule", Bad, i18n.Text{Ja: "受信側の拒否の設定に当たりました。", En: "A block rule of the receiving side caught it."}, i18n.Text{Ja: "拒否リストとメールフロー ルールから、送信元を外してください。", En: "Take the sender off block lists and mail flow rules."}, antispamDoc, sfv("SKB", "SKS", "BLK")},
		{"scl-high", Bad, i18n.Text{Ja: "迷惑メールの度合い(SCL)が5以上です。", En: "The spam confidence level (SCL) is 5 or more."}, allow, antispamDoc, func(r *Reading) string {
			if r.SCL != nil && *r.SCL >= 5 {
				return fmt.Sprintf("SCL %d", *r.SCL)
			}
			return ""
		}},
		{"spam-flag", Bad, i18n.Text{Ja: "迷惑メールの印が付けられました。", En: "A filter marked it as spam."}, i18n.Text{Ja: "印を付けた機器の許可リストに、送信元IPと送信ドメインを加えてください。", En: "Put the sending IP and domain on the allow list of the filter that marked it."}, "SpamAssassin's headers (要確認: other products)", func(r *Reading) string {
			if f, yes := r.spamYes(); yes {
				return f.Name + ": " + f.Value
			}
			return ""
		}},
		{"sanitised", Bad, i18n.Text{Ja: "m-FILTER のメール無害化が働きました。", En: "m-FILTER sanitised the mail."}, i18n.Text{Ja: "送信元を無害化から除くか、文字だけの訓練・報告だけの訓練にしてください。", En: "Exempt the sender from sanitising, or choose a text-only or report-only drill."}, "Digital Arts FAQ 3403", func(r *Reading) string {
			if r.Sanitised != "" {
				return "X-MAIL-SANITIZED: " + oneLine(r.Sanitised, 80)
			}
			return ""
		}},
		{"dmarc-fail", Bad, i18n.Text{Ja: "受信側で DMARC に通りませんでした。", En: "DMARC did not pass at the receiver."}, i18n.Text{Ja: "差出人・エンベロープ・DKIM のドメインをそろえてください。", En: "Use one domain for From, envelope and DKIM."}, "RFC 8601", notPass("dmarc")},
		{"spf-fail", Warn, i18n.Text{Ja: "受信側で SPF に通りませんでした。", En: "SPF did not pass at the receiver."}, i18n.Text{Ja: "SPF に送信元IPを加えてください。間に中継があれば、その中継のIPが見えています。", En: "Add the sending IP to SPF. If something relays in between, its IP is what the receiver sees."}, "RFC 8601", notPass("spf")},
		{"dkim-fail", Warn, i18n.Text{Ja: "受信側で DKIM に通りませんでした。", En: "DKIM did not pass at the receiver."}, i18n.Text{Ja: "公開鍵を確かめてください。途中の機器が本文を書き換えると、署名は壊れます。", En: "Check the key in DNS. A device that rewrites the body on the way breaks the signature."}, "RFC 8601", notPass("dkim")},
		{"compauth-fail", Warn, i18n.Text{Ja: "Microsoft 365 の総合認証(compauth)に通りませんでした。", En: "Microsoft 365's composite authentication (compauth) did not pass."}, allow, antispamDoc, notPass("compauth")},
		{"first-contact", Warn, i18n.Text{Ja: "「初めての差出人」の注意が本文の上に出ています。", En: "A first-contact safety tip is shown above the text."}, i18n.Text{Ja: "訓練の難しさに影響します。そのままでよければ、記録として残してください。", En: "It makes the drill easier. If that is all right, keep it on record."}, antispamDoc, func(r *Reading) string {
			if strings.HasPrefix(r.Forefront["SFTY"], "9.") {
				return "X-Forefront-Antispam-Report SFTY:" + oneLine(r.Forefront["SFTY"], 20)
			}
			return ""
		}},
		{"slow", Warn, i18n.Text{Ja: "途中で5分より長く止まりました(グレーリスティングや検査)。", En: "It waited more than five minutes on the way (greylisting or scanning)."}, i18n.Text{Ja: "本番でも届くのに時間がかかります。送信の間隔と終わりの時刻に余裕を持たせてください。", En: "The drill's mails will take as long. Leave room in pace and end."}, "RFC 5321 4.4", func(r *Reading) string {
			for _, h := range r.Path {
				if h.Delay > 5*time.Minute {
					return fmt.Sprintf("Received by %s: +%s", h.By, h.Delay.Round(time.Second))
				}
			}
			return ""
		}},
		{"filter-skipped", OK, i18n.Text{Ja: "受信側の許可が効き、迷惑メールの検査は省かれました。", En: "The receiver's permission worked: spam filtering was skipped."}, i18n.Text{}, antispamDoc, func(r *Reading) string {
			if s := sfv("SKA", "SKN", "SFE")(r); s != "" {
				return s
			}
			if r.Forefront["IPV"] == "CAL" {
				return "X-Forefront-Antispam-Report IPV:CAL"
			}
			return ""
		}},
		{"no-marker", Bad, i18n.Text{Ja: "訓練の印(" + markerName + ")がありません。別のメールのヘッダーか、途中で消されています。", En: "The drill's marker (" + markerName + ") is gone: these are another mail's headers, or it was removed on the way."}, i18n.Text{Ja: "試しのメールのヘッダーを貼り付けたか確かめてください。", En: "Make sure that you pasted the test mail's headers."}, "drill rules", func(r *Reading) string {
			if r.Marker == "" {
				return markerName
			}
			return ""
		}},
		{"no-results", Unknown, i18n.Text{Ja: "認証の結果(Authentication-Results)が書かれていません。", En: "No Authentication-Results were written."}, i18n.Text{Ja: "受信側が書かない設定かもしれません。ヘッダーを全部貼り付けたか確かめてください。", En: "The receiver may not write them. Make sure that you pasted all headers."}, "RFC 8601", func(r *Reading) string {
			if len(r.Verdicts) == 0 {
				return "Authentication-Results"
			}
			return ""
		}},
	}
}

// Findings are what the headers say, with advice.
func (r *Reading) Findings() []Finding {
	var out []Finding
	for _, x := range headerRules() {
		if where := x.when(r); where != "" {
			out = append(out, Finding{ID: x.id, State: x.state, Says: x.says, Do: x.do, Where: where})
		}
	}
	return out
}

// Against compares the headers with what the drill is set up to send.
func (r *Reading) Against(s Setup) []Finding {
	var out []Finding
	seen := r.Forefront["CIP"]
	if seen == "" {
		seen = r.Verdict("spf").IP
	}
	if ip, err := netip.ParseAddr(seen); err == nil && len(s.SendingIPs) > 0 && !slices.ContainsFunc(s.SendingIPs, func(a netip.Addr) bool { return a.Unmap() == ip.Unmap() }) {
		out = append(out, Finding{ID: "other-ip", State: Bad, Where: seen,
			Says: i18n.Text{Ja: "受信側に見えた送信元IPが、設定と違います。間に別のサーバーがあります。", En: "The receiver saw another sending IP than the one that is set: a server stands in between."},
			Do: i18n.Text{Ja: "それが自院の中継なら、送信元IPの設定をこのアドレスに直してください。受信側の関門なら、そのIPを許可リストに入れてはいけません(誰でもその陰で届くようになります)。",
				En: "If it is your own relay, set this address as the sending IP. If it is the receiver's gateway, never allow-list it: anyone could hide behind it."}})
	}
	if v := r.Verdict("spf"); v.Detail["smtp.mailfrom"] != "" && s.MailFrom != "" && !strings.EqualFold(afterAt(v.Detail["smtp.mailfrom"]), s.MailFrom) {
		out = append(out, Finding{ID: "other-mailfrom", State: Warn, Where: "smtp.mailfrom=" + oneLine(v.Detail["smtp.mailfrom"], 100),
			Says: i18n.Text{Ja: "エンベロープの差出人のドメインが、設定と違います。", En: "The envelope sender's domain is not the one that is set."},
			Do:   i18n.Text{Ja: "許可リストには、受信側に見えたこのドメインを入力してください。", En: "On allow lists, enter the domain that the receiver saw."}})
	}
	return out
}

func afterAt(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return s[i+1:]
	}
	return s
}
