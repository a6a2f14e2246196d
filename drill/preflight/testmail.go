package preflight

import (
	"context"
	"fmt"
	"strings"

	"kenshin/i18n"
)

func testChecks() []Check {
	return []Check{{
		ID:       "inbox",
		Title:    i18n.Text{Ja: "試しのメールが受信箱に届いた", En: "The test mails reached the inbox"},
		Why:      i18n.Text{Ja: "迷惑メールや隔離に入ると、訓練ではなくフィルターを試すことになります。隔離から自分で出して開く職員もいます。", En: "In junk or quarantine the drill tests the filter instead of people; and some staff release mail themselves and open it."},
		Fix:      i18n.Text{Ja: "手引きに沿って受信側で許可します。できないときは、隔離からの解除も数える訓練か、報告だけの訓練にします。", En: "Allow the drill on the receiving side by the guide. Where that is not possible, choose a drill that counts releases, or a report-only drill."},
		Severity: High, Source: "test mailboxes; message headers", run: checkInbox,
	}, {
		ID:       "intact",
		Title:    i18n.Text{Ja: "試しのメールが作ったとおりに届いた", En: "The test mails arrived as they were made"},
		Why:      i18n.Text{Ja: "リンクの書き換え、添付の削除、文字化けがあると、数え方や職員の見え方が変わります。", En: "Rewritten links, removed attachments or garbled text change what staff see and what is counted."},
		Fix:      i18n.Text{Ja: "表示された項目ごとの助言に沿って、受信側の設定を変えるか、訓練の種類(文字だけ、添付なし、報告だけ)を変えます。", En: "Follow the advice for each item: change the receiving side, or the kind of drill (text only, no attachment, report only)."},
		Severity: Medium, Source: "delivered bytes", run: checkIntact,
	}, {
		ID:       "watch",
		Title:    i18n.Text{Ja: "だれも触らない15分の間に、機械が開かなかった", En: "In fifteen minutes that nobody touched it, no machine opened it"},
		Why:      i18n.Text{Ja: "メールの検査装置がリンクや画像を開くと、職員が開いたように数えてしまいます。", En: "When a scanner opens links or pictures, it is counted as if staff had."},
		Fix:      i18n.Text{Ja: "この間の記録を「この病院の検査装置」として保存すると、本番では機械として分けられます。", En: "Save these hits as this site's scanner: in the drill they are then told apart as machines."},
		Severity: Medium, Source: "hits on the test tokens", run: checkWatch,
	}}
}

// place is where the mail is: what a person or IMAP saw, else what the headers say.
func (t Test) place() Place {
	if t.Place != "" && t.Place != PlaceUnknown {
		return t.Place
	}
	if t.Reading != nil {
		return t.Reading.Place
	}
	return PlaceUnknown
}

func checkInbox(_ context.Context, p *pass) Result {
	if len(p.Tests) == 0 {
		return result(Unknown, "試しのメールをまだ送っていません。", "No test mail was sent yet.")
	}
	r := result(OK, "すべて受信箱に届きました。", "All of them are in the inbox.")
	note := func(s State, ja, en string) {
		if worse(r.State, s) != r.State {
			r.State, r.Says = s, i18n.Text{Ja: ja, En: en}
		}
	}
	for _, t := range p.Tests {
		pl := t.place()
		r.Facts = append(r.Facts, fact("届いた場所", "Landed in", t.Mailbox, string(pl)))
		switch pl {
		case Inbox:
		case Junk:
			note(Bad, "迷惑メールに入りました。", "One went to junk.")
		case Quarantine:
			note(Bad, "隔離されました。", "One was quarantined.")
		case Never:
			note(Bad, "届きませんでした。", "One never arrived.")
		default:
			note(Unknown, "どこに届いたか分かりません。受信箱で確かめて印を付けてください。", "It is not known where one landed. Look, and tick the place.")
		}
		if t.Reading == nil {
			continue
		}
		for _, f := range append(t.Reading.Findings(), t.Reading.Against(p.Setup)...) {
			r.Facts = append(r.Facts, fact(f.Says.Ja, f.Says.En, t.Mailbox, f.Where))
			if f.State == Bad || f.State == Warn {
				note(Warn, f.Says.Ja, f.Says.En)
			}
		}
	}
	return r
}

func checkIntact(_ context.Context, p *pass) Result {
	r, compared := result(OK, "作ったとおりに届いています。", "They arrived as they were made."), 0
	for _, t := range p.Tests {
		if t.Difference == nil {
			continue
		}
		compared++
		for _, f := range t.Difference.Findings {
			r.Facts = append(r.Facts, fact(f.Says.Ja, f.Says.En, t.Mailbox, f.Where))
			if worse(r.State, f.State) != r.State {
				r.State, r.Says = f.State, f.Says
			}
		}
	}
	if compared == 0 {
		return result(Unknown, "届いたメールの中身をまだ比べていません。", "No delivered mail has been compared yet.")
	}
	return r
}

func checkWatch(_ context.Context, p *pass) Result {
	w := p.Watch
	if w.From.IsZero() || w.To.Sub(w.From) < watchAtLeast || p.Now().Before(w.To) {
		return result(Unknown, "15分の様子見がまだ終わっていません。", "The quiet fifteen minutes are not over yet.")
	}
	hits := fact("だれも触らない間の記録", "Hits that nobody made", "", fmt.Sprint(w.Hits))
	switch {
	case w.Hits == 0:
		return result(OK, "機械による開封はありませんでした。", "No machine opened anything.", hits)
	case w.Learned:
		return result(OK, fmt.Sprintf("機械による開封が%d件あり、この病院の検査装置として保存されました。", w.Hits), fmt.Sprintf("%d hits by machines, saved as this site's scanner.", w.Hits), hits)
	}
	return result(Bad, fmt.Sprintf("だれも触らないのに%d件の開封がありました。検査装置として保存してください。", w.Hits), fmt.Sprintf("%d hits though nobody touched it. Save them as a scanner.", w.Hits), hits)
}

// Finding is one thing that happened to a mail, with what to do about it.
type Finding struct {
	ID    string    `json:"id"`
	State State     `json:"state"`
	Says  i18n.Text `json:"says"`
	Do    i18n.Text `json:"do"`
	Where string    `json:"where,omitempty"` // the header, link or file that shows it
}

func oneLine(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(s, "\ufffd")), " "))
	if len(r) > n {
		return string(r[:n]) + "…"
	}
	return string(r)
}
