package intake

import (
	"strings"
	"testing"
)

func TestSaysOpened(t *testing.T) {
	for _, s := range []string{
		"リンクを開いてしまいました。", "添付ファイルを開いてしまった", "開いちゃいました", "クリックしてしまいました", "クリックしちゃった", "うっかり押してしまいました…",
		"パスワードを入力してしまいました", "IDとパスワードを入れてしまいました", "ログインしました", "開封しました。大丈夫でしょうか", "リンクを踏んでしまいました", "タップした後に気づきました",
		"URLをクリックしました", "添付を開きました", "すみません、開いたかもしれません", "開いてしまいまた", "クリックしてしましました", "空いてしまいました", "クリックし\nてしまいました",
		"ｸﾘｯｸしてしまいました", "クリックはしていませんが、添付ファイルは開いてしまいました", "QRコードを読み取ってしまいました", "返信してしまいました", "暗証番号を教えてしまいました",
		"電話してしまいました", "マクロを有効にしてしまいました", "クリック後に気づきました", "入力済みです", "開けてしまいました", "ひらいてしまいました", "クッリクしてしまいました。クリクッしてしまいました。開いてしましました",
		"I clicked the link.", "I opened the attachment, sorry", "I've entered my password",
	} {
		if w, ok := SaysOpened(s); !ok {
			t.Errorf("not heard: %s", s)
		} else if w == "" {
			t.Errorf("no words: %s", s)
		}
	}
	for _, s := range []string{
		"", "不審なメールです。", "開いていません。", "リンクは開いていないです", "クリックしていません", "クリックしないで報告します", "開かずに削除しました", "開いてもいいですか",
		"開いたらどうなりますか", "開いたほうがいいですか", "クリックした場合はどうすればよいですか", "開いてしまうところでした", "クリックしそうになりました", "添付は開きませんでした",
		"開いていませんでした", "怪しいので転送します", "クリックさせようとするメールです", "入力はしていません", "パスワードの入力を求めています", "開いてません。",
		"> 添付を開いてしまいました\n不審なメールです", "I did not open the attachment.", "I haven't clicked it", "Should I have opened it?",
	} {
		if w, ok := SaysOpened(s); ok {
			t.Errorf("heard %q in: %s", w, s)
		}
	}
	if _, ok := SaysOpened(strings.Repeat("開いて", 1<<20)); ok {
		t.Error("heard in noise")
	}
}

func TestIsAutoReply(t *testing.T) {
	for _, h := range []string{
		"Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated; x", "Subject: 自動応答: 研修", "Subject: =?UTF-8?B?5LiN5Zyo6YCa55+l?=", "Subject: Automatic reply: x", "Subject: Out of Office: x",
		"Precedence: bulk", "Return-Path: <>", "X-Autoreply: yes", "Content-Type: multipart/report; report-type=delivery-status; boundary=x", "From: MAILER-DAEMON@x.example",
		"Subject: Undeliverable: x", "Subject: 配信不能: x",
	} {
		if why, ok := IsAutoReply([]byte(h + "\r\nTo: a@b.example\r\n\r\nx")); !ok || why == "" {
			t.Errorf("taken for a person's: %s", h)
		}
	}
	for _, h := range []string{"Auto-Submitted: no", "Subject: 明日は不在にします", "Subject: Re: 研修", "X-Autoreply: no", "Precedence: first-class", "Subject: 自動ドアの件",
		"List-Id: <report.hospital.example>", "Precedence: list", "X-MS-Exchange-Inbox-Rules-Loop: report@hospital.example"} {
		if why, ok := IsAutoReply([]byte(h + "\r\nFrom: a@b.example\r\n\r\nx")); ok {
			t.Errorf("taken for a program's: %s: %s", h, why)
		}
	}
}

func FuzzSaysOpened(f *testing.F) {
	f.Add("開いてしまいました")
	f.Fuzz(func(t *testing.T, s string) {
		if w, ok := SaysOpened(s); ok && w == "" {
			t.Error("no words")
		}
	})
}
